"""Which pixels of a Labels or Image layer are marked, on the layer's own grid."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from napari.layers import Image
from skimage.draw import polygon

from napari_dip.errors import BadMask
from napari_dip.image.mask_values import find_marked_pixels

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from napari.layers import Labels, Shapes
    from numpy.typing import NDArray

    Points = NDArray[np.float64]

__all__ = ["MarkedPixels", "drawn_pixels", "finest", "marked_pixels", "nothing"]


class MarkedPixels(NamedTuple):
    """What is marked, and what must be said of how it was told."""

    pixels: NDArray[np.bool_]
    note: str = ""


def marked_pixels(layer: Labels | Image, label: int | None = None) -> MarkedPixels:
    """Tell which pixels are marked.

    Parameters
    ----------
    layer
        A Labels layer; or an Image layer of labels, or of grey levels, which are cut at half of
        their range. Of colours the brightest counts.
    label
        Of a Labels layer, the label that counts; ``None`` is any but 0.

    Raises
    ------
    BadMask
        If nothing is marked, or the values are no real numbers.
    """
    values: Any = np.asarray(finest(layer))
    note = ""
    if isinstance(layer, Image):
        if layer.rgb:
            values = values[..., :3].max(-1)
        found = find_marked_pixels(values)
        pixels, note = found.pixels, found.note(f"'{layer.name}'", "painted")
    else:
        pixels = values != 0 if label is None else values == label
    if not pixels.any():
        raise nothing(layer, label)
    return MarkedPixels(pixels, note)


def nothing(layer: Any, label: int | None) -> BadMask:
    """Say that nothing is painted."""
    what = "Nothing" if label is None else f"Label {label} is not"
    cure = "paint what is missing" if label is None else "paint with it, or choose another label"
    return BadMask(f"{what} painted in '{layer.name}': {cure}.")


def finest(layer: Image | Labels) -> Any:
    """Give the pixels at full resolution."""
    return layer.data[0] if layer.multiscale else layer.data


_CORNERS = 64
"""Of the polygon that stands for an ellipse."""


def drawn_pixels(
    layer: Shapes, to_pixels: Callable[[Points], Points], shape: tuple[int, ...]
) -> NDArray[np.bool_]:
    """Fill the shapes of a layer; lines and paths are as wide as they are drawn.

    Parameters
    ----------
    layer
        Where they were drawn, each in one plane.
    to_pixels
        Takes points (n × the layer's axes) to the pixels that they fall on.
    shape
        Of those pixels, as many axes as the layer has.

    Returns
    -------
    NDArray[bool]
        True where a pixel's centre lies in a shape.

    Raises
    ------
    BadMask
        If a shape is not in one plane of the last two axes.
    """
    drawn = np.zeros(shape, bool)
    shapes = zip(layer.data, layer.shape_type, layer.edge_width, strict=True)
    for vertices, kind, width in shapes:
        vertices = np.asarray(vertices, np.float64)
        for outline in _outlines(vertices, kind, float(width)):
            pixels = to_pixels(outline).round(6)  # a corner on a pixel's centre holds it
            planes = np.rint(pixels[:, :-2]).astype(int)
            if (planes != planes[:1]).any():
                raise BadMask(
                    f"A {kind} in '{layer.name}' runs across planes: draw it in one plane, or "
                    "paint in a Labels layer."
                )
            plane = tuple(int(number) for number in planes[0])
            if all(0 <= number < size for number, size in zip(plane, shape, strict=False)):
                drawn[(*plane, *polygon(pixels[:, -2], pixels[:, -1], shape[-2:]))] = True
    return drawn


def _outlines(vertices: Points, kind: str, width: float) -> Iterator[Points]:
    """Give polygons that cover a shape together."""
    if kind in ("polygon", "rectangle"):
        yield vertices
    elif kind == "ellipse":
        first, second, _, last = vertices  # the corners of the box around it
        yield _ellipse(vertices.mean(axis=0), (second - first) / 2, (last - first) / 2)
    else:
        yield from _stroke(vertices, width / 2)


def _ellipse(centre: Points, one: Points, other: Points) -> Points:
    angles = np.linspace(0, 2 * np.pi, _CORNERS, endpoint=False)[:, np.newaxis]
    return np.asarray(centre + np.cos(angles) * one + np.sin(angles) * other)


def _stroke(vertices: Points, radius: float) -> Iterator[Points]:
    """Give a disc for each vertex, and a box for each line between two."""
    down, right = radius * np.eye(vertices.shape[1])[-2:]
    for vertex in vertices:
        yield _ellipse(vertex, down, right)
    for start, end in pairwise(vertices):
        y, x = (end - start)[-2:]
        if (length := np.hypot(y, x)) > 0:
            aside = (down * x - right * y) / length
            yield np.stack([start + aside, end + aside, end - aside, start - aside])
