"""Parse the numbers in file names: time points, positions, planes and channels.

A name is split at its separators and between letters and digits. The parts that differ between
names are fields. The word before a number gives its axis.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_dip.errors import FileProblem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["FileGrid", "NameField", "arrange_files", "natural_order", "relative_names"]

_WORDS_OF_AXIS = {
    "T": "t time timepoint timepoints tp frame frames fr sk",
    "Q": "p pos position xy s series f field fov site scene tile",
    "Z": "z slice plane sl zslice zplane",
    "C": "c ch chan channel w wv wavelength lambda",
}
_AXIS_OF_WORD = {word: letter for letter, words in _WORDS_OF_AXIS.items() for word in words.split()}
_ORDER = "QTZC"  # the planes of a channel are in ImageJ's order
_SEPARATORS = re.compile(r"([_\-. /\\,;+]+)")
_LAST_WORD = re.compile("(?<=[a-z])[A-Z][a-z]*$")
_MICRO_MANAGER = re.compile(r"(.*/)?img_\d{9}_.+_\d{3}\.tiff?", re.IGNORECASE)
MAX_LISTED = 3  # files: more missing files are counted, not listed


@dataclass(frozen=True)
class NameField:
    """A part that differs between file names.

    Parameters
    ----------
    role
        Letter of the axis; empty if unknown.
    word
        The word before the part.
    values
        The distinct values as written, sorted.
    """

    role: str
    word: str
    values: tuple[str, ...]

    @property
    def numbered(self) -> bool:
        """Whether all values are numbers."""
        return all(value.isdecimal() for value in self.values)


@dataclass(frozen=True)
class FileGrid:
    """Files arranged along one or more axes.

    Parameters
    ----------
    files
        Array of paths with one axis per field.
    fields
        The fields, in the order of the axes.
    gaps
        Sentence that lists the skipped numbers; empty without any.
    """

    files: NDArray[Any]
    fields: tuple[NameField, ...]
    gaps: str = field(default="")


def arrange_files(pattern: Path, files: Sequence[Path]) -> FileGrid:
    """Arrange files by the numbers in their names.

    Parameters
    ----------
    pattern
        The pattern that matched the files, for messages.
    files
        Two or more files.

    Raises
    ------
    FileProblem
        If the axis of one of several numbers is unknown, or if a file is missing.

    Examples
    --------
    >>> from pathlib import Path
    >>> files = [Path(f"cells_t{t}_z{z:02}.tif") for z in (8, 9, 10) for t in (1, 2)]
    >>> grid = arrange_files(Path("cells_*.tif"), files)
    >>> [one.role for one in grid.fields], grid.files.shape, grid.files[1, 2].name
    (['T', 'Z'], (2, 3), 'cells_t2_z10.tif')
    """
    folder, names = relative_names(files)
    split = _split(pattern, files, names)
    places = [place for place in range(len(split[0])) if len({one[place] for one in split}) > 1]
    fields = [_field(pattern, split, place, names[0]) for place in places]
    known = [number for number, one in enumerate(fields) if one.role]
    if len(fields) > 1 and len(known) < len(fields):
        # A field such as a date is ignored if the known fields identify each file.
        identified = {tuple(parts[places[number]] for number in known) for parts in split}
        if not known or len(identified) < len(files):
            _refuse_unknown(pattern, folder, split[0], places, fields)
        fields, places = [fields[n] for n in known], [places[n] for n in known]
    roles = [one.role for one in fields]
    if len(fields) > 1 and len(set(roles)) < len(roles):
        repeated = next(n for n, role in enumerate(roles) if role in roles[:n])
        _refuse(
            pattern,
            folder,
            split[0],
            places,
            [repeated],
            f"two numbers stand for {roles[repeated]}",
        )
    order = sorted(range(len(fields)), key=lambda n: _ORDER.find(roles[n]))
    fields, places = [fields[n] for n in order], [places[n] for n in order]
    grid = np.full([len(one.values) for one in fields], None, object)
    for file, parts in zip(files, split, strict=True):
        where = tuple(_number(one, parts[place]) for one, place in zip(fields, places, strict=True))
        if grid[where] is not None:
            raise FileProblem(
                f"{pattern} matches {grid[where].name} and {file.name}, which have the same "
                "numbers; match fewer files"
            )
        grid[where] = file
    _refuse_missing(pattern, grid, fields, places, split[0])
    gaps = _gaps(fields[0]) if len(fields) == 1 else ""
    return FileGrid(grid, tuple(fields), gaps)


def natural_order(name: str) -> tuple[list[tuple[int, int, str]], str]:
    """Return a sort key that places frame 2 before frame 10.

    The name itself is part of the key, so that the order is unique.
    """
    parts = [
        (0, int(part), "") if part.isdecimal() else (1, 0, part.lower())
        for part in re.split(r"(\d+)", name)
    ]
    return parts, name


def relative_names(files: Sequence[Path]) -> tuple[Path, list[str]]:
    """Return the common folder of files, and their paths relative to it.

    Examples
    --------
    >>> from pathlib import Path
    >>> relative_names([Path("a/Pos0/1.tif"), Path("a/Pos1/1.tif")])[1]
    ['Pos0/1.tif', 'Pos1/1.tif']
    """
    folder = Path(os.path.commonpath([file.parent for file in files]))
    return folder, [file.relative_to(folder).as_posix() for file in files]


def _split(pattern: Path, files: Sequence[Path], names: list[str]) -> list[list[str]]:
    """Split names into parts that correspond to each other."""
    words = [_SEPARATORS.split(name) for name in names]
    for file, one in zip(files, words, strict=True):
        same_form = len(one) == len(words[0]) and one[1::2] == words[0][1::2]
        if not same_form or one[-1] != words[0][-1]:
            raise FileProblem(
                f"{pattern} matches {files[0].name} and {file.name}, which are numbered "
                "differently; match fewer files"
            )
    parts: list[list[str]] = [[] for _ in names]
    for place in range(len(words[0])):
        column = [one[place] for one in words]
        cut = [re.split(r"(\d+)", word) for word in column]
        # Words that differ in more than their numbers are names, such as DAPI and Cy5.
        same_form = len({tuple(one[0::2]) for one in cut}) == 1
        for number, word in enumerate(column):
            parts[number] += cut[number] if same_form else [word]
    return parts


def _field(pattern: Path, split: list[list[str]], place: int, name: str) -> NameField:
    """Describe the part at `place`: its values, and its axis from the word before it."""
    values = sorted({one[place] for one in split}, key=natural_order)
    numbered = all(value.isdecimal() for value in values)
    if numbered and len({int(value) for value in values}) < len(values):
        raise FileProblem(
            f"{pattern} matches files with the numbers {', '.join(values[:4])}, some of which "
            "are equal; match fewer files"
        )
    word = ""
    for part in reversed(split[0][:place]):
        if letters := re.search(r"([^\W\d_]+)[^\w]*$", part):
            word = letters[1]
            if word.lower() not in _AXIS_OF_WORD and (last := _LAST_WORD.search(word)):
                word = last[0]  # imgCh, ScanZ
            word = word.lower()
            break
        if any(letter.isdecimal() for letter in part):
            break
    role = _AXIS_OF_WORD.get(word, "") if numbered else "C"
    if numbered and not role and _MICRO_MANAGER.fullmatch(name):
        folders = [number for number, part in enumerate(split[0]) if "/" in part]
        before = split[0][folders[-1] if folders else 0 : place]
        role = "Z" if any(part.isdecimal() for part in before) else "T"
    return NameField(role, word, tuple(values))


def _number(one: NameField, value: str) -> int:
    return one.values.index(value)


def _refuse_unknown(
    pattern: Path, folder: Path, parts: list[str], places: list[int], fields: list[NameField]
) -> None:
    """Raise a :class:`FileProblem` for a number whose axis is unknown."""
    unknown = [number for number, one in enumerate(fields) if not one.role]
    one = fields[unknown[0]]
    where = f"after {one.word!r}" if one.word else "at the beginning"
    values = ", ".join(one.values[:MAX_LISTED]) + (" …" if len(one.values) > MAX_LISTED else "")
    reason = f"the axis of the number {where} ({values}) is unknown"
    fixed = unknown[:-1] if len(unknown) == len(fields) else unknown  # one field may have no word
    _refuse(pattern, folder, parts, places, fixed, reason)


def _refuse(
    pattern: Path, folder: Path, parts: list[str], places: list[int], fixed: list[int], reason: str
) -> None:
    """Raise a :class:`FileProblem` that suggests a pattern in which some numbers are fixed."""
    stars = {place for number, place in enumerate(places) if number not in fixed}
    name = "".join("*" if place in stars else part for place, part in enumerate(parts))
    raise FileProblem(
        f"{pattern} matches files in which several numbers differ, and {reason}; fix it, as "
        f"in {str(folder / name)!r}, or put t, z, c or p before it"
    )


def _refuse_missing(
    pattern: Path,
    grid: NDArray[Any],
    fields: Sequence[NameField],
    places: Sequence[int],
    parts: Sequence[str],
) -> None:
    """Raise a :class:`FileProblem` that lists missing combinations of the numbers."""
    missing = []
    for where in np.argwhere(grid == None):  # noqa: E711 - element by element
        name = [*parts]
        for one, place, number in zip(fields, places, where, strict=True):
            name[place] = one.values[number]
        missing.append("".join(name))
    if missing:
        more = f" and {len(missing) - MAX_LISTED} more" if len(missing) > MAX_LISTED else ""
        verb = "are" if len(missing) > 1 else "is"
        raise FileProblem(
            f"{pattern} matches {grid.size - len(missing)} of {grid.size} files: "
            f"{', '.join(missing[:MAX_LISTED])}{more} {verb} missing; add them, or match fewer"
        )


def _gaps(one: NameField) -> str:
    """Return a sentence that lists skipped numbers; empty if all steps are equal."""
    if not one.numbered:
        return ""
    numbers = [int(value) for value in one.values]
    steps = np.diff(numbers)
    step = int(np.gcd.reduce(steps))
    absent = sorted({*range(numbers[0], numbers[-1], step)} - {*numbers})[: MAX_LISTED + 1]
    if not absent:
        return ""
    more = " …" if len(absent) > MAX_LISTED else ""
    return f"The numbers are not consecutive: no {', '.join(map(str, absent[:MAX_LISTED]))}{more}."
