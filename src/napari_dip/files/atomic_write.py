"""Files and folders that are there whole or not at all, after a kill and after a power cut."""

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
"""How the name of a file ends until it is whole, here and by zarr."""

SiblingKind = Literal["part", "new", "old", "lock"]
"""What a hidden name beside a target is for.

``part`` is a file or folder that is being made, ``new`` a result that grows while the old one
stays, ``old`` what has just been replaced, and ``lock`` says that a run writes there.
"""

_NOT_SYNCED = {errno.EINVAL, errno.ENOTSUP, errno.ENOSYS}
"""What file systems say that cannot be told to write to the disk: some of the network."""

_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)
_FORBIDDEN = re.compile(r'[<>:"|?*\x00-\x1f]|[. ]$')


def resolve_links(path: Path) -> Path:
    """Follow all links; a path that leads in circles stays as it is."""
    return Path(os.path.realpath(path))


def hidden_sibling(path: Path, what: SiblingKind) -> Path:
    """Name the hidden neighbour of a target; of a link, that of what it leads to.

    Examples
    --------
    >>> hidden_sibling(Path("/data/cells.tif"), "part").name
    '.cells.tif.napari-dip-part'
    """
    path = resolve_links(path)
    return path.with_name(f".{path.name}.napari-dip-{what}")


def check_writable(path: Path, *, windows: bool = os.name == "nt") -> None:
    """Make sure, by trying it, that a file or folder can be made under a name.

    Parameters
    ----------
    path
        What will be written. Nothing is left behind; what is there stays as it is.
    windows
        Whether the names that Windows keeps for itself are refused.

    Raises
    ------
    FileProblem
        If the folder is missing or closed, the name is too long or not allowed, or a device, a
        pipe or a link that leads nowhere bears it.
    """
    if windows and (_RESERVED.match(path.name) or _FORBIDDEN.search(path.name)):
        raise FileProblem(f"{path}: Windows allows no file of that name; choose another one")
    if not path.parent.is_dir():
        raise FileProblem(f"the folder {path.parent} does not exist; make it first")
    if os.path.islink(path):
        try:
            path.stat()
        except OSError as error:
            raise FileProblem(
                f"{path} is a link that leads nowhere ({error.strerror}); remove it, or choose "
                "another name"
            ) from None
    target, trial = resolve_links(path), _partial(path)
    try:
        there = _mode(target)
        os.close(os.open(trial, os.O_WRONLY | os.O_CREAT, 0o666))
        trial.unlink()
    except OSError as error:
        words = error.strerror or str(error)
        if error.errno == errno.ENAMETOOLONG:
            raise FileProblem(
                f"{path}: the name is too long; shorten it to {_longest(target)} bytes or fewer"
            ) from None
        raise FileProblem(
            f"the folder {target.parent} may not be written to ({words}); choose another"
        ) from None
    if there is not None and not (stat.S_ISREG(there) or stat.S_ISDIR(there)):
        raise FileProblem(f"{path} is a pipe or a device, not a file; choose another name")
    if there is not None and not os.access(target, os.W_OK):
        raise FileProblem(f"{path} is write-protected; choose another name")


def _partial(path: Path) -> Path:
    """Name the file that a process fills before it bears the name of `path`."""
    hidden = hidden_sibling(path, "part")
    return hidden.with_name(f"{hidden.name}{os.getpid()}")


def _mode(path: Path) -> int | None:
    try:
        return path.lstat().st_mode
    except FileNotFoundError:
        return None


def _longest(path: Path) -> int:
    """Tell how long a name may be for its hidden neighbours to be allowed, too."""
    try:
        limit = os.pathconf(path.parent, "PC_NAME_MAX")
    except (OSError, AttributeError, ValueError):
        limit = 255
    return limit - len(_partial(path).name) + len(path.name)


def sync_to_disk(path: Path) -> None:
    """Return when a file, or the list of files in a folder, would survive a power cut."""
    if os.name != "posix" and path.is_dir():
        return  # Windows opens no folders, and keeps their lists by itself
    handle = os.open(path, os.O_RDONLY if os.name == "posix" else os.O_RDWR)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in _NOT_SYNCED:
            raise
    finally:
        os.close(handle)


def write_atomically(path: Path, content: bytes) -> None:
    """Write a small file that is there whole or not at all, even after a kill or a power cut."""
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
    """Give a folder to fill, and put it under the name of `path` when that is done.

    Parameters
    ----------
    path
        The folder. What is there stays until the new one is whole.
    name
        Of the folder to fill, if it is not the one beside `path`.
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
    """Put a folder that is whole in the place of another, and then remove the other.

    A kill between the two renamings leaves nothing under the name of `path`; both folders are
    there, and :func:`complete_swap` puts this right.
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
    """Remove a folder or a file of our own, as far as that can be done."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink(missing_ok=True)


@contextmanager
def translate_disk_errors(
    path: Path, cure: str = "make room, or choose another disk"
) -> Iterator[None]:
    """Say in one sentence why nothing can be written to `path`, and what to do."""
    try:
        yield
    except (FileNotFoundError, NotADirectoryError, PermissionError) as error:
        raise FileProblem(
            f"{path} may not be written to ({error.strerror or error}); check the name and the "
            "permissions, or choose another folder"
        ) from error
    except (IsADirectoryError, FileExistsError) as error:
        raise FileProblem(
            f"{path} could not be written ({error.strerror}: {error.filename}); move that "
            "elsewhere, or choose another name"
        ) from error
    except OSError as error:
        raise NapariDipError(
            f"{path} could not be written: {error.strerror or error}; {cure}"
        ) from error


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Give a file to write, and put it under the name of `path` when that is done."""
    target = resolve_links(path)  # a link stays a link
    partial = _partial(path)
    try:
        yield partial
        partial.replace(target)
    except OSError as error:
        raise NapariDipError(f"{path} could not be written: {error.strerror or error}") from error
    finally:
        partial.unlink(missing_ok=True)
