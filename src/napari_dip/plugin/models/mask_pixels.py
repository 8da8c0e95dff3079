"""Find the marked pixels of a Labels, Image or Shapes layer, on the layer's own grid."""

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

__all__ = ["MarkedPixels", "finest", "marked_pixels", "nothing_marked", "shape_pixels"]

ELLIPSE_CORNERS = 64  # corners of the polygon that approximates an ellipse


class MarkedPixels(NamedTuple):
    """Marked pixels, and a note for the user on how the values were interpreted."""

    pixels: NDArray[np.bool_]
    note: str = ""


def marked_pixels(layer: Labels | Image, label: int | None = None) -> MarkedPixels:
    """Find the marked pixels of a Labels or Image layer.

    Parameters
    ----------
    layer
        A Labels layer, an Image layer of labels, or an Image layer of grey levels. Grey levels are
        thresholded at half of their range. Of colours, the brightest channel counts.
    label
        The label that counts in a Labels layer; ``None`` is any label except 0.

    Raises
    ------
    BadMask
        If no pixel is marked, or the values are not real numbers.
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
        raise nothing_marked(layer, label)
    return MarkedPixels(pixels, note)


def nothing_marked(layer: Any, label: int | None) -> BadMask:
    """Make the error for a mask layer without marked pixels."""
    what = "Nothing" if label is None else f"Label {label} is not"
    cure = "paint the pixels to fill" if label is None else "paint with it or choose another label"
    return BadMask(f"{what} painted in '{layer.name}': {cure}.")


def finest(layer: Image | Labels) -> Any:
    """Return the pixels at full resolution."""
    return layer.data[0] if layer.multiscale else layer.data


def shape_pixels(
    layer: Shapes, to_pixels: Callable[[Points], Points], shape: tuple[int, ...]
) -> NDArray[np.bool_]:
    """Rasterise the shapes of a layer; lines and paths have the width at which they are drawn.

    Parameters
    ----------
    layer
        The Shapes layer; each shape lies in one plane.
    to_pixels
        Convert points (n × axes of the layer) to pixel coordinates.
    shape
        Shape of the raster, with as many axes as the layer.

    Returns
    -------
    NDArray[bool]
        True where the centre of a pixel lies in a shape.

    Raises
    ------
    BadMask
        If a shape does not lie in one plane of the last two axes.
    """
    raster = np.zeros(shape, bool)
    shapes = zip(layer.data, layer.shape_type, layer.edge_width, strict=True)
    for vertices, kind, width in shapes:
        vertices = np.asarray(vertices, np.float64)
        for outline in _polygons(vertices, kind, float(width)):
            pixels = to_pixels(outline).round(6)  # includes a pixel whose centre is a corner
            planes = np.rint(pixels[:, :-2]).astype(int)
            if (planes != planes[:1]).any():
                raise BadMask(
                    f"A {kind} in '{layer.name}' spans several planes: draw it in one plane, or "
                    "paint in a Labels layer."
                )
            plane = tuple(int(number) for number in planes[0])
            if all(0 <= number < size for number, size in zip(plane, shape, strict=False)):
                raster[(*plane, *polygon(pixels[:, -2], pixels[:, -1], shape[-2:]))] = True
    return raster


def _polygons(vertices: Points, kind: str, width: float) -> Iterator[Points]:
    """Yield polygons that together cover a shape."""
    if kind in ("polygon", "rectangle"):
        yield vertices
    elif kind == "ellipse":
        first, second, _, last = vertices  # corners of the bounding box
        yield _ellipse(vertices.mean(axis=0), (second - first) / 2, (last - first) / 2)
    else:
        yield from _stroke(vertices, width / 2)


def _ellipse(centre: Points, first_axis: Points, second_axis: Points) -> Points:
    angles = np.linspace(0, 2 * np.pi, ELLIPSE_CORNERS, endpoint=False)[:, np.newaxis]
    return np.asarray(centre + np.cos(angles) * first_axis + np.sin(angles) * second_axis)


def _stroke(vertices: Points, radius: float) -> Iterator[Points]:
    """Yield a disc for each vertex and a rectangle for each segment."""
    down, right = radius * np.eye(vertices.shape[1])[-2:]
    for vertex in vertices:
        yield _ellipse(vertex, down, right)
    for start, end in pairwise(vertices):
        y, x = (end - start)[-2:]
        if (length := np.hypot(y, x)) > 0:
            normal = (down * x - right * y) / length
            yield np.stack([start + normal, end + normal, end - normal, start - normal])
