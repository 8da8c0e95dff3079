"""The letters of the axes of an Image layer, from its axis labels or its shape."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_dip.errors import BadImage
from napari_dip.image.axes import MIN_SIDE, guess_axes

if TYPE_CHECKING:
    from napari.layers import Image

__all__ = ["AXIS_LETTERS", "axes_of", "check_last_axis"]

AXIS_LETTERS = {
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
    """Return one letter for each axis of a layer.

    Parameters
    ----------
    layer
        Its axis labels count where they include Y and X and no known axis twice. An axis with
        another name has an unknown meaning, ``"Q"``.
    shape
        Shape of its pixels at full resolution.

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
    letters = [AXIS_LETTERS.get(str(label).strip().lower(), "Q") for label in layer.axis_labels]
    named = [letter for letter in letters if letter != "Q"]
    if {"Y", "X"} <= set(named) and len(named) == len(set(named)):
        return "".join(letters) + "S" * bool(layer.rgb)
    return guess_axes(shape, bool(layer.rgb))


def check_last_axis(layer: Image, axes: str, shape: tuple[int, ...]) -> None:
    """Refuse a layer whose last axis probably holds colours or channels that are not named.

    Raises
    ------
    BadImage
        If the last axis is X and has as few pixels as an axis of colours.
    """
    last = shape[-1]
    if axes.endswith("YX") and 1 < last < MIN_SIDE <= min(shape[-3:-1], default=0):
        colours = "add it to the viewer with rgb=True, or " if last in (3, 4) else ""
        raise BadImage(
            f"The last axis of '{layer.name}' has {last} pixels, too few for an image. If it holds "
            f"colours or channels, {colours}name it C under Axes, such as "
            f"{'TZYXC'[5 - len(shape) :]}."
        )
