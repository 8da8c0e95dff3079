"""Restore a part of an image first: the visible part, or a rectangle in a Shapes layer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Shapes

from napari_dip.errors import BadImage, BadMask
from napari_dip.plugin.models.layer_output import shifted_placement
from napari_dip.plugin.models.layer_record import recorded_settings
from napari_dip.plugin.models.mask_pixels import finest
from napari_dip.plugin.models.target import Target

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari.layers import Image, Layer
    from napari.viewer import Viewer
    from numpy.typing import NDArray

    from napari_dip.plugin.models.layer_input import LayerInput
    from napari_dip.plugin.models.request_template import LayerReader
    from napari_dip.plugin.models.run_request import RunRequest
    from napari_dip.settings import Settings

__all__ = ["Trial", "crop", "trial_region", "trial_request"]

ROUNDING_TOLERANCE = 1e-6  # pixels: the rounding error of world coordinates


@dataclass(frozen=True)
class Trial:
    """A restored part of a layer.

    Attributes
    ----------
    layer
        The layer that the part belongs to.
    result
        The layer of the result; the user may have set it to an earlier iteration since.
    reader
        How the layer and its mask were read.
    """

    layer: Image
    result: Image
    reader: LayerReader

    def settings_for_whole(self) -> Settings:
        """Return settings that restore the whole layer like the trial, plane by plane.

        The number of iterations is that of the trial. Where the trial was denoised before
        super-resolution, the second fit alone counts, and the stopping rule decides again.
        """
        record = self.result.metadata["napari-dip"]
        settings = recorded_settings(record)
        share = "C" if settings.share == "C" else "none"
        denoising = int(record["units"][0].get("denoising", 0))
        iterations = _iterations(record, settings)
        if denoising:
            most = max(denoising, iterations - denoising)
            return settings.replace(iterations=most, share=share)
        return settings.replace(iterations=iterations, stopping="fixed", share=share)


def trial_region(
    viewer: Viewer, layer: Image, axes: str, spatial: str, besides: Layer | None = None
) -> tuple[slice, ...]:
    """Return the part of a layer for a trial: the selected rectangle, or the visible part.

    Parameters
    ----------
    viewer
        A shape of a selected Shapes layer counts: the selected shape, or else the last one.
    layer, axes
        The layer, and one letter for each of its axes, perhaps with ``"S"``.
    spatial
        The axes of one fit. Of the other axes that are not displayed, the part has the current
        plane.
    besides
        A layer whose shapes do not count.

    Raises
    ------
    BadImage
        If the layer lies outside the region, or the viewer is in 3-D.
    """
    shape = finest(layer).shape
    shapes = (one for one in viewer.layers.selection if isinstance(one, Shapes))
    selected = [one for one in shapes if one is not besides]
    drawn = next((one for one in selected if len(one.data)), None)
    displayed = [axis - (viewer.dims.ndim - layer.ndim) for axis in viewer.dims.displayed]
    where = "the visible part" if drawn is None else f"the rectangle in '{drawn.name}'"
    if viewer.dims.ndisplay == 3:
        raise BadImage("The viewer is in 3-D: switch to 2-D to choose a part of a plane.")
    corners = [layer.world_to_data(one[-layer.ndim :]) for one in _corners(viewer, drawn)]
    # A pixel belongs to the region if its centre lies in it.
    low = np.ceil(np.min(corners, axis=0) - ROUNDING_TOLERANCE).astype(int)
    high = np.floor(np.max(corners, axis=0) + ROUNDING_TOLERANCE).astype(int)
    current = np.round(layer.world_to_data(viewer.dims.point[-layer.ndim :])).astype(int)
    part = []
    for axis, letter in enumerate(axes.replace("S", "")):
        size = shape[axis]
        if axis in displayed:
            start, stop = max(0, low[axis]), min(size, high[axis] + 1)
        elif letter in spatial:
            start, stop = 0, size
        else:
            start, stop = current[axis], current[axis] + 1
        if not 0 <= start < stop <= size:
            raise BadImage(f"'{layer.name}' is not in {where}: move one of them and try again.")
        part.append(slice(int(start), int(stop)))
    return tuple(part)


def trial_request(
    request: RunRequest, layer: Image, viewer: Viewer, mask: Layer | None = None
) -> RunRequest:
    """Restrict a request to the trial region; its result stays in memory.

    Shapes of the mask layer mark missing pixels, and do not choose the region.

    Raises
    ------
    BadImage, BadMask
        If the layer lies outside the region; if all or no pixels of the region are missing.
    """
    letters = request.source.axes, request.settings.spatial
    part = trial_region(viewer, layer, *letters, besides=mask)
    return replace(request, source=crop(request.source, part), target=Target())


def crop(source: LayerInput, part: tuple[slice, ...]) -> LayerInput:
    """Crop an input; the part keeps its position in world coordinates.

    Raises
    ------
    BadMask
        If there is a mask, and all or no pixels of the part are missing.
    """
    mask = source.mask
    if mask is not None:
        mask = mask[part[len(part) - mask.ndim :]]
        if not mask.any() or mask.all():
            what = "all pixels are missing" if mask.any() else "no pixel is missing"
            raise BadMask(f"In this part of '{source.name}' {what}: choose another part.")
    start = np.array([one.start for one in part], float)
    return replace(
        source,
        data=source.data[part],
        mask=mask,
        placement=shifted_placement(source.placement, start),
        part=part,
    )


def _iterations(record: Mapping[str, Any], settings: Settings) -> int:
    """Return the iteration of the image that is the result."""
    picture, (unit, *_) = record.get("picture", {}), record["units"]
    if picture.get("chosen_by_user"):
        return max(1, int(picture["iteration"]))
    # After a decimation no filter follows: the image of the best iteration is the result.
    if settings.task.decimates and unit["best_iteration"]:
        return int(unit["best_iteration"])
    fits = max(1, int(unit["members"])) * int(unit.get("tiles", 1))
    return max(1, int(unit["iterations"]) // fits)


def _corners(viewer: Viewer, shapes: Shapes | None) -> list[NDArray[np.float64]]:
    """List the corners of the region in world coordinates."""
    current = np.array(viewer.dims.point, float)
    if shapes is not None:
        selected = sorted(shapes.selected_data)
        drawn = shapes.data[selected[-1] if selected else -1]
        axes = slice(-shapes.ndim, None)
        return [_moved_to(current, axes, shapes.data_to_world(one)) for one in drawn]
    half = np.array(viewer.canvas.viewbox_size(viewer.layers)) / viewer.scene.camera.zoom / 2
    centre = np.array(viewer.scene.camera.center[-2:])
    displayed = list(viewer.dims.displayed)
    signs = product((-1, 1), repeat=2)
    return [_moved_to(current, displayed, centre + half * sign) for sign in signs]


def _moved_to(point: NDArray[np.float64], axes: Any, values: Any) -> NDArray[np.float64]:
    moved = point.copy()
    moved[axes] = values
    return moved
