"""Gather what the files of a series say: times of planes, and the metadata of channels."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from napari_dip.files.ome_planes import times_of_frames

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_dip.image.metadata import StoredImage

    Placed = Sequence[tuple[tuple[int, ...], StoredImage]]

__all__ = ["with_metadata_of_all"]


def with_metadata_of_all(first: StoredImage, letters: str, placed: Placed) -> StoredImage:
    """Return the first image of a series with the times and channels of all.

    Parameters
    ----------
    first
        The image of the first file.
    letters
        The axes along which the files lie. Along Q, what the first file says is kept.
    placed
        The number of each file along these axes, and its image; the first one is first.
    """
    if "Q" in letters:
        return first
    extras = {key: value for key, value in first.extras.items() if key != "ome_planes"}
    planes, times = _times(letters, placed)
    if planes:
        extras["ome_planes"] = planes
    optics = dict(first.optics)
    if "C" in letters:
        others = [place for place, letter in enumerate(letters) if letter != "C"]
        channels = [one for index, one in placed if not any(index[place] for place in others)]
        for key, part in (("ome", "Channel"), ("ome_elements", "channels")):
            each = [one.extras.get(key, {}).get(part, ()) for one in channels]
            if any(each) and key in extras:
                empty: Any = {} if key == "ome" else []
                listed = [said[0] if len(said) == 1 else empty for said in each]
                extras[key] = {**extras[key], part: listed}
        for name in ("wavelength", "excitation"):
            values = tuple(one.optics.get(name) for one in channels)
            optics.pop(name, None)
            if None not in values:
                optics[name] = values[0] if len({*values}) == 1 else values
    return replace(first, extras=extras, times=times, optics=optics)


def _times(letters: str, placed: Placed) -> tuple[dict[str, Any], tuple[float, ...]]:
    """Return the times of all planes and of all frames; empty where they are unknown.

    The times of planes count from the date of their file.
    """
    planes: dict[str, dict[tuple[int, int, int], float]] = {}
    starts = _seconds_after_first([one.acquired for _, one in placed])
    for (index, one), start in zip(placed, starts, strict=True):
        moved = dict(zip(letters, index, strict=True))
        for name, values in one.extras.get("ome_planes", {}).items():
            added = start if name == "DeltaT" else 0.0
            if added is None:
                continue
            for (t, c, z), value in values.items():
                place = t + moved.get("T", 0), c + moved.get("C", 0), z + moved.get("Z", 0)
                planes.setdefault(name, {})[place] = value + added
    stamps = planes.get("DeltaT", {})
    if not stamps and "T" in letters and len({*starts}) > 1 and None not in starts:
        frames = [index[letters.index("T")] for index, _ in placed]
        stamps = {}
        for frame, start in zip(frames, starts, strict=True):
            stamps.setdefault((frame, 0, 0), start or 0.0)
    return planes, times_of_frames(stamps)


def _seconds_after_first(dates: Sequence[str]) -> list[float | None]:
    """Return the time of each date after the first; 0 if all are equal, ``None`` if unknown."""
    if len({*dates}) == 1:
        return [0.0] * len(dates)
    try:
        moments = [datetime.fromisoformat(date) for date in dates]
        return [(moment - moments[0]).total_seconds() for moment in moments]
    except (ValueError, TypeError):  # no date, or only some have a time zone
        return [None] * len(dates)
