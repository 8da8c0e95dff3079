"""Amounts of memory in words, such as ``"4GB"``."""

from __future__ import annotations

import re

__all__ = ["checked_memory", "to_bytes"]

_MEMORY = re.compile(r"([0-9]+(?:\.[0-9]+)?) *([kMGT]i?B)", re.IGNORECASE)
_UNITS = {
    f"{letter}{i}B": (1024 if i else 1000) ** power
    for power, letter in enumerate("KMGT", start=1)
    for i in ("I", "")
}

_MOST_MEMORY = 1e18


def checked_memory(memory: str | None) -> str | None:
    """Check an amount of memory.

    Raises
    ------
    ValueError
        If it is not a number with a unit, zero, or more than a million TB.
    """
    if memory is None:
        return None
    if not (said := _MEMORY.fullmatch(memory)):
        raise ValueError("give a number and a unit, such as '4GB' or '800MB'")
    if not 0 < float(said[1]) * _UNITS[said[2].upper()] <= _MOST_MEMORY:
        raise ValueError("give more than nothing and at most a million TB, such as '4GB'")
    return memory


def to_bytes(memory: str) -> int:
    """Return a checked amount of memory in bytes.

    Examples
    --------
    >>> to_bytes("4GB"), to_bytes("2 MiB")
    (4000000000, 2097152)
    """
    number, unit = _MEMORY.fullmatch(memory).groups()  # type: ignore[union-attr]
    return int(float(number) * _UNITS[unit.upper()])
