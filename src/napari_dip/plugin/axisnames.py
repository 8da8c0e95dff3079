"""Which axes a layer has, from its axis labels or else from its shape."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_dip.errors import BadImage
from napari_dip.image.axes import SMALLEST_SIDE, guess_axes

if TYPE_CHECKING:
    from napari.layers import Image

__all__ = ["axes_of", "refuse_colours"]

_NAMES = {
    "t": "T",
    "time": "T",
    "frame": "T",
    "c": "C",
    "ch": "C",
    "channel": "C",
    "z": "Z",
    "depth": "Z",
    "y": "Y",
    "x": "X",
}


def axes_of(layer: Image, shape: tuple[int, ...]) -> str:
    """Give one letter for each axis.

    Parameters
    ----------
    layer
        Whose axis labels count where they name Y and X, and no known axis twice. An axis of
        another name is of unknown meaning.
    shape
        Of its pixels at full resolution.

    Examples
    --------
    >>> import numpy as np
    >>> from napari.layers import Image
    >>> stack = np.zeros((2, 3, 16, 16))
    >>> axes_of(Image(stack, axis_labels=("time", "z", "y", "x")), stack.shape)
    'TZYX'
    >>> axes_of(Image(stack), stack.shape)
    'QQYX'
    """
    letters = [_NAMES.get(str(label).strip().lower(), "Q") for label in layer.axis_labels]
    named = [letter for letter in letters if letter != "Q"]
    if {"Y", "X"} <= set(named) and len(named) == len(set(named)):
        return "".join(letters) + "S" * bool(layer.rgb)
    return guess_axes(shape, bool(layer.rgb))


def refuse_colours(layer: Image, axes: str, shape: tuple[int, ...]) -> None:
    """Say what to do about a layer whose last axis holds colours or channels, which it is not told.

    Raises
    ------
    BadImage
        If the last axis, which is taken for X, has as many pixels as colours have.
    """
    last = shape[-1]
    if axes.endswith("YX") and 1 < last < SMALLEST_SIDE <= min(shape[-3:-1], default=0):
        colours = "add it to the viewer with rgb=True, or " if last in (3, 4) else ""
        raise BadImage(
            f"The last axis of '{layer.name}' has {last} pixels, too few for an image. If it holds "
            f"colours or channels, {colours}name the axes in napari's console: "
            f"viewer.layers[{layer.name!r}].axis_labels = {tuple('tzyxc'[5 - len(shape) :])!r}."
        )
