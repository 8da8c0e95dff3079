"""Read a series of files as one image: ``frames_t*.tif``, one file per time point or plane."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_dip.errors import FileProblem
from napari_dip.files.filename_fields import arrange_files, natural_order, relative_names
from napari_dip.files.glob_pattern import matching_files
from napari_dip.files.read_errors import refuse_too_large
from napari_dip.files.series_metadata import with_metadata_of_all
from napari_dip.image.lazy import LazyArray
from napari_dip.image.metadata import Channel, StoredImage

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_dip.files.filename_fields import FileGrid

__all__ = ["FileSeries", "read_series"]

Reader = Callable[[Path], StoredImage]

_AXIS_NAMES = {"T": "time points", "Z": "planes", "C": "channels", "Q": "positions"}


class FileSeries(LazyArray):
    """Stack files of one shape and dtype along new leading axes.

    A file is opened when it is needed.

    Parameters
    ----------
    files
        Array of paths with the new axes.
    read
        Opens one file. A module-level function allows pickling.
    first
        The image of the first file.
    """

    def __init__(self, files: NDArray[Any], read: Reader, first: StoredImage) -> None:
        self._files = tuple(file.absolute() for file in files.flat)
        self._numbers = np.arange(files.size).reshape(files.shape)
        self._read = read
        self._shape = (*files.shape, *first.image.shape)
        self._dtype = first.image.dtype

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of values along each axis, those of the files first."""
        return self._shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Dtype of the values, in native byte order."""
        return self._dtype

    def __getitem__(self, index: Any, /) -> Any:
        parts = index if isinstance(index, tuple) else (index,)
        if any(part is Ellipsis for part in parts):
            place = next(n for n, part in enumerate(parts) if part is Ellipsis)
            whole = (slice(None),) * (len(self._shape) - len(parts) + 1)
            parts = (*parts[:place], *whole, *parts[place + 1 :])
        depth = self._numbers.ndim
        chosen = np.asarray(self._numbers[parts[:depth]])
        if not chosen.ndim:
            return self._part(self._files[int(chosen)], parts[depth:])
        if not chosen.size:
            empty = np.empty(self._shape[depth:], self._dtype)[parts[depth:]]
            return np.empty((*chosen.shape, *empty.shape), self._dtype)
        rest = zip_longest(self._shape[depth:], parts[depth:], fillvalue=slice(None))
        each = math.prod(
            len(range(size)[part]) if isinstance(part, slice) else 1
            for size, part in rest
            if not isinstance(size, slice)  # one index too many, which NumPy reports
        )
        needed = chosen.size * each * self._dtype.itemsize
        refuse_too_large(self._files[0].parent, needed, "the part of the series to read")
        images = np.stack(
            [self._part(self._files[number], parts[depth:]) for number in chosen.flat]
        )
        return images.reshape(*chosen.shape, *images.shape[1:])

    def _part(self, file: Path, index: tuple[Any, ...]) -> NDArray[Any]:
        image = self._read(file).image
        expected = self._shape[self._numbers.ndim :]
        if (image.shape, image.dtype) != (expected, self._dtype):
            raise FileProblem(
                f"{file} is {image.shape} {image.dtype} now, and was {expected} {self._dtype} "
                "before; do not change it while it is read"
            )
        return np.asarray(image[index])


def read_series(pattern: Path, read: Reader) -> StoredImage:
    """Open all files that match a pattern, sorted by their numbers, as one image.

    Parameters
    ----------
    pattern
        Such as ``frames_t*.tif``. The word before a number gives its axis: ``t``, ``time`` and
        ``frame`` time points, ``z``, ``slice`` and ``plane`` planes, ``c``, ``ch``, ``channel`` and
        ``w`` channels, ``p``, ``pos``, ``xy``, ``s`` and ``field`` positions. A single number
        without such a word counts time points. Names that differ, such as DAPI and GFP, are
        channels.
    read
        Opens one file, preferably without reading its values.

    Returns
    -------
    StoredImage
        With one axis per number that differs: Q for positions, then T, Z and C. An axis that the
        files themselves have becomes Q.

    Raises
    ------
    FileProblem
        If no file matches, a file is missing, a file differs from the first in shape, dtype or
        axes, or the axis of one of several numbers is unknown.
    """
    files = tuple(sorted(matching_files(pattern), key=lambda file: natural_order(str(file))))
    if not files:
        raise FileProblem(f"no file matches {pattern}; check the name and the folder")
    first = read(files[0])
    if len(files) == 1:
        return first
    grid = arrange_files(pattern, files)
    opened = {files[0]: first}
    for file in files[1:]:
        opened[file] = stored = read(file)
        if (found := _summary(stored)) != (expected := _summary(first)):
            raise FileProblem(
                f"{file} is {found}, and {files[0]} is {expected}: "
                "all files of a series need the same shape; match fewer files"
            )
    letters = ""
    for one in grid.fields:
        alone = len(grid.fields) == 1 and one.role in ("", "Z")  # files of volumes are a time-lapse
        roles = (one.role, "T") if alone else (one.role,)
        letters += next((role for role in roles if role and role not in first.axes), "Q")
    described = _describe_files(files, grid, letters)
    placed = [(place, opened[file]) for place, file in np.ndenumerate(grid.files)]
    return replace(
        with_metadata_of_all(first, letters, placed),
        image=FileSeries(grid.files, read, first),
        axes=letters + first.axes,
        notes=(described, *([grid.gaps] if grid.gaps else []), *first.notes),
        files=files if first.files else (),
        channels=_channels(grid, letters, opened),
    )


def _describe_files(files: tuple[Path, ...], grid: FileGrid, letters: str) -> str:
    """Describe which files lie along which axes."""
    _, names = relative_names(files)
    files_text = f"{len(files)} files, {names[0]} to {names[-1]}"
    if len(letters) == 1:
        return f"{files_text}, along {letters}."
    axes = [
        f"{len(field.values)} {_AXIS_NAMES[field.role]} ({letter})"
        for field, letter in zip(grid.fields, letters, strict=True)
    ]
    return f"{files_text}: {', '.join(axes[:-1])} and {axes[-1]}."


def _channels(grid: FileGrid, letters: str, opened: dict[Path, StoredImage]) -> tuple[Channel, ...]:
    """Return the channels: from the files if each has one, or from the file names."""
    if "C" not in letters:
        return opened[grid.files.flat[0]].channels
    axis = letters.index("C")
    firsts = np.moveaxis(grid.files, axis, 0).reshape(grid.files.shape[axis], -1)[:, 0]
    channels_of_files = [opened[file].channels for file in firsts]
    if all(len(channels) == 1 for channels in channels_of_files):
        return tuple(channels[0] for channels in channels_of_files)
    field = grid.fields[axis]
    return () if field.numbered else tuple(map(Channel, field.values))


def _summary(stored: StoredImage) -> str:
    return f"{stored.image.shape} {stored.image.dtype} {stored.axes}"
