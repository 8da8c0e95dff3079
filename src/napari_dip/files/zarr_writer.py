"""Write a whole image as OME-Zarr, and create the empty OME-Zarr of a resumable output."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_dip.files.atomic_write import complete_swap, filled_folder, translate_disk_errors
from napari_dip.files.journal import JOURNAL, plain_json
from napari_dip.files.lock import RunLock
from napari_dip.files.ngff import Version, attributes, axes_in_zarr, version_of
from napari_dip.files.pyramid_arrays import create_levels
from napari_dip.files.pyramid_layout import AxisOrder, level_shapes
from napari_dip.files.shard_staging import STAGED
from napari_dip.files.writable_levels import WritableLevels
from napari_dip.files.zarr_output_check import check_new_zarr
from napari_dip.files.zarr_reader import NAME
from napari_dip.image.axes import Layout

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from zarr.abc.store import Store

    from napari_dip.image.metadata import StoredImage

__all__ = ["create_zarr", "finished_attribute", "write_zarr"]


def write_zarr(
    path: Path, stored: StoredImage, provenance: Mapping[str, Any] | None, overwrite: bool
) -> None:
    """Write an image plane by plane; it has its final name only when it is complete.

    An image from OME-Zarr 0.4 is written in that version.
    """
    version = version_of(stored)
    lock = RunLock(path)
    try:
        with translate_disk_errors(path):
            complete_swap(path)
        check_new_zarr(path, overwrite)
        _write(path, stored, provenance, version)
    finally:
        lock.release()


def _write(
    path: Path, stored: StoredImage, provenance: Mapping[str, Any] | None, version: Version
) -> None:
    image, axes = stored.image, stored.axes
    with translate_disk_errors(path), filled_folder(path) as hidden:
        finished = finished_attribute(True, provenance)
        axis_order = create_zarr(hidden, image.shape, image.dtype, stored, axes, finished, version)
        levels = WritableLevels(hidden, hidden / JOURNAL / STAGED)
        for index in Layout(axes, image.shape).indices():
            region, planes = axis_order.to_stored(index, np.asarray(image[index]))
            levels.write(region, planes)
            levels.collect(region, early=False)
        levels.remove_staged()


def create_zarr(
    path: Path | Store,
    shape: Sequence[int],
    dtype: np.dtype[Any],
    stored: StoredImage,
    axes: str,
    more_attributes: dict[str, Any],
    version: Version,
) -> AxisOrder:
    """Create a group and its empty arrays.

    Parameters
    ----------
    path
        A folder that does not exist yet, or an empty store.
    shape, dtype, axes
        Of the image, in the given axis order.
    stored
        Provides pixel sizes, units, positions and channels.
    more_attributes
        Further attributes of the group, from :func:`finished_attribute`.
    version
        Version of OME-Zarr.

    Returns
    -------
    AxisOrder
        Conversion between the given and the stored axis order.
    """
    order = axes_in_zarr(axes)
    shapes = level_shapes(tuple(shape[axes.index(letter)] for letter in order))
    all_attributes = attributes(stored, order, shapes, dtype, version) | more_attributes
    create_levels(path, shapes, dtype, order.replace("S", "C"), all_attributes, version)
    return AxisOrder(axes, shapes[0], dtype)


def finished_attribute(
    finished: bool, provenance: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return the attribute that marks an image as complete or not, with its provenance."""
    entry = {"finished": finished} | ({"provenance": provenance} if provenance else {})
    return {NAME: json.loads(plain_json(entry))}
