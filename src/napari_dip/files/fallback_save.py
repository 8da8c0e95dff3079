"""Save a result elsewhere if it cannot be written to its output."""

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
    """Write an image with minimal metadata to the first location that accepts it.

    Parameters
    ----------
    path
        The intended output.
    stored
        The image. Axes and pixel sizes are kept; other metadata may have caused the failure.
    record
        Provenance as JSON.

    Returns
    -------
    Path or None
        The file, beside `path`, in the current folder, in the home folder or among the temporary
        files. The format is TIFF, or NumPy's if that fails. ``None`` if all attempts fail.

    Examples
    --------
    >>> from napari_dip.image.metadata import StoredImage
    >>> folder = Path(tempfile.mkdtemp())
    >>> save_elsewhere(folder / "a.ome.tif", StoredImage(np.eye(8), "YX")).name
    'a.rescued.tif'
    """
    plain = replace(stored, image=stored.whole(), extras={}, channels=(), notes=())
    bare = replace(plain, pixel_size={}, unit={}, translate={})
    for folder in _candidate_folders(path):
        for image, suffix in ((plain, ".tif"), (bare, ".tif"), (bare, ".npy")):
            try:
                file = _unused_name(folder, path, suffix)
                with atomic_file(file) as partial:
                    if suffix == ".tif":
                        write_tiff(partial, image, "shaped", record)
                    else:
                        with partial.open("wb") as opened:
                            np.save(opened, image.image, allow_pickle=False)
            except Exception:  # noqa: BLE001 - the next attempt may succeed
                continue
            return file
    return None


def _candidate_folders(path: Path) -> Iterator[Path]:
    yield path.absolute().parent
    for other in (Path.cwd, Path.home, lambda: Path(tempfile.gettempdir())):
        try:
            yield other()
        except (OSError, RuntimeError):  # a folder was deleted, or there is no home
            continue


def _unused_name(folder: Path, path: Path, suffix: str) -> Path:
    """Return the path of a file that does not exist yet."""
    name = path.name
    for known_suffix in (".ome.tif", ".ome.tiff", ".tiff", ".tif", ".png", ".ome.zarr", ".zarr"):
        if name.lower().endswith(known_suffix):
            name = name[: -len(known_suffix)]
            break
    number = 1
    while True:
        suffix_number = "" if number == 1 else f"-{number}"
        file = folder / f"{name[:100]}.rescued{suffix_number}{suffix}"
        if not file.exists():
            return file
        number += 1
