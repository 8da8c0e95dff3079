"""What the file of a layer tells beside its pixels: the stored image, and the channels."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_dip.errors import NapariDipError
from napari_dip.image.metadata import Channel
from napari_dip.plugin.models.mask_pixels import finest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.layers import Image

    from napari_dip.image.metadata import StoredImage

__all__ = ["CHANNELS", "channel_metadata", "channels_of", "stored_in_file"]

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


@lru_cache(maxsize=16)
def _opened(path: Path, _changed: int) -> StoredImage | None:
    from napari_dip.files.image_io import read_image

    try:
        return read_image(path, lazy=True)
    except NapariDipError:  # napari has read it; its metadata are not needed
        return None
