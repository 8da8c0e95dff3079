"""Parse amounts of memory, such as ``"4GB"``."""

from __future__ import annotations

import re

__all__ = ["checked_memory", "to_bytes"]

_MEMORY = re.compile(r"([0-9]+(?:\.[0-9]+)?) *([kMGT]i?B)", re.IGNORECASE)
_UNITS = {
    f"{letter}{i}B": (1024 if i else 1000) ** power
    for power, letter in enumerate("KMGT", start=1)
    for i in ("I", "")
}

_MAX_BYTES = 1e18
"""Bytes: larger amounts are taken for an error."""


def checked_memory(memory: str | None) -> str | None:
    """Check an amount of memory, and return it.

    Raises
    ------
    ValueError
        If it is not a number with a unit, is 0, or is above 1,000,000 TB.

    Examples
    --------
    >>> checked_memory("800 MB")
    '800 MB'
    """
    if memory is None:
        return None
    if not (match := _MEMORY.fullmatch(memory)):
        raise ValueError("give a number and a unit, such as '4GB' or '800MB'")
    if not 0 < float(match[1]) * _UNITS[match[2].upper()] <= _MAX_BYTES:
        raise ValueError("give more than 0 and at most 1,000,000 TB, such as '4GB'")
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
