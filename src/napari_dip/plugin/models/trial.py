"""A run on a part of an image first: what the canvas shows, or a rectangle that was drawn."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Shapes

from napari_dip.errors import BadImage, BadMask
from napari_dip.plugin.models.layer_output import moved
from napari_dip.plugin.models.mask_pixels import finest
from napari_dip.plugin.models.provenance import made_with
from napari_dip.plugin.models.target import Target

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari.layers import Image, Layer
    from napari.viewer import Viewer
    from numpy.typing import NDArray

    from napari_dip.plugin.models.layer_input import LayerInput
    from napari_dip.plugin.models.run_request import Asked, Reader
    from napari_dip.settings import Settings

__all__ = ["Trial", "chosen_part", "cropped", "part_of"]

_EDGE = 1e-6
"""Of a pixel: what the rounding of world coordinates may take from a rectangle."""


@dataclass(frozen=True)
class Trial:
    """A part that was restored, and how the whole is restored in the same way.

    Attributes
    ----------
    layer
        The layer of which it is a part.
    result
        The layer of the result, which may have been taken back to an earlier picture since.
    reader
        How the layer and its mask were read.
    """

    layer: Image
    result: Image
    reader: Reader

    def for_the_whole(self) -> Settings:
        """Ask for the same, plane by plane as in the trial, and for as many iterations.

        Of an image that was denoised before its pixels were refined, only the latter are counted:
        when the noise is learnt, it finds out again.
        """
        record = self.result.metadata["napari-dip"]
        asked = made_with(record)
        share = "C" if asked.share == "C" else "none"
        denoising = int(record["units"][0].get("denoising", 0))
        iterations = _iterations(record)
        if denoising:
            wanted = max(denoising, iterations - denoising)
            return asked.replace(iterations=wanted, share=share)
        return asked.replace(iterations=iterations, stopping="fixed", share=share)


def _iterations(record: Mapping[str, Any]) -> int:
    """Tell after how many iterations the picture was taken that is the result."""
    picture, (unit, *_) = record.get("picture", {}), record["units"]
    if picture.get("chosen_by_user"):
        return max(1, int(picture["iteration"]))
    # The picture at the best iteration is the result where nothing refines it afterwards.
    if record["settings"]["task"]["kind"] == "super-resolve" and unit["best_iteration"]:
        return int(unit["best_iteration"])
    fits = max(1, int(unit["members"])) * int(unit.get("tiles", 1))
    return max(1, int(unit["iterations"]) // fits)


def chosen_part(
    viewer: Viewer, layer: Image, axes: str, spatial: str, besides: Layer | None = None
) -> tuple[slice, ...]:
    """Tell which part of a layer is meant: the rectangle that is selected, or else the view.

    Parameters
    ----------
    viewer
        In which a shape may be selected; of several shapes in a selected layer it is the selected,
        and the last one of none.
    layer, axes
        The layer, and one letter for each of its axes, perhaps with ``"S"``.
    spatial
        The axes that a network sees at once. Of all others that are not shown, the current plane
        is taken.
    besides
        A layer whose shapes do not count.

    Raises
    ------
    BadImage
        If the layer lies outside what is meant, or the canvas shows volumes.
    """
    shape = finest(layer).shape
    shapes = (one for one in viewer.layers.selection if isinstance(one, Shapes))
    selected = [one for one in shapes if one is not besides]
    drawn = next((one for one in selected if len(one.data)), None)
    displayed = [axis - (viewer.dims.ndim - layer.ndim) for axis in viewer.dims.displayed]
    where = "what the canvas shows" if drawn is None else f"the rectangle in '{drawn.name}'"
    if viewer.dims.ndisplay == 3:
        raise BadImage("The canvas shows volumes: let it show planes, to choose a part of one.")
    corners = [layer.world_to_data(one[-layer.ndim :]) for one in _outline(viewer, drawn)]
    # Of each axis, the first and the last pixel whose centre lies within.
    low = np.ceil(np.min(corners, axis=0) - _EDGE).astype(int)
    high = np.floor(np.max(corners, axis=0) + _EDGE).astype(int)
    here = np.round(layer.world_to_data(viewer.dims.point[-layer.ndim :])).astype(int)
    part = []
    for axis, letter in enumerate(axes.replace("S", "")):
        size = shape[axis]
        if axis in displayed:
            start, stop = max(0, low[axis]), min(size, high[axis] + 1)
        elif letter in spatial:
            start, stop = 0, size
        else:
            start, stop = here[axis], here[axis] + 1
        if not 0 <= start < stop <= size:
            raise BadImage(f"'{layer.name}' is not in {where}: move one of them, and try again.")
        part.append(slice(int(start), int(stop)))
    return tuple(part)


def part_of(asked: Asked, layer: Image, viewer: Viewer, mask: Layer | None = None) -> Asked:
    """Ask for the part of a layer that is meant, whose result stays in memory.

    A shape that is drawn in the layer of the mask says what is missing, and not which part.

    Raises
    ------
    BadImage, BadMask
        If the layer lies outside what is meant, or its mask hides nothing or all of it.
    """
    letters = asked.source.axes, asked.settings.spatial
    part = chosen_part(viewer, layer, *letters, besides=mask)
    return replace(asked, source=cropped(asked.source, part), target=Target())


def cropped(source: LayerInput, part: tuple[slice, ...]) -> LayerInput:
    """Take a part of a layer, which lies in the world where it lay.

    Raises
    ------
    BadMask
        If there is a mask, and in this part it hides nothing, or all.
    """
    mask = source.mask
    if mask is not None:
        mask = mask[part[len(part) - mask.ndim :]]
        if not mask.any() or mask.all():
            what = "all is missing" if mask.any() else "nothing is missing"
            raise BadMask(f"In this part of '{source.name}' {what}: take another part.")
    start = np.array([one.start for one in part], float)
    return replace(
        source,
        data=source.data[part],
        mask=mask,
        placement=moved(source.placement, start),
        part=part,
    )


def _outline(viewer: Viewer, shapes: Shapes | None) -> list[NDArray[np.float64]]:
    """List the corners of what is meant, in the world."""
    here = np.array(viewer.dims.point, float)
    if shapes is not None:
        selected = sorted(shapes.selected_data)
        drawn = shapes.data[selected[-1] if selected else -1]
        return [_at(here, slice(-shapes.ndim, None), shapes.data_to_world(one)) for one in drawn]
    half = np.array(viewer.canvas.viewbox_size(viewer.layers)) / viewer.scene.camera.zoom / 2
    centre = np.array(viewer.scene.camera.center[-2:])
    shown = list(viewer.dims.displayed)
    return [_at(here, shown, centre + half * sign) for sign in product((-1, 1), repeat=2)]


def _at(point: NDArray[np.float64], axes: Any, values: Any) -> NDArray[np.float64]:
    there = point.copy()
    there[axes] = values
    return there
