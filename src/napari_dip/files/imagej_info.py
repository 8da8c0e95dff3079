"""Read and write the lines of ImageJ's Info that keep what has no entry of its own.

ImageJ shows them with *Image › Show Info*.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from napari_dip.plaintext import plain

if TYPE_CHECKING:
    from napari_dip.files.tolerant_parsing import TolerantParser
    from napari_dip.image.metadata import StoredImage

__all__ = ["InfoLines", "info_lines", "read_info"]

_NAME, _DATE, _TIMES = "Image name", "Acquisition date", "Time stamps (s)"
_CHANNEL, _COLOUR = "Channel name", "Channel colour"


class InfoLines(NamedTuple):
    """What the lines say, and the ``rest`` of the text."""

    name: str = ""
    acquired: str = ""
    times: tuple[float, ...] = ()
    channel: str = ""
    colour: str = ""
    rest: str = ""


def read_info(text: str, parser: TolerantParser) -> InfoLines:
    r"""Read the lines of :func:`info_lines` in a text.

    Examples
    --------
    >>> from napari_dip.files.tolerant_parsing import TolerantParser
    >>> read_info("Image name = cells\nGain: 2\n", TolerantParser())[0::5]
    ('cells', 'Gain: 2\n')
    """
    found: dict[str, str] = {}
    rest = []
    for line in text.splitlines(keepends=True):
        key, equals, value = line.partition(" = ")
        if equals and key in (_NAME, _DATE, _TIMES, _CHANNEL, _COLOUR) and key not in found:
            found[key] = value.strip()
        else:
            rest.append(line)
    stamps = [parser.number(_TIMES, part) for part in found.get(_TIMES, "").split(",") if part]
    times = tuple(stamp for stamp in stamps if stamp is not None)
    return InfoLines(
        found.get(_NAME, ""),
        found.get(_DATE, ""),
        times if len(times) == len(stamps) else (),
        found.get(_CHANNEL, ""),
        found.get(_COLOUR, "") if _is_colour(found.get(_COLOUR, "")) else "",
        "".join(rest),
    )


def info_lines(stored: StoredImage) -> str:
    """Return the lines for an image; those of its channel only if it has one."""
    entries = {
        _NAME: stored.name,
        _DATE: stored.acquired,
        _TIMES: ", ".join(map(repr, stored.known_times)),
    }
    channels = stored.known_channels
    if len(channels) == 1:
        entries |= {_CHANNEL: channels[0].name, _COLOUR: channels[0].colour}
    return "".join(f"{key} = {plain(value)}\n" for key, value in entries.items() if value)


def _is_colour(text: str) -> bool:
    return len(text) == 6 and all(letter in "0123456789ABCDEF" for letter in text)
