"""A result that cannot be written where it was meant to go is kept somewhere else."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_dip.files.atomic_write import atomic_file
from napari_dip.files.tiff import write_tiff

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari_dip.image.metadata import StoredImage

__all__ = ["save_elsewhere"]


def save_elsewhere(path: Path, stored: StoredImage, record: str = "") -> Path | None:
    """Write an image as plainly as possible, wherever there is room.

    Parameters
    ----------
    path
        Where it was meant to go.
    stored
        The image. Its axes and pixel sizes are kept; what else is said of it may be the reason
        why it could not be written.
    record
        How it came about, as JSON.

    Returns
    -------
    Path or None
        The file: beside `path`, or else in the current folder, at home or among the temporary
        files; TIFF, or NumPy's format where even that fails. ``None`` if it could not be kept.

    Examples
    --------
    >>> from napari_dip.image.metadata import StoredImage
    >>> folder = Path(tempfile.mkdtemp())
    >>> save_elsewhere(folder / "a.ome.tif", StoredImage(np.eye(8), "YX")).name
    'a.rescued.tif'
    """
    plain = replace(stored, image=stored.whole(), extras={}, channels=(), notes=())
    bare = replace(plain, pixel_size={}, unit={}, translate={})
    for folder in _folders(path):
        for image, suffix in ((plain, ".tif"), (bare, ".tif"), (bare, ".npy")):
            try:
                file = _free(folder, path, suffix)
                with atomic_file(file) as partial:
                    if suffix == ".tif":
                        write_tiff(partial, image, "shaped", record)
                    else:
                        with partial.open("wb") as opened:
                            np.save(opened, image.image, allow_pickle=False)
            except Exception:  # noqa: BLE001 - the next try may work, whatever it was
                continue
            return file
    return None


def _folders(path: Path) -> Iterator[Path]:
    yield path.absolute().parent
    for other in (Path.cwd, Path.home, lambda: Path(tempfile.gettempdir())):
        try:
            yield other()
        except (OSError, RuntimeError):  # it may have been deleted, or there is no home
            continue


def _free(folder: Path, path: Path, suffix: str) -> Path:
    """Name a file that is not there yet."""
    name = path.name
    for known in (".ome.tif", ".ome.tiff", ".tiff", ".tif", ".png", ".ome.zarr", ".zarr"):
        if name.lower().endswith(known):
            name = name[: -len(known)]
            break
    number = 1
    while True:
        more = "" if number == 1 else f"-{number}"
        file = folder / f"{name[:100]}.rescued{more}{suffix}"
        if not file.exists():
            return file
        number += 1
