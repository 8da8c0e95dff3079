"""Crop an image in memory, and restore other values of the crop with the same settings."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_dip.assess.plane_sample import middle_of
from napari_dip.assess.result_pixels import checked_result, index_in_result
from napari_dip.generators import finished
from napari_dip.image.problem import Problem, make_problem
from napari_dip.image.restore import run
from napari_dip.image.sink import InMemory

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from napari_dip.image.axes import Layout
    from napari_dip.image.survey import Survey
    from napari_dip.noise.model import NoiseModel

__all__ = ["Crop", "crop"]

MAX_SIDE = 256
"""Pixels along Y and X of a crop: ``fast`` restores 256² pixels in some 3 CPU seconds,
and statistics of 65536 pixels are precise to 1 percent."""

MAX_PLANES = 8
"""Planes of a crop along Z or T: as many as the patch filter searches before and after."""


@dataclass(frozen=True)
class Crop:
    """A part of an image in memory, with the settings and the noise of the whole image.

    Parameters
    ----------
    values
        With all axes of the image; integer types are kept.
    known
        Of the same shape; false where a pixel is missing.
    restored
        This part of the result, float32; longer than ``values`` along super-resolved axes.
    problem
        The problem of this part alone.
    """

    values: NDArray[Any]
    known: NDArray[np.bool_]
    restored: NDArray[np.float32]
    problem: Problem

    @property
    def layout(self) -> Layout:
        """Axes and shape of the crop."""
        return self.problem.layout

    @property
    def noises(self) -> tuple[NoiseModel, ...]:
        """Noise model of each channel."""
        return self.problem.survey.noises

    def planes(self, image: NDArray[Any], channel: int) -> NDArray[Any]:
        """Return the planes of a channel, and of each of its colours, ``(planes, height, width)``.

        Parameters
        ----------
        image
            Of the shape of the crop.
        channel
            Number of the channel.
        """
        layout = self.layout
        chosen = [index for index in layout.indices() if channel in layout.channels_of(index)]
        blocks = np.concatenate([layout.colours(image[index]) for index in chosen])
        return blocks.reshape(-1, *blocks.shape[-2:])

    def restore(
        self, values: NDArray[Any], noises: Sequence[NoiseModel] | None = None
    ) -> NDArray[np.float32]:
        """Restore other values with the settings, and the mask, of this crop.

        Parameters
        ----------
        values
            Of the shape of the crop.
        noises
            Noise model of each channel; ``None`` for the noise of the crop.
        """
        whole, floats = self.problem, values.astype(np.float32)
        # Its range of intensities is its own; noise that is estimated again might be another.
        scales = _problem_of(whole, floats, self.known).survey.scales
        noises = self.noises if noises is None else tuple(noises)
        surveyed = replace(whole.survey, scales=scales, noises=noises)
        problem = _problem_of(whole, floats, self.known, surveyed)
        return np.asarray(finished(run(problem, InMemory(problem))).image)


def crop(problem: Problem, restored: ArrayLike) -> Crop:
    """Crop the middle of an image and of its result: few planes of few pixels, all channels.

    Parameters
    ----------
    problem
        What was restored; its image may be lazy.
    restored
        The result, an array or a lazy array.

    Raises
    ------
    BadImage
        If the result has another shape than the problem asks for.

    Examples
    --------
    >>> from napari_dip import Settings
    >>> stack = np.random.default_rng(0).poisson(40, (30, 300, 40))
    >>> problem = make_problem(stack, Settings(axes="ZYX", device="cpu"), None, None)
    >>> crop(problem, stack).values.shape
    (8, 256, 40)
    """
    lazy = checked_result(problem, restored)
    layout = problem.layout
    kept = tuple(_middle(*side, layout) for side in zip(layout.axes, layout.shape, strict=True))
    part = problem.observed.read(kept)
    estimate = np.asarray(lazy[index_in_result(problem, kept)], np.float32)
    surveyed = replace(problem.survey, breaks=frozenset(), unknown=frozenset(), digest="")
    small = _problem_of(problem, part.values, part.known, surveyed)
    return Crop(part.values, part.known, estimate, small)


def _problem_of(
    whole: Problem,
    values: NDArray[Any],
    known: NDArray[np.bool_],
    surveyed: Survey | None = None,
) -> Problem:
    """Make the problem of other values with the settings of a whole image."""
    settings = whole.settings.replace(
        dtype="float32", axes=whole.layout.axes, tile=None, uncertainty=False
    )
    mask = None if known.all() else ~known
    # The axes of the kernel are ordered already.
    psf_axes = None if whole.psf is None else whole.layout.spatial
    return make_problem(
        values, settings, mask, whole.blur, earlier_survey=surveyed, psf_axes=psf_axes
    )


def _middle(letter: str, size: int, layout: Layout) -> slice:
    """Return the middle part of an axis."""
    if letter in "CS":
        return slice(0, size)
    if letter in layout.spatial:
        kept = MAX_SIDE if letter in "YX" else MAX_PLANES
    else:
        kept = MAX_PLANES if letter == layout.shared else 1
    return middle_of(size, kept)
