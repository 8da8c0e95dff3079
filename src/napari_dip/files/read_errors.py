"""Where files are read: whatever a reader raises over bad bytes becomes an error of our own.

Code that opens a file, or reads its values later, runs inside :func:`translate_read_errors`. The
original error is kept as the cause, so that a traceback still shows a programming error.
"""

from __future__ import annotations

import errno
import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psutil
from PIL import UnidentifiedImageError

from napari_dip.errors import FileProblem, NapariDipError
from napari_dip.image.lazy import Pieces
from napari_dip.plaintext import shortened

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = [
    "READABLE_FORMATS",
    "SMALL",
    "FileArray",
    "check_name",
    "read_small",
    "refuse_special_file",
    "refuse_too_large",
    "translate_read_errors",
]

READABLE_FORMATS = "TIFF, OME-TIFF, OME-Zarr, PNG, JPEG, BMP, and by bioio CZI, ND2 and more"
"""The formats that are read here."""

SMALL = 2**26
"""Bytes for which nobody asks how much memory is free."""

_BAD_NAME = {errno.ENAMETOOLONG, errno.ELOOP, errno.ENOTDIR, errno.EINVAL}

_SPECIAL = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


@contextmanager
def translate_read_errors(path: Path) -> Iterator[None]:
    """Turn any error of a reader into :class:`FileProblem`, which names the file and the cure.

    Errors of our own pass through, and so does Ctrl-C.

    Parameters
    ----------
    path
        The file that is read in the body.

    Examples
    --------
    >>> from pathlib import Path
    >>> with translate_read_errors(Path("cells.tif")):
    ...     1 / 0
    Traceback (most recent call last):
    napari_dip.errors.FileProblem: cells.tif is damaged or was cut short (ZeroDivisionError: ...
    """
    try:
        yield
    except NapariDipError:
        raise
    except Exception as error:
        raise FileProblem(f"{path} {_what_is_wrong(path, error)}") from error


def refuse_special_file(path: Path) -> None:
    """Refuse pipes, sockets and devices, which may have no end or never begin.

    Raises
    ------
    FileProblem
        If `path` is one of these; what is not there at all passes.
    """
    try:
        kind = stat.S_IFMT(path.stat().st_mode)
    except (OSError, ValueError):  # whoever opens it says what is wrong
        return
    if kind in _SPECIAL:
        raise FileProblem(f"{path} is {_SPECIAL[kind]} and no file; save the data as a file first")


def check_name(path: Path) -> None:
    """Make sure that there can be a file of that name, whether or not there is one.

    Raises
    ------
    FileProblem
        If the name is too long, holds what no name may hold, or leads through a closed folder.
    """
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise FileProblem(
            f"{shortened(path)} cannot be opened ({why}); check the name and the folder"
        ) from error


def read_small(path: Path, most: int = 2**24) -> bytes:
    """Read a file of settings, which is no larger than it may be.

    Raises
    ------
    FileProblem
        If it cannot be read, is a pipe or a device, or has more than so many bytes.
    """
    check_name(path)
    refuse_special_file(path)
    with translate_read_errors(path), path.open("rb") as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise FileProblem(f"{path} has more than {most >> 20} MiB; name a file of settings")
    return content


def refuse_too_large(path: Path, needed: int, what: str = "the image") -> None:
    """Make sure that so many bytes can be allocated.

    Raises
    ------
    FileProblem
        If more is needed than is free.
    """
    if needed <= SMALL:
        return
    free = psutil.virtual_memory().available
    if needed > free:
        raise FileProblem(
            f"{path} says that {what} takes {needed / 2**30:.1f} GiB at once, and "
            f"{free / 2**30:.1f} GiB of memory are free; if it is not damaged, save it as OME-Zarr "
            "or in smaller parts"
        )


class FileArray(Pieces):
    """An array in a file, of zarr or dask: errors in reading it name the file.

    Parameters
    ----------
    array
        Open for reading.
    path
        The file or folder to name.
    """

    def __init__(self, array: Any, path: Path) -> None:
        super().__init__(array)
        self._path = path

    def __getitem__(self, index: Any, /) -> Any:
        parts = index if isinstance(index, tuple) else (index,)
        if Ellipsis not in [part for part in parts if not hasattr(part, "shape")]:
            self._check(parts)
        with translate_read_errors(self._path):
            return super().__getitem__(index)

    def _check(self, parts: tuple[Any, ...]) -> None:
        """Refuse an index that the caller has wrong, and more than fits into the memory.

        Raises
        ------
        IndexError
            If the index is outside: it is not the file that is damaged.
        FileProblem
            If what is asked for takes more memory than is free.
        """
        if len(parts) > self.ndim:
            raise IndexError(f"{len(parts)} indices for an array of {self.ndim} axes")
        values = 1
        for axis, size in enumerate(self.shape):
            part = parts[axis] if axis < len(parts) else slice(None)
            if isinstance(part, slice):
                values *= len(range(size)[part])
            elif isinstance(part, int) and not -size <= part < size:
                raise IndexError(f"index {part} is outside axis {axis}, which has {size} values")
        refuse_too_large(self._path, values * self.dtype.itemsize, "the part that is read")


def _what_is_wrong(path: Path, error: Exception) -> str:
    """Say in one sentence, after the name of the file, what is wrong and what to do."""
    said = shortened(error)
    match error:
        case FileNotFoundError() if not _exists(path):
            return "does not exist; check the name and the folder"
        case IsADirectoryError():
            return f"is a folder and no zarr; name a file, or several by a pattern: '{path}/*.tif'"
        case PermissionError():
            return "may not be read; ask for its permissions"
        case OSError(errno=number) if number in _BAD_NAME:
            return f"cannot be opened ({error.strerror}); check the name and the folder"
        case UnidentifiedImageError():
            if not path.stat().st_size:
                return "is empty; copy it again from its source"
            return (
                f"is no image that can be read here ({READABLE_FORMATS}); save it as one of these"
            )
        case MemoryError():
            more = f" ({said})" if said else ""
            return f"takes more memory than there is{more}; close other programs, or save a part"
        case ImportError():
            return _NEEDS_IMAGECODECS
        case _ if "imagecodecs" in said and "requires" in said:
            return _NEEDS_IMAGECODECS
    why = f"{type(error).__name__}: {said}" if said else type(error).__name__
    return f"is damaged or was cut short ({why}); copy it again from its source"


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


_NEEDS_IMAGECODECS = (
    "is compressed in a way that needs another package: pip install imagecodecs, or save the file "
    "uncompressed"
)
