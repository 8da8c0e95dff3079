"""Translate the errors of file readers into errors of this package.

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
from napari_dip.image.lazy import ChunkedArray
from napari_dip.plaintext import shortened

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = [
    "ALWAYS_ALLOWED_BYTES",
    "READABLE_FORMATS",
    "FileArray",
    "check_name",
    "read_small",
    "refuse_special_file",
    "refuse_too_large",
    "translate_read_errors",
]

READABLE_FORMATS = "TIFF, OME-TIFF, OME-Zarr, PNG, JPEG, BMP, and by bioio CZI, ND2 and more"
"""The formats that can be read, for error messages."""

ALWAYS_ALLOWED_BYTES = 2**26
"""Bytes: allocations up to this size are not compared with the free memory."""

_BAD_NAME_ERRORS = {errno.ENAMETOOLONG, errno.ELOOP, errno.ENOTDIR, errno.EINVAL}

_SPECIAL_FILES = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


@contextmanager
def translate_read_errors(path: Path) -> Iterator[None]:
    """Turn any error of a reader into a :class:`FileProblem` that names the file and the cure.

    Errors of this package and ``KeyboardInterrupt`` pass unchanged.

    Parameters
    ----------
    path
        The file that the body reads.

    Examples
    --------
    >>> from pathlib import Path
    >>> with translate_read_errors(Path("cells.tif")):
    ...     1 / 0
    Traceback (most recent call last):
    napari_dip.errors.FileProblem: cells.tif is damaged or incomplete (ZeroDivisionError: ...
    """
    try:
        yield
    except NapariDipError:
        raise
    except Exception as error:
        raise FileProblem(f"{path} {_describe_error(path, error)}") from error


def refuse_special_file(path: Path) -> None:
    """Refuse pipes, sockets and devices, which may never end or never begin.

    Raises
    ------
    FileProblem
        If `path` is one of these. A path that does not exist passes.
    """
    try:
        kind = stat.S_IFMT(path.stat().st_mode)
    except (OSError, ValueError):  # opening it reports the error
        return
    if kind in _SPECIAL_FILES:
        raise FileProblem(
            f"{path} is {_SPECIAL_FILES[kind]}, not a file; save the data as a file first"
        )


def check_name(path: Path) -> None:
    """Check that a file of this name can exist, whether or not it does.

    Raises
    ------
    FileProblem
        If the name is too long or not allowed, or if a folder on the way cannot be searched.
    """
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise FileProblem(
            f"{shortened(path)} cannot be opened ({reason}); check the name and the folder"
        ) from error


def read_small(path: Path, most: int = 2**24) -> bytes:
    """Read a settings file of limited size.

    Parameters
    ----------
    path
        The file.
    most
        Largest number of bytes that are accepted.

    Raises
    ------
    FileProblem
        If the file cannot be read, is a pipe or a device, or is larger than `most`.
    """
    check_name(path)
    refuse_special_file(path)
    with translate_read_errors(path), path.open("rb") as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise FileProblem(f"{path} is larger than {most >> 20} MiB; give a settings file")
    return content


def refuse_too_large(path: Path, needed: int, what: str = "the image") -> None:
    """Check that an allocation fits into the free memory.

    Parameters
    ----------
    path
        The file, for the message.
    needed
        Size of the allocation in bytes.
    what
        What is allocated, for the message.

    Raises
    ------
    FileProblem
        If `needed` exceeds the free memory.
    """
    if needed <= ALWAYS_ALLOWED_BYTES:
        return
    free = psutil.virtual_memory().available
    if needed > free:
        raise FileProblem(
            f"{path} needs {needed / 2**30:.1f} GiB at once for {what}, and "
            f"{free / 2**30:.1f} GiB of memory are free; if the file is not damaged, save it "
            "as OME-Zarr or in smaller parts"
        )


class FileArray(ChunkedArray):
    """Wrap a zarr or dask array in a file, so that read errors name the file.

    Parameters
    ----------
    array
        Open for reading.
    path
        The file or folder that error messages name.
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
        """Refuse a wrong index, and a read that exceeds the free memory.

        Raises
        ------
        IndexError
            If the index is out of range. The file is not damaged then.
        FileProblem
            If the result needs more memory than is free.
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
        refuse_too_large(self._path, values * self.dtype.itemsize, "the part to read")


def _describe_error(path: Path, error: Exception) -> str:
    """Return the end of a sentence that begins with the file name: the problem and its cure."""
    message = shortened(error)
    match error:
        case FileNotFoundError() if not _exists(path):
            return "does not exist; check the name and the folder"
        case IsADirectoryError():
            return (
                f"is a folder but not a zarr; give a file, or a pattern for several: '{path}/*.tif'"
            )
        case PermissionError():
            return "cannot be read; ask for permission to read it"
        case OSError(errno=number) if number in _BAD_NAME_ERRORS:
            return f"cannot be opened ({error.strerror}); check the name and the folder"
        case UnidentifiedImageError():
            if not path.stat().st_size:
                return "is empty; copy it again from its source"
            return f"is in no format that can be read ({READABLE_FORMATS}); save it in one of these"
        case MemoryError():
            more = f" ({message})" if message else ""
            return (
                f"needs more memory than is available{more}; close other programs, or save a part"
            )
        case ImportError():
            return _NEEDS_IMAGECODECS
        case _ if "imagecodecs" in message and "requires" in message:
            return _NEEDS_IMAGECODECS
    detail = f"{type(error).__name__}: {message}" if message else type(error).__name__
    return f"is damaged or incomplete ({detail}); copy it again from its source"


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


_NEEDS_IMAGECODECS = (
    "has a compression that needs another package: pip install imagecodecs, or save the file "
    "uncompressed"
)
