"""Which of several images in a file is taken."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING

from napari_dip.errors import FileProblem

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["select_image"]

_MOST = 20  # images that are listed in a message


def select_image(
    path: Path, number: int | None, images: Sequence[str]
) -> tuple[int, tuple[str, ...]]:
    """Choose an image of a file that may hold several.

    Parameters
    ----------
    path
        The file.
    number
        What was asked for, from 0; ``None`` is the first.
    images
        Names and sizes of the images that are there.

    Returns
    -------
    int, tuple of str
        The number, and a note that lists all images if the file holds several.

    Raises
    ------
    FileProblem
        If there is no image of this number.

    Examples
    --------
    >>> from pathlib import Path
    >>> select_image(Path("a.tif"), 1, ["8 x 8 YX", "9 x 9 YX"])[1]
    ('It holds 2 images, of which number 1 is taken (--series): 0: 8 x 8 YX; 1: 9 x 9 YX.',)
    """
    listed = "; ".join(f"{place}: {image}" for place, image in enumerate(images[:_MOST]))
    if len(images) > _MOST:
        listed += f"; and {len(images) - _MOST} more"
    try:
        taken = 0 if number is None else operator.index(number)
    except TypeError:
        raise FileProblem(
            f"series={number!r}: give a whole number; {path} holds {listed}"
        ) from None
    if not 0 <= taken < len(images):
        raise FileProblem(
            f"{path} has no image number {taken} (--series): it holds {listed or 'one image, 0'}"
        )
    if len(images) == 1:
        return taken, ()
    return taken, (
        f"It holds {len(images)} images, of which number {taken} is taken (--series): {listed}.",
    )
