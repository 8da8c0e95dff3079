"""Read the planes of an image together with what was removed from them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from napari_dip.assess.noise_of_image import colour_planes
from napari_dip.image.observed import ObservedPart

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from napari_dip.image.axes import Index
    from napari_dip.image.lazy import LazyArray
    from napari_dip.image.problem import Problem

__all__ = ["ComparedPlane", "compared_planes"]


class ComparedPlane(NamedTuple):
    """A plane of one colour: the image, its known pixels, the residual, and the restored pixels."""

    image: NDArray[Any]
    known: NDArray[np.bool_]
    residual: NDArray[np.float32]
    restored: NDArray[np.bool_]

    @property
    def compared(self) -> NDArray[np.bool_]:
        """The pixels that are both known and restored."""
        return self.known & self.restored


def compared_planes(problem: Problem, index: Index, residual: LazyArray) -> Iterator[ComparedPlane]:
    """Yield each colour of a part of a plane; planes that were not restored are left out.

    Parameters
    ----------
    problem
        The image, its mask and the settings of the run.
    index
        Of the part, as of :class:`~napari_dip.assess.plane_sample.PartOfPlane`.
    residual
        From :func:`~napari_dip.assess.residual.residual_of`.
    """
    removed = np.asarray(residual[index])
    image = colour_planes(problem, problem.observed.read(index))
    left = colour_planes(problem, ObservedPart(removed, np.isfinite(removed)))
    for plane in map(ComparedPlane, *image, *left):
        both = plane.compared
        # A plane of an integer type that was not restored is 0; one of floats is NaN.
        kept = problem.dtype.kind == "f" or (plane.image[both] != plane.residual[both]).any()
        if both.any() and kept:
            yield plane
