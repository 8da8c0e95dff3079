"""A series of files as one image: ``frames_t*.tif``, one file for each time point or plane."""

from __future__ import annotations

import glob
import re
from collections.abc import Callable
from dataclasses import replace
from itertools import takewhile
from pathlib import Path
from typing import Any

import numpy as np

from napari_dip.errors import FileProblem
from napari_dip.stack.lazy import Lazy
from napari_dip.stack.stored import StoredImage

__all__ = ["Frames", "is_pattern", "read_series"]

Reader = Callable[[Path], StoredImage]

_ROLES = {"z": "Z", "slice": "Z", "plane": "Z", "c": "C", "ch": "C", "channel": "C"}


class Frames(Lazy):
    """Files of one shape and dtype along a new first axis; a file is opened when it is needed.

    Parameters
    ----------
    files
        In order.
    read
        Opens one of them; a pickled series needs a function of a module.
    first
        What it gives for the first of them.
    """

    def __init__(self, files: tuple[Path, ...], read: Reader, first: StoredImage) -> None:
        self._files = tuple(file.absolute() for file in files)
        self._read = read
        self._shape = (len(files), *first.image.shape)
        self._dtype = first.image.dtype

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of values along each axis, the files first."""
        return self._shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the values, in the machine's byte order."""
        return self._dtype

    def __getitem__(self, index: Any, /) -> Any:
        first, *rest = (index if isinstance(index, tuple) else (index,)) or (slice(None),)
        if not isinstance(first, slice):
            image = self._read(self._files[first]).image
            if (image.shape, image.dtype) != (self._shape[1:], self._dtype):
                raise FileProblem(
                    f"{self._files[first]} is {image.shape} {image.dtype} now, and was "
                    f"{self._shape[1:]} {self._dtype} before; let it be while it is read"
                )
            return np.asarray(image[tuple(rest)])
        return np.stack([self[one, *rest] for one in range(len(self._files))[first]])


def is_pattern(path: Path) -> bool:
    """Tell whether a name stands for several files."""
    return glob.has_magic(str(path)) and not path.exists()


def read_series(pattern: Path, read: Reader) -> StoredImage:
    """Open all files that a pattern names, in the order of their numbers, as one image.

    Parameters
    ----------
    pattern
        Such as ``frames_t*.tif``. The letters before the number say what is numbered: Z for
        ``z``, ``slice`` and ``plane``, C for ``c``, ``ch`` and ``channel``, and T otherwise.
    read
        Opens one of the files, best without reading its values.

    Raises
    ------
    FileProblem
        If there is no such file, or one differs from the first in shape, dtype or axes.
    """
    files = tuple(sorted(map(Path, glob.glob(str(pattern))), key=_by_number))
    if not files:
        raise FileProblem(f"no file is named {pattern}; check the name and the folder")
    first = read(files[0])
    if len(files) == 1:
        return first
    for file in files[1:]:
        if (found := _outline(read(file))) != (expected := _outline(first)):
            raise FileProblem(
                f"{file} is {found}, and {files[0]} is {expected}: "
                "a series has one shape; name fewer files"
            )
    letter = _numbered(files)
    letter = next(role for role in (letter, "T", "Q") if role not in first.axes)
    notes = (f"{len(files)} files, {files[0].name} to {files[-1].name}, along {letter}.",)
    image = Frames(files, read, first)
    return replace(
        first,
        image=image,
        axes=letter + first.axes,
        notes=notes + first.notes,
        files=files if first.files else (),
    )


def _by_number(file: Path) -> list[Any]:
    """Sort frame 2 before frame 10: every second part of the split name is a number."""
    parts = re.split(r"(\d+)", str(file))
    return [int(part) if place % 2 else part for place, part in enumerate(parts)]


def _outline(stored: StoredImage) -> str:
    return f"{stored.image.shape} {stored.image.dtype} {stored.axes}"


def _numbered(files: tuple[Path, ...]) -> str:
    """Tell what is numbered from the letters before the first digit that differs."""
    names = sorted(file.name.lower() for file in files)  # what the ends share, all share
    same = takewhile(lambda pair: pair[0] == pair[1], zip(names[0], names[-1], strict=False))
    word = re.search(r"([a-z]*)[^a-z]*$", "".join(letter for letter, _ in same))
    return _ROLES.get(word[1], "T") if word else "T"
