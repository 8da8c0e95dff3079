"""Files and folders that are there whole or not at all, after a kill and after a power cut."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

from napari_dip.errors import FileProblem, NapariDipError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = [
    "UNFINISHED",
    "disk_problems",
    "force_to_disk",
    "put_in_place",
    "renamed_when_whole",
    "write_whole",
]

UNFINISHED = ".partial"
"""How the name of a file ends until it is whole, here and by zarr."""


def force_to_disk(path: Path) -> None:
    """Return when a file, or the list of files in a folder, would survive a power cut."""
    if os.name != "posix" and path.is_dir():
        return  # Windows opens no folders, and keeps their lists by itself
    handle = os.open(path, os.O_RDONLY if os.name == "posix" else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_whole(path: Path, content: bytes) -> None:
    """Write a small file that is there whole or not at all, even after a kill or a power cut."""
    partial = path.with_name(f"{path.name}.{os.getpid()}{UNFINISHED}")
    try:
        partial.write_bytes(content)
        force_to_disk(partial)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    force_to_disk(path.parent)


@contextmanager
def put_in_place(path: Path) -> Iterator[Path]:
    """Give a folder to fill, and put it under the name of `path` when that is done."""
    path = path.resolve()  # a link stays a link
    hidden, old = (path.with_name(f".{path.name}.{what}") for what in ("part", "old"))
    shutil.rmtree(hidden, ignore_errors=True)
    try:
        yield hidden
        for made in (hidden, *hidden.rglob("*")):
            force_to_disk(made)
        if path.exists():
            shutil.rmtree(old, ignore_errors=True)
            path.rename(old)
        hidden.rename(path)
        force_to_disk(path.parent)
        shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(hidden, ignore_errors=True)


@contextmanager
def disk_problems(path: Path, cure: str = "make room, or choose another disk") -> Iterator[None]:
    """Say in one sentence why nothing can be written to `path`, and what to do."""
    try:
        yield
    except (FileNotFoundError, NotADirectoryError, PermissionError) as error:
        raise FileProblem(
            f"{path} may not be written to ({error.strerror or error}); check the name and the "
            "permissions, or choose another folder"
        ) from error
    except OSError as error:
        raise NapariDipError(
            f"{path} could not be written: {error.strerror or error}; {cure}"
        ) from error


@contextmanager
def renamed_when_whole(path: Path) -> Iterator[Path]:
    """Give a file to write, and put it under the name of `path` when that is done."""
    target = path.resolve()  # a link stays a link
    partial = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        yield partial
        partial.replace(target)
    except OSError as error:
        raise NapariDipError(f"{path} could not be written: {error.strerror or error}") from error
    finally:
        partial.unlink(missing_ok=True)
