"""A new Labels layer on the grid of an image, ready to be painted in."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from napari.utils.transforms import Affine

from napari_dip.plugin.layers import own_transform, read_layer

if TYPE_CHECKING:
    from napari.layers import Image, Labels
    from napari.viewer import Viewer

__all__ = ["Grid", "grid_of", "new_mask", "ready_to_paint"]

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
