"""TIFF read piece by piece: a page or a tile at a time."""

from __future__ import annotations

import math
import weakref
from typing import TYPE_CHECKING, Any

import zarr

from napari_dip.files.boundary import FromFile, reading, refuse_too_large
from napari_dip.files.complaints import tiff_complaints
from napari_dip.files.tiff import read_tiff, refuse_cut_short
from napari_dip.files.tiff_header import opened, tiff_image
from napari_dip.image.metadata import StoredImage

if TYPE_CHECKING:
    from pathlib import Path

    from napari_dip.files.tiff_tags import Header

__all__ = ["TiffArray", "open_tiff"]


class TiffArray(FromFile):
    """An image of a TIFF file, which stays open as long as this is in use.

    Parameters
    ----------
    path, number
        The file, and the number of the image in it. A pickled array opens it anew.

    Attributes
    ----------
    axes, header
        As the file says them; ``s`` is an axis of samples that are no colours.
    alone
        Whether all values lie in this file: OME-TIFF may be spread over several.
    """

    axes: str
    header: Header
    alone: bool

    def __init__(self, path: Path, number: int | None = None) -> None:
        self._number = number
        with reading(path), tiff_complaints() as complaints:
            tif = opened(path)
            self._close = weakref.finalize(self, tif.close)
            series, self.axes, self.header, self.alone = tiff_image(path, tif, number, complaints)
            # A strip may be a single row: pages are read whole, unless they are in tiles.
            tiled = series.keyframe.is_tiled
            piece = math.prod(series.keyframe.chunks) * series.dtype.itemsize
            refuse_too_large(path, piece if tiled else series.keyframe.nbytes, "a page of it")
            pieces = series.aszarr(level=0, chunkmode=0 if tiled else 2)
            super().__init__(zarr.open_array(pieces, mode="r"), path)
        refuse_cut_short(path, complaints)

    def __reduce__(self) -> tuple[Any, ...]:
        return TiffArray, (self._path.absolute(), self._number)

    def __getitem__(self, index: Any, /) -> Any:
        with tiff_complaints() as complaints:
            values = super().__getitem__(index)
        refuse_cut_short(self._path, complaints)
        return values


def open_tiff(path: Path, number: int | None = None) -> StoredImage:
    """Open an image of a TIFF file, to be read when it is asked for.

    Parameters
    ----------
    path, number
        As for :func:`~napari_dip.files.tiff.read_tiff`.

    Returns
    -------
    StoredImage
        What that function gives, and by it where the samples of a pixel must be moved to the end
        or become channels.

    Raises
    ------
    FileProblem
        If the file is damaged, holds no such image, or is compressed in a way not known here.
    """
    try:
        image = TiffArray(path, number)
    except NotImplementedError:  # tifffile has layouts that it reads only whole
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
