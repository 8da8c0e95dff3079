"""Write files and folders atomically: complete or absent after a kill or a power failure."""

from __future__ import annotations

import errno
import os
import re
import shutil
import stat
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from napari_dip.errors import FileProblem, NapariDipError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "PARTIAL_SUFFIX",
    "SiblingKind",
    "atomic_file",
    "check_writable",
    "complete_swap",
    "filled_folder",
    "hidden_sibling",
    "resolve_links",
    "swap_folder",
    "sync_to_disk",
    "translate_disk_errors",
    "write_atomically",
]

PARTIAL_SUFFIX = ".partial"
"""Suffix of a file until it is complete, here and in zarr."""

SiblingKind = Literal["part", "new", "old", "lock"]
"""Purpose of a hidden file or folder beside a target.

``part`` is an incomplete file or folder, ``new`` a result that grows while the old one is kept,
``old`` the replaced result, and ``lock`` marks that a run writes to the target.
"""

_SYNC_UNSUPPORTED = {errno.EINVAL, errno.ENOTSUP, errno.ENOSYS}
"""Errors of file systems without ``fsync``, such as some network drives."""

_WINDOWS_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)
_WINDOWS_FORBIDDEN = re.compile(r'[<>:"|?*\x00-\x1f]|[. ]$')


def resolve_links(path: Path) -> Path:
    """Follow all links. A path whose links form a loop is returned unchanged."""
    return Path(os.path.realpath(path))


def hidden_sibling(path: Path, kind: SiblingKind) -> Path:
    """Return the hidden path beside a target; for a link, beside its destination.

    Examples
    --------
    >>> hidden_sibling(Path("/data/cells.tif"), "part").name
    '.cells.tif.napari-dip-part'
    """
    path = resolve_links(path)
    return path.with_name(f".{path.name}.napari-dip-{kind}")


def check_writable(path: Path, *, windows: bool = os.name == "nt") -> None:
    """Check that a file or folder can be created, by creating and removing a test file.

    Parameters
    ----------
    path
        The path to write. Nothing is left behind, and an existing file is unchanged.
    windows
        Whether to refuse the names that Windows reserves.

    Raises
    ------
    FileProblem
        If the folder is missing or not writable, if the name is too long or not allowed, or if it
        belongs to a device, a pipe or a broken link.
    """
    if windows and (_WINDOWS_RESERVED.match(path.name) or _WINDOWS_FORBIDDEN.search(path.name)):
        raise FileProblem(f"{path}: Windows does not allow this name; choose another name")
    if not path.parent.is_dir():
        raise FileProblem(f"the folder {path.parent} does not exist; create it first")
    if os.path.islink(path):
        try:
            path.stat()
        except OSError as error:
            raise FileProblem(
                f"{path} is a broken link ({error.strerror}); remove it, or choose another name"
            ) from None
    target, test_file = resolve_links(path), _partial_path(path)
    try:
        mode = _mode(target)
        os.close(os.open(test_file, os.O_WRONLY | os.O_CREAT, 0o666))
        test_file.unlink()
    except OSError as error:
        reason = error.strerror or str(error)
        if error.errno == errno.ENAMETOOLONG:
            raise FileProblem(
                f"{path}: the name is too long; shorten it to at most "
                f"{_max_name_bytes(target)} bytes"
            ) from None
        raise FileProblem(
            f"the folder {target.parent} is not writable ({reason}); choose another folder"
        ) from None
    if mode is not None and not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise FileProblem(f"{path} is a pipe or a device, not a file; choose another name")
    if mode is not None and not os.access(target, os.W_OK):
        raise FileProblem(f"{path} is write-protected; choose another name")


def _partial_path(path: Path) -> Path:
    """Return the path of the incomplete file that this process writes."""
    hidden = hidden_sibling(path, "part")
    return hidden.with_name(f"{hidden.name}{os.getpid()}")


def _mode(path: Path) -> int | None:
    try:
        return path.lstat().st_mode
    except FileNotFoundError:
        return None


def _max_name_bytes(path: Path) -> int:
    """Return the largest length of a name whose hidden siblings are still allowed."""
    try:
        limit = os.pathconf(path.parent, "PC_NAME_MAX")
    except (OSError, AttributeError, ValueError):
        limit = 255
    return limit - len(_partial_path(path).name) + len(path.name)


def sync_to_disk(path: Path) -> None:
    """Flush a file, or the entries of a folder, to the disk."""
    if os.name != "posix" and path.is_dir():
        return  # Windows cannot open folders, and writes their entries itself
    handle = os.open(path, os.O_RDONLY if os.name == "posix" else os.O_RDWR)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in _SYNC_UNSUPPORTED:
            raise
    finally:
        os.close(handle)


def write_atomically(path: Path, content: bytes) -> None:
    """Write a small file that is complete or absent, even after a kill or a power failure."""
    partial = path.with_name(f"{path.name}.{os.getpid()}{PARTIAL_SUFFIX}")
    try:
        partial.write_bytes(content)
        sync_to_disk(partial)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    sync_to_disk(path.parent)


@contextmanager
def filled_folder(path: Path, name: Path | None = None) -> Iterator[Path]:
    """Provide a folder to fill, and move it to `path` when the body succeeds.

    Parameters
    ----------
    path
        The target folder. An existing one is kept until the new one is complete.
    name
        The folder to fill; ``None`` is a hidden one beside `path`.

    Yields
    ------
    Path
        The folder to fill, which does not exist yet.
    """
    path = resolve_links(path)  # a link stays a link
    hidden = hidden_sibling(path, "part") if name is None else name
    _remove(hidden)
    try:
        yield hidden
        for made in (hidden, *hidden.rglob("*")):
            sync_to_disk(made)
        swap_folder(hidden, path)
    finally:
        _remove(hidden)


def swap_folder(new: Path, path: Path) -> None:
    """Replace a folder by a complete one, then remove the old one.

    A kill between the two renames leaves both folders under hidden names;
    :func:`complete_swap` repairs this.
    """
    path, old = resolve_links(path), hidden_sibling(path, "old")
    if path.exists():
        _remove(old)
        path.rename(old)
    try:
        new.rename(path)
    except OSError:
        if old.exists() and not path.exists():
            old.rename(path)
        raise
    sync_to_disk(path.parent)
    _remove(old)


def complete_swap(path: Path) -> None:
    """Complete a :func:`swap_folder` that was killed. No other process may write meanwhile."""
    path, old = resolve_links(path), hidden_sibling(path, "old")
    if path.exists():
        _remove(old)
    elif old.exists():
        old.rename(path)
        sync_to_disk(path.parent)


def _remove(path: Path) -> None:
    """Remove a file or folder of this package, if possible."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink(missing_ok=True)


@contextmanager
def translate_disk_errors(
    path: Path, cure: str = "make room, or choose another disk"
) -> Iterator[None]:
    """Turn an ``OSError`` of the body into one sentence with the reason and the cure.

    Parameters
    ----------
    path
        The output.
    cure
        What to do when the disk fails.
    """
    try:
        yield
    except (FileNotFoundError, NotADirectoryError, PermissionError) as error:
        raise FileProblem(
            f"{path} cannot be written ({error.strerror or error}); check the name and the "
            "permissions, or choose another folder"
        ) from error
    except (IsADirectoryError, FileExistsError) as error:
        raise FileProblem(
            f"{path} could not be written ({error.strerror}: {error.filename}); move that "
            "file, or choose another name"
        ) from error
    except OSError as error:
        raise NapariDipError(
            f"{path} could not be written: {error.strerror or error}; {cure}"
        ) from error


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Provide a file to write, and rename it to `path` when the body succeeds.

    Yields
    ------
    Path
        The incomplete file, in the same folder.
    """
    target = resolve_links(path)  # a link stays a link
    partial = _partial_path(path)
    try:
        yield partial
        partial.replace(target)
    except OSError as error:
        raise NapariDipError(f"{path} could not be written: {error.strerror or error}") from error
    finally:
        partial.unlink(missing_ok=True)
