"""An earlier result gives way to a new one: renamed, while layers that show it still do."""

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
from napari_dip.plugin.models.target import SUFFIX, reopened, spread_beside

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from napari.layers import Layer
    from napari.viewer import Viewer

__all__ = ["follow", "free_name", "move_aside", "shown_by", "size_on_disk"]

_PATIENCE_S = 0.5  # seconds that the files of a folder are counted for


def size_on_disk(*paths: Path) -> str:
    """Say how large folders are; "more than" where they have too many files to count at once."""
    total, end = 0, time.monotonic() + _PATIENCE_S
    for folder, _, names in chain.from_iterable(map(os.walk, set(paths))):
        for name in names:
            with suppress(OSError):  # it was removed in the meantime
                total += os.lstat(os.path.join(folder, name)).st_size
        if time.monotonic() > end:
            return f"more than {_bytes(total)}"
    return _bytes(total)


def free_name(path: Path) -> Path:
    """Name the folder to which a result is moved, so that another can take its place.

    Examples
    --------
    >>> free_name(Path("no-such-folder/cells.ome.zarr")).name
    'cells.old-1.ome.zarr'
    """
    stem, number = path.name.removesuffix(SUFFIX), 1
    while True:
        free = path.with_name(f"{stem}.old-{number}{SUFFIX}")
        if not free.exists() and not spread_beside(free).exists():
            return free
        number += 1


def move_aside(viewer: Viewer, path: Path) -> Path:
    """Rename a result and the uncertainty beside it; layers that show them still do.

    An unfinished run that would have replaced them is moved to the next free name.

    Raises
    ------
    FileProblem
        If a layer reads from there that cannot be opened again by itself, or nothing can be
        renamed.
    """
    from napari_dip.files.atomic_write import complete_swap
    from napari_dip.files.output_folder import working_folder

    spread, first = spread_beside(path), free_name(path)
    for place in (path, spread):
        complete_swap(place)
    for where in (_itself, working_folder):
        free = free_name(path)
        _move(viewer, {where(path): free, where(spread): spread_beside(free)})
    return first


def follow(viewer: Viewer, path: Path) -> None:
    """Let layers that show a run that was stopped show its result, which has replaced another."""
    from napari_dip.files.atomic_write import hidden_sibling

    for place in (path, spread_beside(path)):
        hidden = hidden_sibling(place, "new")
        for layer in _layers_on(viewer, hidden):
            if not hidden.exists() and (pixels := reopened(layer, place)) is not None:
                layer.data = pixels


def _itself(path: Path) -> Path:
    return path


def _move(viewer: Viewer, moves: Mapping[Path, Path]) -> None:
    moves = {old: new for old, new in moves.items() if old.exists()}
    shown = [(layer, old) for old in moves for layer in _layers_on(viewer, old)]
    for layer, old in shown:
        if reopened(layer, old) is None:
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
        layer.data = reopened(layer, moves[old])


def shown_by(viewer: Viewer, path: Path) -> bool:
    """Tell whether a layer of the viewer reads from a result or the uncertainty beside it."""
    from napari_dip.files.output_folder import working_folder

    places = (path, spread_beside(path))
    return any(_layers_on(viewer, one) for old in places for one in (old, working_folder(old)))


def _layers_on(viewer: Viewer, path: Path) -> list[Layer]:
    """List the layers that read their pixels from a folder, which need not be there any more."""
    return [layer for layer in viewer.layers if any(_within(one, path) for one in _places(layer))]


def _places(layer: Layer) -> Iterator[Path]:
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


def _within(inner: Path, outer: Path) -> bool:
    return inner.resolve().is_relative_to(outer.resolve())


def _bytes(count: int) -> str:
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000  # type: ignore[assignment]
    return f"{count:.3g} TB"
