"""The axes of an Image layer and the spacing along them: read, checked and set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pint
from napari.layers import Image, Labels

from napari_dip.errors import BadImage
from napari_dip.image.metadata import MICROMETRES, SECONDS, canonical_unit
from napari_dip.plugin.models.axis_labels import AXIS_LETTERS, axes_of
from napari_dip.plugin.models.layer_file import stored_in_file
from napari_dip.plugin.models.mask_pixels import finest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from napari.layers import Layer

    from napari_dip.image.metadata import StoredImage

__all__ = [
    "LENGTH_UNITS",
    "TIME_UNITS",
    "Spacing",
    "axes_text",
    "checked_letters",
    "checked_size",
    "grid_mates",
    "set_from_file",
    "set_letters",
    "set_spacing",
    "shape_of",
    "shown_letters",
    "spacing_of",
    "spacing_of_file",
]

LENGTH_UNITS = ("µm", "nm", "mm", "pixel")
TIME_UNITS = ("s", "ms", "min", "h", "pixel")

_LABEL = {letter: letter.lower() for letter in "TCZYX"}


@dataclass(frozen=True)
class Spacing:
    """Distances of neighbouring pixels along some axes, all in one unit.

    Attributes
    ----------
    sizes
        By the letters of the axes; an axis of unknown spacing is left out.
    unit
        A unit of length or time, or ``"pixel"``.
    """

    sizes: Mapping[str, float]
    unit: str


def shape_of(layer: Image) -> tuple[int, ...]:
    """Return the shape of a layer at full resolution, without the axis of colours."""
    return tuple(finest(layer).shape[: layer.ndim])


def shown_letters(layer: Image) -> str:
    """Return one letter for each axis of a layer, without that of colours; ``?`` is unknown."""
    return axes_of(layer, finest(layer).shape).replace("Q", "?")[: layer.ndim]


def checked_letters(text: str, layer: Image) -> str:
    """Return the letters of the axes that a user typed, ``Q`` for an axis of another meaning.

    Raises
    ------
    BadImage
        If they are not one letter of ``TCZYX`` or ``?`` for each axis, or Y and X are not there
        once each.

    Examples
    --------
    >>> from napari.layers import Image
    >>> checked_letters("z y x", Image(np.zeros((4, 16, 16))))
    'ZYX'
    """
    shape = shape_of(layer)
    sizes = " × ".join(map(str, shape))
    letters = "".join(text.replace(",", " ").split()).upper().replace("?", "Q")
    if wrong := sorted(set(letters) - set("TCZYXQ")):
        raise BadImage(
            f"Axes: {wrong[0]} is not an axis. Type T (time), C (channels), Z, Y, X, or ? for "
            "another meaning."
        )
    if len(letters) != len(shape):
        example = "TCZYX"[-len(shape) :] if len(shape) != 4 else "TZYX"
        raise BadImage(
            f"Axes: type {len(shape)} letters, one for each axis of {sizes}, such as {example}."
        )
    if double := [letter for letter in "TCZYX" if letters.count(letter) > 1]:
        raise BadImage(f"Axes: {double[0]} is there twice. Each axis has a letter of its own.")
    if not {"Y", "X"} <= set(letters):
        raise BadImage("Axes: an image needs Y and X.")
    return letters


def checked_size(letter: str, text: str) -> float | None:
    """Return a size that a user typed; ``None`` for an empty field.

    Raises
    ------
    BadImage
        If it is not a number above 0.
    """
    text = text.strip().replace(",", ".")
    if not text:
        return None
    try:
        size = float(text)
    except ValueError:
        size = 0.0
    if not 0 < size < float("inf"):
        what = "Time step" if letter == "T" else f"Voxel size along {letter}"
        raise BadImage(f"{what}: type a number above 0, or leave it empty if it is not known.")
    return size


def set_letters(layer: Image, letters: str) -> None:
    """Keep the letters of the axes as the axis labels of a layer."""
    labels = []
    for axis, (letter, label) in enumerate(zip(letters, layer.axis_labels, strict=True)):
        known = AXIS_LETTERS.get(str(label).strip().lower())
        other = f"{axis - layer.ndim}" if known else str(label)  # napari's default for no name
        labels.append(label if known == letter else _LABEL.get(letter, other))
    if tuple(labels) != tuple(layer.axis_labels):
        layer.axis_labels = tuple(labels)


def spacing_of(layer: Layer, letters: str, wanted: str) -> Spacing:
    """Return the spacing of a layer along the wanted axes, such as ``"ZYX"`` or ``"T"``.

    napari's default, 1 pixel, is an unknown spacing. Other units are converted to µm or s.
    """
    units = TIME_UNITS if wanted == "T" else LENGTH_UNITS
    found = {
        letter: (abs(float(size)), unit)
        for letter, size, unit in zip(letters, layer.scale, layer.units, strict=False)
        if letter in wanted and (size != 1 or str(unit) != "pixel")
    }
    if not found:
        return Spacing({}, units[0])
    named = [name for _, unit in found.values() if (name := canonical_unit(str(unit)))]
    unit = next((name for name in named if name in units), units[0] if named else "pixel")
    sizes = {letter: _converted(*one, unit) for letter, one in found.items()}
    return Spacing({letter: size for letter, size in sizes.items() if size is not None}, unit)


def _converted(size: float, own: pint.Unit, unit: str) -> float | None:
    """Convert a size to another unit; ``None`` if it is not possible."""
    try:
        return float((size * own).to(unit).m)
    except pint.DimensionalityError:
        return None


def set_spacing(layers: Iterable[Layer], layer: Image, letters: str, spacing: Spacing) -> None:
    """Keep the spacing along some axes as the scale and the units of a layer.

    Axes of `letters` that the spacing leaves out keep theirs. The pixels do not change. Layers on
    the same grid, such as a mask, follow, so that they stay in place.

    Parameters
    ----------
    layers
        The layers of the viewer.
    layer, letters
        The image, and one letter for each of its axes.
    spacing
        The new spacing; a size of 0 means unknown.
    """
    mates = grid_mates(layers, layer)
    for one in (layer, *mates):
        scale, translate, units = [*one.scale], [*one.translate], [*map(str, one.units)]
        for axis, letter in enumerate(letters[-one.ndim :]):
            if letter not in spacing.sizes:
                continue
            size, unit = spacing.sizes[letter], spacing.unit
            size, unit = (size, unit) if size else (1.0, "pixel")
            new = float(np.copysign(size, scale[axis]))
            if units[axis] == "pixel":  # a position in pixels changes with their size
                translate[axis] *= new / scale[axis]
            scale[axis], units[axis] = new, unit
        if units != [*map(str, one.units)]:
            one.units = units
        if not np.array_equal(scale, one.scale):
            one.scale, one.translate = scale, translate


def grid_mates(layers: Iterable[Layer], layer: Image) -> list[Layer]:
    """List the other layers with the pixel grid of a layer, or of its last axes."""
    return [one for one in layers if one is not layer and _same_grid(one, layer)]


def _same_grid(one: Layer, layer: Image) -> bool:
    last = min(one.ndim, layer.ndim)
    if one.ndim > layer.ndim or one.units != layer.units[-last:]:
        return False
    # Shapes and points have no grid of their own: they are drawn on that of an image.
    if isinstance(one, Image | Labels):
        shapes = (tuple(finest(other).shape[: other.ndim][-last:]) for other in (one, layer))
        if len(set(shapes)) > 1:
            return False
    return all(
        np.array_equal(getattr(one, name), getattr(layer, name)[-last:])
        for name in ("scale", "translate")
    )


def axes_text(letters: str, spacing: Spacing) -> str:
    """Say in a few words what the axes are.

    Examples
    --------
    >>> axes_text("ZYX", Spacing({"Z": 2.0, "Y": 0.5, "X": 0.5}, "µm"))
    'Axes ZYX · 2 × 0.5 × 0.5 µm'
    >>> axes_text("?YX", Spacing({}, "µm"))
    'Axes ?YX – name the first'
    """
    if "?" in letters:
        count = letters.count("?")
        which = "the first" if letters.find("?") == 0 and count == 1 else "those with ?"
        return f"Axes {letters} – name {which}"
    if not spacing.sizes:
        return f"Axes {letters}"
    numbers = " × ".join(
        f"{spacing.sizes[letter]:.4g}" if letter in spacing.sizes else "?"
        for letter in "ZYX"
        if letter in letters
    )
    return f"Axes {letters} · {numbers} {spacing.unit}"


def spacing_of_file(stored: StoredImage, wanted: str) -> Spacing:
    """Return the spacing in a file along the wanted axes, in one unit that a panel offers."""
    table = SECONDS if wanted == "T" else MICROMETRES
    unit = "s" if wanted == "T" else "µm"
    sizes = {letter: stored.size_in(letter, table, unit) for letter in wanted}
    return Spacing({letter: size for letter, size in sizes.items() if size}, unit)


def set_from_file(layers: Iterable[Layer], layer: Image) -> str:
    """Set the axes and the spacing of a layer from its file, where napari did not read them.

    The spacing is left alone while other layers have another grid in pixels: they would not match
    the image any more.

    Returns
    -------
    str
        A sentence about what was set; empty if nothing was.
    """
    unnamed = not any(str(label).lower() in AXIS_LETTERS for label in layer.axis_labels)
    uncalibrated = np.all(layer.scale == 1) and all(str(one) == "pixel" for one in layer.units)
    stored = stored_in_file(layer) if unnamed or uncalibrated else None
    if stored is None:
        return ""
    done = []
    letters = stored.axes.replace("S", "")
    if unnamed and len(letters) == layer.ndim and set(letters) - set("QYX"):
        set_letters(layer, letters)
        done.append(f"axes {letters.replace('Q', '?')}")
    layers = [*layers]
    mates = [layer, *grid_mates(layers, layer)]
    pixels = [one for one in layers if one not in mates and "pixel" in map(str, one.units)]
    if uncalibrated and not pixels:
        for wanted in ("T", "ZYX"):
            spacing = spacing_of_file(stored, wanted)
            if spacing.sizes:
                set_spacing(layers, layer, letters, spacing)
            if wanted == "ZYX" and spacing.sizes:
                sizes = " × ".join(f"{size:.4g}" for size in spacing.sizes.values())
                done.append(f"pixel size {sizes} {spacing.unit}")
    if not done:
        return ""
    return f"Read from the file of '{layer.name}': {', '.join(done)}."
