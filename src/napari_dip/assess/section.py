"""A section of a report: the protocol of everything that is said about a restored image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Picture", "Section", "sentences_by_channel"]


@dataclass(frozen=True)
class Picture:
    """A plane to show beside the sentences of a section.

    Parameters
    ----------
    name
        The caption.
    pixels
        Two axes, Y and X; three for colours. NaN where there is nothing to show.
    limits
        The values shown darkest and brightest.
    diverging
        Whether 0 lies in the middle of the limits, and gets the neutral colour of a diverging
        colormap.
    """

    name: str
    pixels: NDArray[np.floating[Any]]
    limits: tuple[float, float]
    diverging: bool = False


class Section(Protocol):
    """A section: a heading, sentences with their numbers, JSON values, and pictures.

    A class that implements it is a frozen dataclass; the panel, the shell and the report show it.
    """

    heading: ClassVar[str]

    def sentences(self) -> tuple[str, ...]:
        """Return the verdict first, then its numbers; plain text, one sentence each."""

    def warnings(self) -> tuple[str, ...]:
        """Return what a reader must know first; none if nothing is wrong."""

    def as_dict(self) -> dict[str, Any]:
        """Return all numbers, as values that JSON can hold; ``None`` for what is not known."""

    def pictures(self) -> tuple[Picture, ...]:
        """Return the planes to show; none if there is nothing to see."""


def sentences_by_channel(said: Mapping[int, Iterable[str]]) -> tuple[str, ...]:
    """Return the sentences about the channels; those of several channels begin with its number.

    Examples
    --------
    >>> sentences_by_channel({0: ["The mean is 3."]})
    ('The mean is 3.',)
    >>> sentences_by_channel({0: ["The mean is 3."], 1: ["The mean is 4."]})
    ('Channel 0: the mean is 3.', 'Channel 1: the mean is 4.')
    """
    if len(said) == 1:
        return tuple(*said.values())
    return tuple(
        f"Channel {channel}: {sentence[0].lower()}{sentence[1:]}"
        for channel, sentences in said.items()
        for sentence in sentences
    )
