"""A finding: something in an image that its user should know before it is restored."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

if TYPE_CHECKING:
    from napari_dip.assess.section import Picture

__all__ = ["Finding", "Findings", "Kind"]

Kind = Literal[
    "correlated noise",
    "median filter",
    "saturated",
    "clipped in the dark",
    "jpeg",
    "cut spectrum",
    "no structure",
    "bad pixels",
    "row noise",
    "periodic noise",
    "bleaching",
    "drift",
]


@dataclass(frozen=True)
class Finding:
    """One finding.

    Attributes
    ----------
    kind
        Its name.
    value
        Its number; the sentence tells which.
    sentence
        What was found, with the number.
    advice
        What to do, in one sentence.
    """

    kind: Kind
    value: float
    sentence: str
    advice: str


@dataclass(frozen=True)
class Findings:
    """What was found in an image before its restoration; a section of a report."""

    heading: ClassVar[str] = "Before the run"
    found: tuple[Finding, ...]

    def __bool__(self) -> bool:
        """Whether something was found."""
        return bool(self.found)

    def sentences(self) -> tuple[str, ...]:
        """Return what was found and what to do; one sentence if nothing was found."""
        if not self.found:
            return ("Nothing unusual was found in the image.",)
        return tuple(f"{each.sentence} {each.advice}" for each in self.found)

    def warnings(self) -> tuple[str, ...]:
        """Return what a reader must know first."""
        return self.sentences() if self.found else ()

    def as_dict(self) -> dict[str, Any]:
        """Return all findings."""
        return {"found": [asdict(each) for each in self.found]}

    def pictures(self) -> tuple[Picture, ...]:
        """Return no pictures."""
        return ()
