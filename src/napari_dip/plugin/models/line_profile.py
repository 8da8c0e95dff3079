"""Read the intensities of an image along a line of a Shapes layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from napari.layers import Shapes
from scipy.ndimage import map_coordinates

from napari_dip.plugin.models.mask_pixels import finest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.layers import Image
    from napari.viewer import Viewer
    from numpy.typing import NDArray

__all__ = ["LineProfile", "drawn_line", "line_ends", "line_profile", "visible_line"]

MAX_SAMPLES = 4096  # points: the plot is not wider in pixels


class LineProfile(NamedTuple):
    """Distances from the start of a line, in world units, and the intensities there."""

    distance: NDArray[np.float64]
    intensity: NDArray[np.float64]


def drawn_line(viewer: Viewer) -> Shapes | None:
    """Return the Shapes layer with a line: the selected one, or else the topmost visible one."""
    layers = [*viewer.layers.selection, *reversed(viewer.layers)]
    return next(
        (
            layer
            for layer in layers
            if isinstance(layer, Shapes) and layer.visible and "line" in layer.shape_type
        ),
        None,
    )


def visible_line(viewer: Viewer) -> NDArray[np.float64]:
    """Return both ends of a horizontal line over the middle quarter of the canvas, in the world."""
    width = viewer.canvas.viewbox_size(viewer.layers)[1] / viewer.scene.camera.zoom
    y, x = viewer.scene.camera.center[-2:]
    return np.array([[y, x - width / 8], [y, x + width / 8]])


def line_ends(viewer: Viewer, shapes: Shapes) -> NDArray[np.float64]:
    """Return both ends of the selected (or last) line as world points of the viewer.

    Axes that the Shapes layer does not have are at the point that the viewer shows.
    """
    lines = [number for number, kind in enumerate(shapes.shape_type) if kind == "line"]
    selected = [number for number in lines if number in shapes.selected_data]
    drawn = shapes.data[(selected or lines)[-1]]
    ends = np.tile(np.array(viewer.dims.point, float), (2, 1))
    ends[:, -shapes.ndim :] = [shapes.data_to_world(vertex) for vertex in drawn]
    hidden = [axis for axis in range(viewer.dims.ndim) if axis not in viewer.dims.displayed]
    ends[:, hidden] = np.array(viewer.dims.point, float)[hidden]
    return ends


def line_profile(image: Image, ends: NDArray[np.float64], displayed: Sequence[int]) -> LineProfile:
    """Interpolate the intensities of the shown plane along a line.

    Parameters
    ----------
    image
        An Image layer; colours are averaged.
    ends
        Both ends of the line, as world points of the viewer.
    displayed
        The axes of the viewer that are shown.

    Returns
    -------
    LineProfile
        About one point for each pixel; NaN outside the image.
    """
    ndim = image.ndim
    start, stop = (np.asarray(image.world_to_data(end[-ndim:])) for end in ends)
    offset = ends.shape[1] - ndim
    shown = [axis - offset for axis in displayed]
    data = finest(image)
    index = tuple(
        slice(None)
        if axis in shown
        else int(np.rint((start[axis] + stop[axis]) / 2).clip(0, data.shape[axis] - 1))
        for axis in range(ndim)
    )
    plane = np.asarray(data[index]).astype(np.float64)
    if image.rgb:
        plane = plane[..., :3].mean(axis=-1)
    shown = sorted(shown)
    count = int(min(MAX_SAMPLES, np.ceil(np.abs(stop - start)[shown].max()) + 1))
    along = np.linspace(0, 1, count)
    points = [start[axis] + along * (stop[axis] - start[axis]) for axis in shown]
    intensity = map_coordinates(plane, points, order=1, mode="constant", cval=np.nan)
    return LineProfile(along * np.linalg.norm(ends[1] - ends[0]), intensity)
