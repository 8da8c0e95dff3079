"""The sizes of the pixels of a layer, from napari or from its file."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from napari_dip.image.metadata import MICROMETRES
from napari_dip.plugin.models.layer_axes import shown_letters
from napari_dip.plugin.models.layer_file import stored_in_file
from napari_dip.plugin.models.layer_input import read_layer
from napari_dip.plugin.models.target import stored_image
from napari_dip.settings.optics import LARGEST_UM, SMALLEST_UM

if TYPE_CHECKING:
    from napari.layers import Image, Layer

    from napari_dip.image.metadata import StoredImage
    from napari_dip.plugin.models.layer_input import LayerInput
    from napari_dip.settings import Settings

__all__ = [
    "micrometres",
    "recorded_sizes",
    "sized_image",
    "stored_layer",
    "unknown_size",
    "with_pixel_sizes",
]

SAME_SIZE = 0.01  # relative: pixels whose sides differ by less are square


def with_pixel_sizes(source: LayerInput, settings: Settings) -> Settings:
    """Return settings whose task knows the pixel sizes of a layer, if it needs them."""
    if not settings.task.spec.needs_psf:
        return settings
    y, x, z = (micrometres(source, letter) for letter in "YXZ")
    found = {"z_step": z} if z else {}
    if x and y and math.isclose(x, y, rel_tol=SAME_SIZE):
        found["pixel_size"] = x
    return settings.replace(task=settings.task.with_metadata(found))


def stored_layer(layer: Layer, axes: str) -> StoredImage:
    """Return a layer with its pixel sizes, and with these axes, as a file holds it."""
    return sized_image(replace(read_layer(layer), axes=axes))


def sized_image(source: LayerInput) -> StoredImage:
    """Return a layer with the sizes of its pixels, which its file may know if it does not."""
    scale = np.abs(source.placement["scale"])
    stored = stored_image(replace(source, placement={**source.placement, "scale": scale}))
    layer = source.layer()
    file = stored_in_file(layer) if layer is not None and not stored.unit else None
    if file is None or len(file.axes) != len(source.axes):
        return stored
    # napari reads no pixel sizes from most files
    letters = dict(zip(file.axes, source.axes, strict=True))
    return replace(
        stored,
        pixel_size={letters[axis]: size for axis, size in file.pixel_size.items()},
        unit={letters[axis]: unit for axis, unit in file.unit.items()},
    )


def micrometres(source: LayerInput, letter: str) -> float | None:
    """Return the size of the pixels along an axis; ``None`` if it is unknown."""
    stored = sized_image(source)
    return stored.size_in(letter, MICROMETRES, "µm") if letter in stored.unit else None


def unknown_size(source: LayerInput, letter: str) -> str:
    """Say why the size of the pixels along an axis cannot be used."""
    sizes = [micrometres(source, each) for each in ("Z" if letter == "Z" else "YX")]
    what = "distance of the planes" if letter == "Z" else "pixel size"
    known = [size for size in sizes if size is not None]
    if len(known) < len(sizes):
        return f"The {what} of '{source.name}' is not known, and the PSF needs it: type it in Axes."
    if not all(SMALLEST_UM <= size <= LARGEST_UM for size in known):
        return (
            f"The {what} of '{source.name}' is {known[-1]:.4g} µm, and a microscope "
            f"has {SMALLEST_UM} to {LARGEST_UM} µm: correct it in Axes."
        )
    return (
        f"The pixels of '{source.name}' are {known[0]:.4g} × {known[-1]:.4g} µm, and the "
        "optics need square ones: correct them in Axes, or choose another PSF."
    )


def recorded_sizes(layer: Image, recorded: Settings) -> tuple[dict[str, float], str]:
    """Compare the pixel sizes of a layer with those of a recorded run.

    Returns
    -------
    dict
        The sizes in µm of the run along the axes where those of the layer are not known.
    str
        A sentence about the sizes that are set or that differ; empty if there are none.
    """
    letters, source = shown_letters(layer), read_layer(layer)
    unknown: dict[str, float] = {}
    said = []
    for name, what, axes in (
        ("pixel_size", "pixel size", "YX"),
        ("z_step", "distance of the planes", "Z"),
    ):
        size = getattr(recorded.task, name, None)
        if size is None or not set(axes) <= set(letters):
            continue
        own = [micrometres(source, letter) for letter in axes]
        if None in own:
            unknown |= dict.fromkeys(axes, size)
            said.append(f"The {what} of '{source.name}' was not known: set to {size:.4g} µm.")
        elif not all(math.isclose(each, size, rel_tol=SAME_SIZE) for each in own if each):
            said.append(
                f"The {what} stays that of '{source.name}', {own[-1]:.4g} µm; that of the run was "
                f"{size:.4g} µm."
            )
    return unknown, " ".join(said)
