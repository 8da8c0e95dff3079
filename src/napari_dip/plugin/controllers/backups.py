"""Rename an earlier result before a new one replaces it, and update the layers that show it."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from napari.layers import Image, Labels

from napari_dip.errors import FileProblem
from napari_dip.plugin.models.mask_pixels import finest
from napari_dip.plugin.models.target import SUFFIX, reopen_result, uncertainty_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from napari.layers import Layer
    from napari.viewer import Viewer

__all__ = ["back_up", "backup_path", "folder_size", "is_displayed", "show_completed"]

MAX_COUNT_TIME_S = 0.5  # seconds: the files are counted in the main thread


def folder_size(*paths: Path) -> str:
    """Return the size of folders; "more than" where the count takes too long."""
    total, end = 0, time.monotonic() + MAX_COUNT_TIME_S
    for folder, _, names in chain.from_iterable(map(os.walk, set(paths))):
        for name in names:
            with suppress(OSError):  # the file was removed in the meantime
                total += os.lstat(os.path.join(folder, name)).st_size
        if time.monotonic() > end:
            return f"more than {_size_text(total)}"
    return _size_text(total)


def backup_path(path: Path) -> Path:
    """Return the new name for an earlier result; neither it nor its uncertainty exists.

    Examples
    --------
    >>> backup_path(Path("no-such-folder/cells.ome.zarr")).name
    'cells.old-1.ome.zarr'
    """
    stem, number = path.name.removesuffix(SUFFIX), 1
    while True:
        free = path.with_name(f"{stem}.old-{number}{SUFFIX}")
        if not free.exists() and not uncertainty_path(free).exists():
            return free
        number += 1


def back_up(viewer: Viewer, path: Path) -> Path:
    """Rename a result and its uncertainty, and update the layers that show them.

    An unfinished run that would have replaced them gets the next free name.

    Raises
    ------
    FileProblem
        If a layer that reads the folder cannot be reopened, or the folder cannot be renamed.
    """
    from napari_dip.files.atomic_write import complete_swap
    from napari_dip.files.output_folder import working_folder

    spread, first = uncertainty_path(path), backup_path(path)
    for folder in (path, spread):
        complete_swap(folder)
    for located in (Path, working_folder):
        free = backup_path(path)
        _rename(viewer, {located(path): free, located(spread): uncertainty_path(free)})
    return first


def show_completed(viewer: Viewer, path: Path) -> None:
    """Point layers at a result that is complete and has moved to its final folder."""
    from napari_dip.files.atomic_write import hidden_sibling

    for folder in (path, uncertainty_path(path)):
        hidden = hidden_sibling(folder, "new")
        for layer in _layers_reading(viewer, hidden):
            if not hidden.exists() and (pixels := reopen_result(layer, folder)) is not None:
                layer.data = pixels


def is_displayed(viewer: Viewer, path: Path) -> bool:
    """Return whether a layer reads a result or its uncertainty."""
    from napari_dip.files.output_folder import working_folder

    folders = (path, uncertainty_path(path))
    return any(
        _layers_reading(viewer, one)
        for folder in folders
        for one in (folder, working_folder(folder))
    )


def _rename(viewer: Viewer, moves: Mapping[Path, Path]) -> None:
    moves = {old: new for old, new in moves.items() if old.exists()}
    shown = [(layer, old) for old in moves for layer in _layers_reading(viewer, old)]
    for layer, old in shown:
        if reopen_result(layer, old) is None:
            raise FileProblem(
                f"The layer '{layer.name}' reads its pixels from {old}: delete the layer, or "
                "choose another folder."
            )
    for old, new in moves.items():
        try:
            old.rename(new)
        except OSError as error:
            raise FileProblem(
                f"{old} could not be renamed ({error.strerror or error}): choose another folder."
            ) from error
    for layer, old in shown:
        layer.data = reopen_result(layer, moves[old])


def _layers_reading(viewer: Viewer, path: Path) -> list[Layer]:
    """List the layers that read their pixels from a folder, which may not exist any more."""
    return [
        layer for layer in viewer.layers if any(_is_inside(one, path) for one in _folders(layer))
    ]


def _folders(layer: Layer) -> Iterator[Path]:
    """List the folders that a layer reads its pixels from."""
    from napari_dip.files.file_conflicts import files_behind

    if not isinstance(layer, Image | Labels):
        return
    pixels = finest(layer)
    if layer.source.path and not isinstance(pixels, np.ndarray):
        yield Path(layer.source.path)
    yield from files_behind(pixels)
    for step in getattr(getattr(pixels, "dask", None), "layers", {}).values():
        for one in step.values() if len(step) == 1 else ():
            store = getattr(one, "store", None)
            root = getattr(store, "root", None) or getattr(store, "path", None)
            if root:
                yield Path(root)


def _is_inside(inner: Path, outer: Path) -> bool:
    return inner.resolve().is_relative_to(outer.resolve())


def _size_text(count: float) -> str:
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} TB"
