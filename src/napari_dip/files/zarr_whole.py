"""An OME-Zarr that is written in one go, and the empty one that a growing image begins with."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_dip.files.durable import disk_problems, finish_swap, put_in_place
from napari_dip.files.journal import plain_json
from napari_dip.files.levels import make_levels, open_levels, write_levels
from napari_dip.files.lock import RunLock
from napari_dip.files.ngff import Version, attributes, axes_in_zarr, version_of
from napari_dip.files.pyramid import Arrangement, level_shapes
from napari_dip.files.zarr_source import NAME
from napari_dip.files.zarr_target import check_target
from napari_dip.image.axes import Layout

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from zarr.abc.store import Store

    from napari_dip.image.metadata import StoredImage

__all__ = ["finished_mark", "make_zarr", "write_zarr"]


def write_zarr(
    path: Path, stored: StoredImage, provenance: Mapping[str, Any] | None, overwrite: bool
) -> None:
    """Write an image plane by plane; it stands under its name when it is whole.

    What came from OME-Zarr 0.4 is written as that.
    """
    version = version_of(stored)
    lock = RunLock(path)
    try:
        with disk_problems(path):
            finish_swap(path)
        check_target(path, overwrite)
        _write(path, stored, provenance, version)
    finally:
        lock.release()


def _write(
    path: Path, stored: StoredImage, provenance: Mapping[str, Any] | None, version: Version
) -> None:
    image, axes = stored.image, stored.axes
    with disk_problems(path), put_in_place(path) as hidden:
        said = finished_mark(True, provenance)
        arrangement = make_zarr(hidden, image.shape, image.dtype, stored, axes, said, version)
        levels = open_levels(hidden)
        for index in Layout(axes, image.shape).indices():
            write_levels(hidden, levels, *arrangement.arranged(index, np.asarray(image[index])))


def make_zarr(
    path: Path | Store,
    shape: Sequence[int],
    dtype: np.dtype[Any],
    stored: StoredImage,
    axes: str,
    said: dict[str, Any],
    version: Version,
) -> Arrangement:
    """Make a group and its empty arrays, as :func:`~napari_dip.files.levels.make_levels` does.

    Parameters
    ----------
    path
        A folder that is not there yet, or an empty store.
    shape, dtype, axes
        Of the image, in the caller's order.
    stored
        Whose pixel sizes, units, places and channels are written.
    said
        More attributes of the group, from :func:`finished_mark`.
    version
        Of OME-Zarr.

    Returns
    -------
    Arrangement
        How the axes became those that are stored.
    """
    order = axes_in_zarr(axes)
    shapes = level_shapes(tuple(shape[axes.index(letter)] for letter in order))
    said = attributes(stored, order, shapes, dtype, version) | said
    make_levels(path, shapes, dtype, order.replace("S", "C"), said, version)
    return Arrangement(axes, shapes[0], dtype)


def finished_mark(finished: bool, provenance: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the attribute that says whether an image is whole, and how it came about."""
    said = {"finished": finished} | ({"provenance": provenance} if provenance else {})
    return {NAME: json.loads(plain_json(said))}
