"""Select one of several images in a file."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING

from napari_dip.errors import FileProblem

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["select_image"]

MAX_LISTED = 20  # images: more are counted in a message, not listed


def select_image(
    path: Path, number: int | None, images: Sequence[str]
) -> tuple[int, tuple[str, ...]]:
    """Select an image of a file that may hold several.

    Parameters
    ----------
    path
        The file.
    number
        Index of the image, from 0; ``None`` is the first.
    images
        Names and sizes of the images in the file.

    Returns
    -------
    int, tuple of str
        The index, and a note that lists all images if there are several.

    Raises
    ------
    FileProblem
        If there is no such image.

    Examples
    --------
    >>> from pathlib import Path
    >>> select_image(Path("a.tif"), 1, ["8 x 8 YX", "9 x 9 YX"])[1]
    ('The file holds 2 images; number 1 is used (--series): 0: 8 x 8 YX; 1: 9 x 9 YX.',)
    """
    listed = "; ".join(f"{place}: {image}" for place, image in enumerate(images[:MAX_LISTED]))
    if len(images) > MAX_LISTED:
        listed += f"; and {len(images) - MAX_LISTED} more"
    try:
        selected = 0 if number is None else operator.index(number)
    except TypeError:
        raise FileProblem(
            f"series={number!r}: give a whole number; {path} holds {listed}"
        ) from None
    if not 0 <= selected < len(images):
        raise FileProblem(
            f"{path} has no image number {selected} (--series): it holds {listed or 'one image, 0'}"
        )
    if len(images) == 1:
        return selected, ()
    return selected, (
        f"The file holds {len(images)} images; number {selected} is used (--series): {listed}.",
    )
