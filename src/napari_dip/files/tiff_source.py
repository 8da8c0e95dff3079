"""TIFF read piece by piece: a page or a tile at a time."""

from __future__ import annotations

import math
import weakref
from typing import TYPE_CHECKING, Any

import tifffile
import zarr

from napari_dip.files.boundary import FromFile, reading
from napari_dip.files.complaints import tiff_complaints
from napari_dip.files.promises import first_series, refuse_too_large
from napari_dip.files.tiff import known_axes, read_tiff, refuse_cut_short
from napari_dip.files.tiff_tags import Header, read_header
from napari_dip.stack.stored import StoredImage

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["TiffArray", "open_tiff"]


class TiffArray(FromFile):
    """The first series of a TIFF file, which stays open as long as this is in use.

    Parameters
    ----------
    path
        The file. A pickled array opens it anew.

    Attributes
    ----------
    axes, header
        As the file says them.
    alone
        Whether all values lie in this file: OME-TIFF may be spread over several.
    """

    axes: str
    header: Header
    alone: bool

    def __init__(self, path: Path) -> None:
        with reading(path), tiff_complaints() as complaints:
            tif = tifffile.TiffFile(path)
            self._close = weakref.finalize(self, tif.close)
            series = first_series(path, tif)
            self.axes = known_axes(path, series.axes)
            self.header = read_header(tif)
            self.alone = not series.is_multifile
            # A strip may be a single row: pages are read whole, unless they are in tiles.
            tiled = series.keyframe.is_tiled
            piece = math.prod(series.keyframe.chunks) * series.dtype.itemsize
            refuse_too_large(path, piece if tiled else series.keyframe.nbytes, "a page of it")
            pieces = series.aszarr(level=0, chunkmode=0 if tiled else 2)
            super().__init__(zarr.open_array(pieces, mode="r"), path)
        refuse_cut_short(path, complaints)

    def __reduce__(self) -> tuple[Any, ...]:
        return TiffArray, (self._path.absolute(),)

    def __getitem__(self, index: Any, /) -> Any:
        with tiff_complaints() as complaints:
            values = super().__getitem__(index)
        refuse_cut_short(self._path, complaints)
        return values


def open_tiff(path: Path) -> StoredImage:
    """Open the first series of a TIFF file, to be read when it is asked for.

    Returns
    -------
    StoredImage
        What :func:`~napari_dip.files.tiff.read_tiff` gives, and by it where the samples of a
        pixel must be moved to the end or become channels.

    Raises
    ------
    FileProblem
        If the file is damaged, holds no picture, or is compressed in a way not known here.
    """
    try:
        image = TiffArray(path)
    except NotImplementedError:  # tifffile has layouts that it reads only whole
        return read_tiff(path)
    if "S" in image.axes and not (image.axes.endswith("S") and image.shape[-1] in (3, 4)):
        return read_tiff(path)
    files = (path,) if image.alone else ()
    return StoredImage(image, image.axes, *image.header, files=files)
