"""What the file of a layer tells beside its pixels: the stored image, and the channels."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_dip.errors import NapariDipError
from napari_dip.image.metadata import MICROMETRES, Channel
from napari_dip.plugin.models.mask_pixels import finest
from napari_dip.settings.optics import PIXEL_SIZES, Optics, is_possible

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from napari.layers import Image

    from napari_dip.image.metadata import StoredImage

__all__ = [
    "CHANNELS",
    "FILE",
    "OPTICS",
    "channel_metadata",
    "channels_of",
    "file_of",
    "optics_metadata",
    "optics_of",
    "stored_in_file",
    "with_metadata_of",
]

OPTICS = "optics"
"""Key of the numbers of the microscope in the metadata of a layer: a dictionary with names of the
fields of :class:`~napari_dip.settings.Optics`."""

FILE = "file"
"""Key of the file in the metadata of a layer: its path, and the number of the image in it. napari
does not tell a writer the source of a layer."""

CHANNELS = "channels"
"""Key of the channels in the metadata of a layer: a list of names and colours."""


def channels_of(layer: Image, axes: str) -> tuple[Channel, ...]:
    """Return the names and colours of the channels of a layer; empty if they are not known.

    Parameters
    ----------
    layer
        Its metadata have them if a panel opened its file, or made it. Otherwise its file is asked.
    axes
        One letter for each axis of its pixels.
    """
    kept = layer.metadata.get(CHANNELS)
    if isinstance(kept, list):
        named = [one for one in kept if isinstance(one, dict)]
        channels = tuple(
            Channel(str(one.get("name", "")), str(one.get("colour", ""))) for one in named
        )
    else:
        stored = stored_in_file(layer) if "C" in axes else None
        channels = () if stored is None or stored.axes != axes else stored.known_channels
    count = finest(layer).shape[axes.index("C")] if "C" in axes else 1
    return channels if len(channels) == count else ()


def channel_metadata(channels: Sequence[Channel]) -> dict[str, Any]:
    """Return the metadata of a layer that keep its channels; empty if none is known."""
    named = [{"name": channel.name, "colour": channel.colour} for channel in channels]
    return {CHANNELS: named} if any(channels) else {}


def optics_metadata(stored: StoredImage, channel: int | None = None) -> dict[str, Any]:
    """Return the metadata of a layer that keep the numbers of the microscope; empty without any.

    Parameters
    ----------
    stored
        The file of the layer.
    channel
        The number of the channel that the layer shows: each has wavelengths of its own.
    """
    optics = dict(stored.optics)
    described = stored.extras.get("ome", {}).get("Channel", ())
    if channel is not None and channel < len(described):
        own = described[channel]
        for field, name in (
            ("wavelength", "EmissionWavelength"),
            ("excitation", "ExcitationWavelength"),
        ):
            factor = MICROMETRES.get(str(own.get(f"{name}Unit", "nm")))
            size = own.get(name)
            if factor is not None and size is not None:
                with suppress(ValueError):
                    optics[field] = float(size) * factor * 1000
    return {OPTICS: optics} if optics else {}


def optics_of(layer: Image) -> dict[str, Any]:
    """Return the numbers of the microscope that a layer or its file knows, without pixel sizes.

    Wavelengths that differ between the channels of the layer are left out.
    """
    kept = layer.metadata.get(OPTICS)
    stored = None if isinstance(kept, dict) else stored_in_file(layer)
    found = kept if isinstance(kept, dict) else {} if stored is None else stored.optics
    names = set(Optics.model_fields) - {*PIXEL_SIZES}
    # A damaged file may tell any number; what contradicts another one is shown, for a correction.
    return {
        str(name): value
        for name, value in found.items()
        if name in names
        and not isinstance(value, list | tuple)
        and is_possible(name, value)
        and getattr(Optics(**{name: value}), name) == value
    }


def stored_in_file(layer: Image) -> StoredImage | None:
    """Open the file of a layer; ``None`` if it does not hold an image of the same shape.

    Its values are not read.
    """
    path = Path(layer.source.path or "")
    try:
        if not path.is_file():
            return None
        stored = _opened(path, path.stat().st_mtime_ns)
    except OSError:
        return None
    shape = tuple(finest(layer).shape)
    return stored if stored is not None and tuple(stored.image.shape) == shape else None


def file_of(layer: Image, record: Mapping[str, Any] | None) -> StoredImage | None:
    """Open the file of a layer, or of the image that its run restored; its values are not read.

    ``None`` if it is not known, has gone, or holds several images of which none was chosen.
    """
    said = layer.metadata.get(FILE)
    said = said if isinstance(said, dict) else {}
    origin = {} if record is None else record.get("input", {})
    path = Path(str(said.get("path") or origin.get("path") or layer.source.path or ""))
    number = said.get("series")
    try:
        if not path.name or not path.exists():
            return None
        stored = _opened(path, path.stat().st_mtime_ns, number if isinstance(number, int) else None)
    except OSError:
        return None
    return None if stored is None or (stored.images and number is None) else stored


def with_metadata_of(stored: StoredImage, file: StoredImage | None) -> StoredImage:
    """Add what a layer has no place for: the date, times, and what OME-XML says besides.

    Parameters
    ----------
    stored
        A layer as it is saved, or several as channels.
    file
        From :func:`file_of`. What it says of channels counts if all those of `stored` are in it.
    """
    if file is None:
        return stored
    ome, elements = (dict(file.extras.get(key, {})) for key in ("ome", "ome_elements"))
    described, in_channels = ome.pop("Channel", []), elements.pop("channels", [])
    planes: dict[str, dict[tuple[int, int, int], float]] = {}
    chosen = _places_of_channels(stored, file)
    if chosen and len(described) == file.channel_count:
        ome["Channel"] = [described[place] for place in chosen]
    if chosen and len(in_channels) == file.channel_count:
        elements["channels"] = [in_channels[place] for place in chosen]
    lengths, lengths_there = _lengths(stored), _lengths(file)
    if chosen and lengths == lengths_there:
        for name, values in file.extras.get("ome_planes", {}).items():
            planes[name] = {
                (t, number, z): values[t, place, z]
                for number, place in enumerate(chosen)
                for t in range(lengths["T"])
                for z in range(lengths["Z"])
                if (t, place, z) in values
            }
    extras = {"ome": ome, "ome_planes": planes, "ome_elements": elements}
    return replace(
        stored,
        acquired=file.acquired,
        times=file.times if lengths["T"] == lengths_there["T"] else (),
        extras={**stored.extras, **{key: one for key, one in extras.items() if one}},
    )


def _lengths(stored: StoredImage) -> dict[str, int]:
    sizes = dict(zip(stored.axes, stored.image.shape, strict=True))
    return {axis: sizes.get(axis, 1) for axis in "TZ"}


def _places_of_channels(stored: StoredImage, file: StoredImage) -> list[int]:
    """Return the number of each channel in a file; empty if one is not in it, or several are."""
    if file.channel_count == 1 == stored.channel_count:
        return [0]
    known = [channel.name for channel in file.known_channels]
    names = [channel.name for channel in stored.known_channels]
    if names == known:
        return [*range(len(known))]
    return (
        [known.index(name) for name in names]
        if all(name and known.count(name) == 1 for name in names)
        else []
    )


@lru_cache(maxsize=16)
def _opened(path: Path, _changed: int, number: int | None = None) -> StoredImage | None:
    from napari_dip.files.image_io import read_image

    try:
        return read_image(path, lazy=True, series=number)
    except NapariDipError:  # napari has read it; its metadata are not needed
        return None
