"""What is numbered in the names of files: time points, positions, planes, channels.

A name is cut at its separators and between letters and digits. The parts in which the names differ
are fields, and the word before a number says what it counts.
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

_WORDS = {
    "T": "t time timepoint timepoints tp frame frames fr sk",
    "Q": "p pos position xy s series f field fov site scene tile",
    "Z": "z slice plane sl zslice zplane",
    "C": "c ch chan channel w wv wavelength lambda",
}
_ROLES = {word: letter for letter, words in _WORDS.items() for word in words.split()}
_ORDER = "QTZC"  # planes of a channel lie as ImageJ has them
_SEPARATORS = re.compile(r"([_\-. /\\,;+]+)")
_LAST_WORD = re.compile("(?<=[a-z])[A-Z][a-z]*$")
_MICRO_MANAGER = re.compile(r"(.*/)?img_\d{9}_.+_\d{3}\.tiff?", re.IGNORECASE)
_LISTED = 3  # missing files that are named


@dataclass(frozen=True)
class NameField:
    """A part in which names differ.

    ``role`` is the letter of its axis, empty where it is not known; ``word`` the word before it.
    ``values`` are those that occur, as they are written, in their order.
    """

    role: str
    word: str
    values: tuple[str, ...]

    @property
    def numbered(self) -> bool:
        """Whether it is a number."""
        return all(value.isdecimal() for value in self.values)


@dataclass(frozen=True)
class FileGrid:
    """Files along one axis or several.

    ``files`` has an axis for each of ``fields``. ``gaps`` says which numbers are left out.
    """

    files: NDArray[Any]
    fields: tuple[NameField, ...]
    gaps: str = field(default="")


def arrange_files(pattern: Path, files: Sequence[Path]) -> FileGrid:
    """Arrange files by what is numbered in their names.

    Parameters
    ----------
    pattern
        That names them, for messages.
    files
        Two or more.

    Raises
    ------
    FileProblem
        If it is not known what one of several numbers counts, or if a file is missing.

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
        # A date, say, goes along with the numbers that say which file it is.
        told = {tuple(parts[places[number]] for number in known) for parts in split}
        if not known or len(told) < len(files):
            _refuse_unknown(pattern, folder, split[0], places, fields)
        fields, places = [fields[n] for n in known], [places[n] for n in known]
    roles = [one.role for one in fields]
    if len(fields) > 1 and len(set(roles)) < len(roles):
        twice = next(n for n, role in enumerate(roles) if role in roles[:n])
        _refuse(pattern, folder, split[0], places, [twice], f"two numbers count {roles[twice]}")
    order = sorted(range(len(fields)), key=lambda n: _ORDER.find(roles[n]))
    fields, places = [fields[n] for n in order], [places[n] for n in order]
    grid = np.full([len(one.values) for one in fields], None, object)
    for file, parts in zip(files, split, strict=True):
        where = tuple(_number(one, parts[place]) for one, place in zip(fields, places, strict=True))
        if grid[where] is not None:
            raise FileProblem(
                f"{pattern} names {grid[where].name} and {file.name}, which have the same numbers; "
                "name fewer files"
            )
        grid[where] = file
    _refuse_missing(pattern, grid, fields, places, split[0])
    gaps = _gaps(fields[0]) if len(fields) == 1 else ""
    return FileGrid(grid, tuple(fields), gaps)


def natural_order(name: str) -> tuple[list[tuple[int, int, str]], str]:
    """Sort frame 2 before frame 10; no two names are equal, so a set has one order."""
    parts = [
        (0, int(part), "") if part.isdecimal() else (1, 0, part.lower())
        for part in re.split(r"(\d+)", name)
    ]
    return parts, name


def relative_names(files: Sequence[Path]) -> tuple[Path, list[str]]:
    """Return the folder that files share, and their names from there on.

    Examples
    --------
    >>> from pathlib import Path
    >>> relative_names([Path("a/Pos0/1.tif"), Path("a/Pos1/1.tif")])[1]
    ['Pos0/1.tif', 'Pos1/1.tif']
    """
    folder = Path(os.path.commonpath([file.parent for file in files]))
    return folder, [file.relative_to(folder).as_posix() for file in files]


def _split(pattern: Path, files: Sequence[Path], names: list[str]) -> list[list[str]]:
    """Cut names into parts that correspond to each other."""
    words = [_SEPARATORS.split(name) for name in names]
    for file, one in zip(files, words, strict=True):
        alike = len(one) == len(words[0]) and one[1::2] == words[0][1::2]
        if not alike or one[-1] != words[0][-1]:
            raise FileProblem(
                f"{pattern} names {files[0].name} and {file.name}, which are not numbered in the "
                "same way; name fewer files"
            )
    parts: list[list[str]] = [[] for _ in names]
    for place in range(len(words[0])):
        column = [one[place] for one in words]
        cut = [re.split(r"(\d+)", word) for word in column]
        # Words that differ in more than their numbers are names: DAPI and Cy5.
        alike = len({tuple(one[0::2]) for one in cut}) == 1
        for number, word in enumerate(column):
            parts[number] += cut[number] if alike else [word]
    return parts


def _field(pattern: Path, split: list[list[str]], place: int, name: str) -> NameField:
    values = sorted({one[place] for one in split}, key=natural_order)
    numbered = all(value.isdecimal() for value in values)
    if numbered and len({int(value) for value in values}) < len(values):
        raise FileProblem(
            f"{pattern} names files with the numbers {', '.join(values[:4])}, of which some are "
            "the same; name fewer files"
        )
    word = ""
    for part in reversed(split[0][:place]):
        if letters := re.search(r"([^\W\d_]+)[^\w]*$", part):
            word = letters[1]
            if word.lower() not in _ROLES and (last := _LAST_WORD.search(word)):
                word = last[0]  # imgCh, ScanZ
            word = word.lower()
            break
        if any(letter.isdecimal() for letter in part):
            break
    role = _ROLES.get(word, "") if numbered else "C"
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
    unknown = [number for number, one in enumerate(fields) if not one.role]
    one = fields[unknown[0]]
    where = f"after {one.word!r}" if one.word else "at the beginning"
    values = ", ".join(one.values[:_LISTED]) + (" …" if len(one.values) > _LISTED else "")
    why = f"it is not known what the number {where} ({values}) counts"
    fixed = unknown[:-1] if len(unknown) == len(fields) else unknown  # one may be without a word
    _refuse(pattern, folder, parts, places, fixed, why)


def _refuse(
    pattern: Path, folder: Path, parts: list[str], places: list[int], fixed: list[int], why: str
) -> None:
    """Say what is wrong, and which pattern would do: one in which some numbers are fixed."""
    stars = {place for number, place in enumerate(places) if number not in fixed}
    name = "".join("*" if place in stars else part for place, part in enumerate(parts))
    raise FileProblem(
        f"{pattern} names files in which several numbers differ, and {why}; fix it, as in "
        f"{str(folder / name)!r}, or let the word before it be t, z, c or p"
    )


def _refuse_missing(
    pattern: Path,
    grid: NDArray[Any],
    fields: Sequence[NameField],
    places: Sequence[int],
    parts: Sequence[str],
) -> None:
    """Raise :class:`FileProblem` if not all numbers occur together, and name what is missing."""
    missing = []
    for where in np.argwhere(grid == None):  # noqa: E711 - element by element
        name = [*parts]
        for one, place, number in zip(fields, places, where, strict=True):
            name[place] = one.values[number]
        missing.append("".join(name))
    if missing:
        more = f" and {len(missing) - _LISTED} more" if len(missing) > _LISTED else ""
        what = "are" if len(missing) > 1 else "is"
        raise FileProblem(
            f"{pattern} names {grid.size - len(missing)} files, and {grid.size} are needed: "
            f"{', '.join(missing[:_LISTED])}{more} {what} missing; put all there, or name fewer"
        )


def _gaps(one: NameField) -> str:
    """Name the numbers that are left out; empty where all steps are the same."""
    if not one.numbered:
        return ""
    numbers = [int(value) for value in one.values]
    steps = np.diff(numbers)
    step = int(np.gcd.reduce(steps))
    absent = sorted({*range(numbers[0], numbers[-1], step)} - {*numbers})[: _LISTED + 1]
    if not absent:
        return ""
    more = " …" if len(absent) > _LISTED else ""
    return f"The numbers are not consecutive: no {', '.join(map(str, absent[:_LISTED]))}{more}."
