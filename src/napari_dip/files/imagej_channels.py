"""Read and write channels as ImageJ keeps them: plane labels, colour tables and display ranges."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_dip.image.metadata import Channel

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from napari_dip.files.imagej_info import InfoLines
    from napari_dip.files.tolerant_parsing import TolerantParser
    from napari_dip.image.metadata import StoredImage

__all__ = ["channel_entries", "colour_of_table", "read_channels"]


def read_channels(
    entries: Mapping[str, Any],
    shape: Mapping[str, int],
    info: InfoLines,
    parser: TolerantParser,
) -> tuple[Channel, ...]:
    """Read names, colours and display ranges of the channels.

    Names are those of plane labels, if all planes of each channel share one; the name of a single
    channel is in the Info.
    """
    count = shape.get("C", 1)
    labels, tables = entries.get("Labels", ()), entries.get("LUTs", ())
    names, colours = [""] * count, [""] * count
    if count == 1:
        names, colours = [info.channel], [info.colour]
    elif isinstance(labels, list) and len(labels) % count == 0:
        of_channels = [set(labels[number::count]) for number in range(count)]
        if all(len(found) == 1 for found in of_channels):
            names = [found.pop() for found in of_channels]
    if isinstance(tables, list) and len(tables) == count:
        colours = [
            colour_of_table(np.asarray(table)) or known
            for table, known in zip(tables, colours, strict=True)
        ]
    windows = _windows(entries, count, parser)
    channels = tuple(map(Channel, names, colours, windows))
    return channels if any(channels) else ()


def channel_entries(stored: StoredImage) -> dict[str, Any]:
    """Return the entries that hold the channels, for tifffile."""
    channels = stored.known_channels
    entries: dict[str, Any] = {}
    if channels and all(channel.window for channel in channels):
        limits = [limit for channel in channels for limit in channel.window or ()]
        entries = {"min": limits[0], "max": limits[1]}
        entries |= {"Ranges": tuple(limits)} if len(channels) > 1 else {}
    if len(channels) < 2:
        return entries
    leading = stored.axes[: stored.axes.index("Y")]
    if any(channel.name for channel in channels):
        numbers = np.indices(stored.image.shape[: len(leading)])[leading.index("C")].ravel()
        entries["Labels"] = [channels[number].name for number in numbers]
    if all(channel.colour for channel in channels):
        entries |= {
            "LUTs": [_colour_table(channel.colour) for channel in channels],
            "mode": "composite",
        }
    return entries


def _windows(
    entries: Mapping[str, Any], count: int, parser: TolerantParser
) -> list[tuple[float, float] | None]:
    """Read the display range of each channel."""
    limits = entries.get("Ranges", ())
    if count == 1:
        limits = (entries.get("min"), entries.get("max"))
    if not isinstance(limits, tuple | list) or len(limits) != 2 * count:
        return [None] * count
    numbers = [parser.number("display range", limit) for limit in limits]
    return [
        (low, high) if low is not None and high is not None and low < high else None
        for low, high in zip(numbers[::2], numbers[1::2], strict=True)
    ]


def colour_of_table(table: np.ndarray[Any, Any]) -> str:
    """Return the brightest colour of a linear table that starts at black; "" for others."""
    if table.shape != (3, 256):
        return ""
    colour = "".join(f"{part:02X}" for part in table[:, -1])
    off = np.abs(table.astype(int) - _colour_table(colour))
    return colour if off.max() <= 2 else ""


def _colour_table(colour: str) -> np.ndarray[Any, Any]:
    ends: Sequence[int] = bytes.fromhex(colour)
    return np.array([np.linspace(0, end, 256).round() for end in ends], np.uint8)
