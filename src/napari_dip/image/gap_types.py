"""Find the type of the gaps of a mask, for the networks of the published method."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scipy.ndimage import distance_transform_edt

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from napari_dip.settings import Hole, Task

__all__ = ["gap_type"]

GAPS_BY_SEVERITY: tuple[Hole, ...] = ("scratches", "pixels", "hole", "large-hole")

MIN_HOLE_RADIUS = 8
"""Pixels: a gap that includes a larger disc is a hole. Not measured."""

MIN_LARGE_HOLE = 0.1
"""Fraction of the pixels: with more missing, a hole is large. Not measured."""

MIN_SCATTERED_PIXELS = 0.2
"""Fraction of the pixels: with less missing in small gaps, they are scratches. Not measured."""


def gap_type(known: NDArray[np.bool_], task: Task) -> Hole:
    """Return the type of the gaps of a mask; the published networks differ by type.

    Parameters
    ----------
    known
        ``(channels, *spatial)``, true where a pixel is known.
    task
        The task; the type that it gives is returned.

    Returns
    -------
    Hole
        ``"hole"`` if a gap includes a disc of radius 8 (``"large-hole"`` if more than a tenth of
        the pixels are missing), ``"pixels"`` if a fifth or more are missing in smaller gaps, else
        ``"scratches"``. Of several channels or planes, the most severe type.

    Examples
    --------
    >>> import numpy as np
    >>> from napari_dip.settings import Inpaint
    >>> known = np.ones((1, 64, 64), bool)
    >>> known[0, 20:40, 20:40] = False
    >>> gap_type(known, Inpaint())
    'hole'
    """
    if task.hole is not None:
        return task.hole
    return max(map(_gap_type_of_channel, ~known), key=GAPS_BY_SEVERITY.index)


def _gap_type_of_channel(missing: NDArray[np.bool_]) -> Hole:
    fraction = missing.mean()
    if fraction and not missing.all():
        if distance_transform_edt(missing).max() > MIN_HOLE_RADIUS:
            return "large-hole" if fraction > MIN_LARGE_HOLE else "hole"
    return "pixels" if fraction >= MIN_SCATTERED_PIXELS else "scratches"
