"""A new Labels layer on the grid of an image, ready to be painted in."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from napari.layers import Labels, Layer
from napari.utils.transforms import Affine

from napari_dip.plugin.models.layer_input import read_layer
from napari_dip.plugin.models.layer_output import own_transform

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.layers import Image, Layer
    from napari.utils.events import EventEmitter
    from napari.viewer import Viewer

__all__ = ["Contour", "Grid", "grid_of", "new_mask", "ready_to_paint", "unwrapped"]

_MOST = 2**26
"""Pixels of a mask with a plane for each plane of the image; more take one plane for all."""


_FINEST, _WIDEST = 3, 40
"""The least and the most pixels of the brush."""


class Grid(NamedTuple):
    """Where a mask has its pixels."""

    shape: tuple[int, ...]
    placement: dict[str, Any]
    one_for_all: bool


def grid_of(image: Image) -> Grid:
    """Give a mask the pixels of an image, or only those of its last two axes if it is large."""
    source = read_layer(image)
    shape = tuple(source.data.shape[: image.ndim])
    if image.ndim == 2 or math.prod(shape) <= _MOST:
        return Grid(shape, source.placement, one_for_all=False)
    place = _of_the_plane(own_transform(source.placement))
    return Grid(
        shape[-2:],
        {
            "scale": place.scale,
            "translate": place.translate,
            "rotate": place.rotate,
            "shear": place.shear[:1],  # napari gives two zeros where there is none
            "affine": _of_the_plane(image.affine).affine_matrix,
            "units": source.placement["units"][-2:],
            "axis_labels": source.placement["axis_labels"][-2:],
        },
        one_for_all=True,
    )


def _of_the_plane(place: Affine) -> Affine:
    """Take of a transform what it does to the last two axes."""
    return Affine(linear_matrix=place.linear_matrix[-2:, -2:], translate=place.translate[-2:])


def new_mask(viewer: Viewer, image: Image) -> tuple[Labels, str]:
    """Add an empty mask to the viewer, take the brush, and say what is to be done."""
    grid = grid_of(image)
    mask = viewer.add_labels(
        np.zeros(grid.shape, np.uint8), name=f"missing in {image.name}", **grid.placement
    )
    ready_to_paint(viewer, mask)
    words = f"Paint over what is missing, in '{mask.name}'; [ and ] change the brush."
    if grid.one_for_all:
        words += " The stack is large: this one plane holds for all of its planes."
    elif image.ndim > 2:
        words += " What is painted holds for the plane it is painted on."
    return mask, words


def ready_to_paint(viewer: Viewer, mask: Labels) -> None:
    """Select a mask, and take a brush that suits its size."""
    viewer.dims.ndisplay = 2
    viewer.layers.selection.active = mask
    mask.brush_size = int(np.clip(min(mask.data.shape[-2:]) / 50, _FINEST, _WIDEST))
    mask.selected_label = 1
    mask.mode = "paint"


class Contour:
    """Draws at most one Labels layer as an outline, and gives it back as it was."""

    def __init__(self) -> None:
        self._layer: Labels | None = None
        self._before = 0

    def only(self, layer: Layer | None) -> None:
        """Draw this layer as an outline and no other; with ``None``, none."""
        if layer is self._layer:
            return
        drawn, before = self._layer, self._before
        self._layer = layer if isinstance(layer, Labels) else None
        # Drawn anew, a layer tells of it: whoever comes back here from there finds all done.
        if drawn is not None:
            drawn.contour = before
        if self._layer is not None:
            self._before = self._layer.contour
            self._layer.contour = max(1, self._before)


def unwrapped(viewer: Viewer) -> Viewer:
    """Return the viewer itself for the proxy that napari gives to plugins.

    What comes out of a proxy is a proxy again, and no such layer is identical with itself.
    """
    real: Viewer = getattr(viewer, "__wrapped__", viewer)
    return real


class Watch:
    """Calls a function when layers change in a way that counts for a run.

    Parameters
    ----------
    look_again
        Called without anything; held weakly, as napari does it.
    """

    # The last ones are of Labels: a stroke, each of its steps, and what undo emits.
    _COUNTS = ("data", "axis_labels", "name", "scale", "translate", "rotate", "shear", "affine")
    _OF_LABELS = ("paint", "labels_update", "set_data")

    def __init__(self, look_again: Callable[[], None]) -> None:
        self._look_again = look_again
        self._layers: list[Layer] = []

    def only(self, layers: list[Layer]) -> None:
        """Watch these layers and no others."""
        if layers == self._layers:
            return
        for layer in self._layers:
            for event in self._events(layer):
                event.disconnect(self._look_again)
        self._layers = layers
        for layer in self._layers:
            for event in self._events(layer):
                event.connect(self._look_again)

    def _events(self, layer: Layer) -> list[EventEmitter]:
        names = (*self._COUNTS, *(self._OF_LABELS if isinstance(layer, Labels) else ()))
        return [getattr(layer.events, name) for name in names]
