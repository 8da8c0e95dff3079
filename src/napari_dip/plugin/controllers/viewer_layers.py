"""Add mask layers to the viewer, outline them, and watch layers for changes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from napari.layers import Labels
from napari.utils.colormaps import DirectLabelColormap
from napari.utils.transforms import Affine
from superqt.utils import create_worker

from napari_dip.image.arrays import as_lazy
from napari_dip.noise.bad_pixels import find_bad_pixels
from napari_dip.plugin.models.layer_input import read_layer
from napari_dip.plugin.models.layer_output import own_transform
from napari_dip.plugin.models.mask_layers import plane_at
from napari_dip.plugin.models.mask_pixels import finest

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.layers import Image, Layer
    from napari.utils.events import EventEmitter
    from napari.viewer import Viewer

    from napari_dip.noise.bad_pixels import BadPixels

__all__ = [
    "LayerWatcher",
    "MaskGrid",
    "MaskOutline",
    "MaskSuggestion",
    "add_mask",
    "mask_grid",
    "start_painting",
    "suggest_mask",
    "unwrap_viewer",
]

MAX_MASK_PIXELS = 2**26  # pixels: a larger stack gets one mask plane for all of its planes

OUTLINE_WIDTH = 2  # pixels of the mask: one is hard to see where the image is shown small

OUTLINE = {
    "colormap": DirectLabelColormap(color_dict={None: "magenta", 0: "transparent"}),
    "opacity": 1.0,
}
"""How a mask is drawn as an outline: in a colour that is neither dark nor bright."""

BRUSH_SIZES = 3, 40  # pixels: smallest and largest brush


class MaskGrid(NamedTuple):
    """Shape and placement of a mask layer."""

    shape: tuple[int, ...]
    placement: dict[str, Any]
    one_for_all: bool


def mask_grid(image: Image) -> MaskGrid:
    """Return the grid of a mask for an image; of a large stack, that of its last two axes."""
    source = read_layer(image)
    shape = tuple(source.data.shape[: image.ndim])
    if image.ndim == 2 or math.prod(shape) <= MAX_MASK_PIXELS:
        return MaskGrid(shape, source.placement, one_for_all=False)
    plane = _last_axes(own_transform(source.placement))
    return MaskGrid(
        shape[-2:],
        {
            "scale": plane.scale,
            "translate": plane.translate,
            "rotate": plane.rotate,
            "shear": plane.shear[:1],  # napari returns two zeros for no shear
            "affine": _last_axes(image.affine).affine_matrix,
            "units": source.placement["units"][-2:],
            "axis_labels": source.placement["axis_labels"][-2:],
        },
        one_for_all=True,
    )


def add_mask(viewer: Viewer, image: Image) -> tuple[Labels, str]:
    """Add an empty mask layer, select the brush, and return the layer and an instruction."""
    grid = mask_grid(image)
    mask = viewer.add_labels(
        np.zeros(grid.shape, np.uint8), name=f"missing in {image.name}", **grid.placement
    )
    start_painting(viewer, mask)
    text = f"Paint the pixels to fill in '{mask.name}'; [ and ] change the brush size."
    if grid.one_for_all:
        text += " The stack is large: the mask has one plane, which applies to all planes."
    elif image.ndim > 2:
        text += " Each plane of the mask applies to the same plane of the image."
    return mask, text


def start_painting(viewer: Viewer, mask: Labels) -> None:
    """Select a mask layer and a brush that suits its size."""
    viewer.dims.ndisplay = 2
    viewer.layers.selection.active = mask
    mask.brush_size = int(np.clip(min(mask.data.shape[-2:]) / 50, *BRUSH_SIZES))
    mask.selected_label = 1
    mask.mode = "paint"


class MaskSuggestion(NamedTuple):
    """Bad pixels of an image, and the grid of their mask."""

    image: Image
    grid: MaskGrid
    bad_pixels: BadPixels

    def describe(self) -> str:
        """Say how many bad pixels there are, and what to do with them."""
        where = "this plane of " if self.grid.one_for_all else ""
        text = self.bad_pixels.describe()
        if not text:
            return f"No pixel of {where}'{self.image.name}' is saturated, hot, dead or not finite."
        return f"Bad pixels of {where}'{self.image.name}': {text}. Paint, erase or choose a label."

    def add_to(self, viewer: Viewer) -> Labels | None:
        """Add the bad pixels as a mask layer; ``None`` if there are none."""
        if not self.bad_pixels.labels.any():
            return None
        mask: Labels = viewer.add_labels(
            self.bad_pixels.labels,
            name=f"suggested in {self.image.name}",
            **self.grid.placement,
        )
        start_painting(viewer, mask)
        return mask


def suggest_mask(viewer: Viewer, image: Image, receive: Callable[[MaskSuggestion], None]) -> None:
    """Find the bad pixels of an image in a worker thread.

    Parameters
    ----------
    viewer
        Of a large stack, the plane that it shows is searched.
    image
        The image.
    receive
        Called in the main thread with the bad pixels.

    Raises
    ------
    NapariDipError
        If the image cannot be read.
    """
    grid = mask_grid(image)
    plane = plane_at(viewer.dims.point, image, range(image.ndim - len(grid.shape)))
    pixels = as_lazy(finest(image))
    worker = create_worker(find_bad_pixels, pixels[plane] if plane else pixels, rgb=image.rgb)
    worker.returned.connect(lambda found: receive(MaskSuggestion(image, grid, found)))
    worker.start()


class MaskOutline:
    """Draw at most one Labels layer as an outline, and restore it afterwards.

    The outline is magenta and opaque, to be visible on dark and on bright images.
    """

    def __init__(self) -> None:
        self._layer: Labels | None = None
        self._before: dict[str, Any] = {}

    def show(self, layer: Layer | None) -> None:
        """Draw this layer as an outline and no other; with ``None``, none."""
        if layer is self._layer:
            return
        outlined, before = self._layer, self._before
        self._layer = layer if isinstance(layer, Labels) else None
        # Setting the contour emits an event that may call this method: the state is set before.
        if outlined is not None:
            _set_all(outlined, before)
        if self._layer is not None:
            self._before = {name: getattr(self._layer, name) for name in ("contour", *OUTLINE)}
            width = max(OUTLINE_WIDTH, self._layer.contour)
            _set_all(self._layer, {"contour": width, **OUTLINE})


def _set_all(layer: Labels, values: dict[str, Any]) -> None:
    for name, value in values.items():
        setattr(layer, name, value)


class LayerWatcher:
    """Call a function when a layer changes in a way that matters for a run.

    Parameters
    ----------
    callback
        A method without arguments; it is held weakly.
    """

    EVENTS = (
        "data",
        "axis_labels",
        "name",
        "scale",
        "units",
        "translate",
        "rotate",
        "shear",
        "affine",
    )
    LABELS_EVENTS = ("paint", "labels_update", "set_data")  # a stroke, its steps, and undo

    def __init__(self, callback: Callable[[], None]) -> None:
        self._callback = callback
        self._layers: list[Layer] = []

    def watch(self, layers: list[Layer]) -> None:
        """Watch these layers and no others."""
        if layers == self._layers:
            return
        for layer in self._layers:
            for event in self._events(layer):
                event.disconnect(self._callback)
        self._layers = layers
        for layer in self._layers:
            for event in self._events(layer):
                event.connect(self._callback)

    def _events(self, layer: Layer) -> list[EventEmitter]:
        names = (*self.EVENTS, *(self.LABELS_EVENTS if isinstance(layer, Labels) else ()))
        return [getattr(layer.events, name) for name in names]


def unwrap_viewer(viewer: Viewer) -> Viewer:
    """Return the viewer behind the proxy that napari gives to plugins.

    A proxy returns proxies, and a proxy of a layer is not identical with the layer.
    """
    real: Viewer = getattr(viewer, "__wrapped__", viewer)
    return real


def _last_axes(transform: Affine) -> Affine:
    """Return the transform of the last two axes."""
    return Affine(
        linear_matrix=transform.linear_matrix[-2:, -2:], translate=transform.translate[-2:]
    )
