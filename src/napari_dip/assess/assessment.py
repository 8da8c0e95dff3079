"""Gather what can be said about a result without knowing the truth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from napari_dip.assess.findings import findings
from napari_dip.assess.residual_check import check_residual

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import ArrayLike

    from napari_dip.assess.section import Section
    from napari_dip.image.problem import Problem

__all__ = ["Assessment", "assess"]


@dataclass(frozen=True)
class Assessment:
    """The sections about a result, most important first; ``str`` gives all as text."""

    sections: tuple[Section, ...] = ()

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
    uncertainty: bool = False,
    resolution: bool = False,
    invented: bool = False,
) -> Assessment:
    """Assess a result with the image that it was made from.

    Parameters
    ----------
    problem
        The image, its mask and the settings of the run; :attr:`Result.problem` is one.
    restored
        The result, with the axes of the image. A lazy array is read plane by plane.
    uncertainty, resolution, invented
        Further sections, which take longer: some restore the image again.

    Raises
    ------
    BadImage
        If the result has another shape than the settings make.
    """
    chosen = {"uncertainty": uncertainty, "resolution": resolution, "invented": invented}
    return Assessment(tuple(_sections(problem, restored, chosen)))


def _sections(problem: Problem, restored: ArrayLike, chosen: dict[str, bool]) -> Iterator[Section]:
    yield findings(problem)
    yield check_residual(problem, restored)
