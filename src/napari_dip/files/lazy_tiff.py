"""Read TIFF files on access, one page or tile at a time."""

from __future__ import annotations

import math
import weakref
from typing import TYPE_CHECKING, Any

import zarr

from napari_dip.files.ome_companion import open_tiff_file
from napari_dip.files.read_errors import FileArray, refuse_too_large, translate_read_errors
from napari_dip.files.tiff import read_tiff, refuse_incomplete
from napari_dip.files.tiff_header import find_tiff_image
from napari_dip.files.tiff_warnings import collect_tiff_warnings
from napari_dip.image.metadata import StoredImage

if TYPE_CHECKING:
    from pathlib import Path

    from napari_dip.files.tiff_tags import Header

__all__ = ["TiffArray", "open_lazy_tiff"]


class TiffArray(FileArray):
    """An image of a TIFF file, which stays open while this object exists.

    Parameters
    ----------
    path, number
        The file, and the index of the image. A pickled array opens the file again.

    Attributes
    ----------
    axes, header
        As in the file; ``s`` is an axis of samples that are not colours.
    alone
        Whether this file holds all values; an OME-TIFF may have several files.
    """

    axes: str
    header: Header
    alone: bool

    def __init__(self, path: Path, number: int | None = None) -> None:
        self._number = number
        with translate_read_errors(path), collect_tiff_warnings() as messages:
            tif = open_tiff_file(path)
            self._close = weakref.finalize(self, tif.close)
            series, self.axes, self.header, self.alone = find_tiff_image(
                path, tif, number, messages
            )
            # A strip may be a single row, so pages without tiles are read whole.
            tiled = series.keyframe.is_tiled
            piece = math.prod(series.keyframe.chunks) * series.dtype.itemsize
            refuse_too_large(path, piece if tiled else series.keyframe.nbytes, "a page")
            pieces = series.aszarr(level=0, chunkmode=0 if tiled else 2)
            super().__init__(zarr.open_array(pieces, mode="r"), path)
        refuse_incomplete(path, messages)

    def __reduce__(self) -> tuple[Any, ...]:
        return TiffArray, (self._path.absolute(), self._number)

    def __getitem__(self, index: Any, /) -> Any:
        with collect_tiff_warnings() as messages:
            values = super().__getitem__(index)
        refuse_incomplete(self._path, messages)
        return values


def open_lazy_tiff(path: Path, number: int | None = None) -> StoredImage:
    """Open an image of a TIFF file whose values are read on access.

    Parameters
    ----------
    path, number
        As for :func:`~napari_dip.files.tiff.read_tiff`.

    Returns
    -------
    StoredImage
        As from :func:`~napari_dip.files.tiff.read_tiff`, which is used if the samples of a pixel
        must become the last axis or channels.

    Raises
    ------
    FileProblem
        If the file is damaged, holds no such image, or has an unknown compression.
    """
    try:
        image = TiffArray(path, number)
    except NotImplementedError:  # tifffile can read some layouts only as a whole
        return read_tiff(path, number)
    if "s" in image.axes or "S" in image.axes[:-1]:
        return read_tiff(path, number)
    return StoredImage(
        image,
        image.axes,
        **image.header._asdict(),
        files=(path,) if image.alone else (),
        series=int(number or 0),
    )
