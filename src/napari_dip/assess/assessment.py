"""Gather what can be said about a result without knowing the truth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from napari_dip.assess.findings import findings
from napari_dip.assess.intensity import check_intensity
from napari_dip.assess.invented import find_invented_structure
from napari_dip.assess.residual import residual_of
from napari_dip.assess.residual_check import check_residual
from napari_dip.assess.resolution import measure_resolution
from napari_dip.assess.uncertainty import describe_uncertainty
from napari_dip.assess.uncertainty import uncertainty as half_widths_of
from napari_dip.image.arrays import as_lazy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import ArrayLike

    from napari_dip.assess.section import Section
    from napari_dip.image.lazy import LazyArray
    from napari_dip.image.problem import Problem

__all__ = ["Assessment", "assess"]


@dataclass(frozen=True)
class Assessment:
    """The sections about a result, most important first; ``str`` gives all as text."""

    sections: tuple[Section, ...] = ()

    def warnings(self) -> tuple[str, ...]:
        """Return what a reader must know first, from all sections."""
        return tuple(one for section in self.sections for one in section.warnings())

    def as_dict(self) -> dict[str, Any]:
        """Return the headings, sentences and numbers, as values that JSON can hold."""
        return {
            section.heading: {"sentences": list(section.sentences()), **section.as_dict()}
            for section in self.sections
        }

    def __str__(self) -> str:
        return "\n\n".join(
            "\n".join([section.heading, *(f"  {one}" for one in section.sentences())])
            for section in self.sections
        )


def assess(
    problem: Problem,
    restored: ArrayLike,
    *,
    half_widths: ArrayLike | None = None,
    uncertainty: bool = False,
    resolution: bool = False,
    invented: bool = False,
    pixel_size: float | None = None,
    unit: str = "",
) -> Assessment:
    """Assess a result with the image that it was made from.

    Parameters
    ----------
    problem
        The image, its mask and the settings of the run; :attr:`Result.problem` is one.
    restored
        The result, with the axes of the image. A lazy array is read plane by plane.
    half_widths
        The uncertainty of the result, if it is known: a section describes it.
    uncertainty, resolution, invented
        Further sections. They restore the image twice more for its uncertainty, unless that is
        known; parts of it twice for its resolution, and once for invented structure.
    pixel_size, unit
        Size of a pixel of the image along Y and X, for the resolution.

    Raises
    ------
    BadImage, BadSettings
        If the result has another shape than the settings make, or if a section is not possible:
        without noise, or with pixels that are copied or refined.
    """
    chosen = {"uncertainty": uncertainty, "resolution": resolution, "invented": invented}
    size = pixel_size, unit
    return Assessment(tuple(_sections(problem, as_lazy(restored), half_widths, chosen, size)))


def _sections(
    problem: Problem,
    restored: LazyArray,
    half_widths: ArrayLike | None,
    chosen: dict[str, bool],
    size: tuple[float | None, str],
) -> Iterator[Section]:
    yield findings(problem)
    residual = residual_of(problem, restored)  # one for both: it keeps the last volume
    yield check_residual(problem, restored, residual=residual)
    yield check_intensity(problem, restored, residual=residual)
    if half_widths is not None:
        yield describe_uncertainty(problem, restored, as_lazy(half_widths))
    elif chosen["uncertainty"]:
        yield describe_uncertainty(problem, restored, half_widths_of(problem, restored))
    if chosen["resolution"]:
        yield measure_resolution(problem, restored, pixel_size=size[0], unit=size[1])
    if chosen["invented"]:
        yield find_invented_structure(problem, restored)
