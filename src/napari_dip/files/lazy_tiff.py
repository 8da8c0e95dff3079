"""TIFF read piece by piece: a page or a tile at a time."""

from __future__ import annotations

import math
import weakref
from typing import TYPE_CHECKING, Any

import zarr

from napari_dip.files.read_errors import FileArray, refuse_too_large, translate_read_errors
from napari_dip.files.tiff import read_tiff, refuse_cut_short
from napari_dip.files.tiff_header import find_tiff_image, open_tiff_file
from napari_dip.files.tiff_warnings import collect_tiff_warnings
from napari_dip.image.metadata import StoredImage

if TYPE_CHECKING:
    from pathlib import Path

    from napari_dip.files.tiff_tags import Header

__all__ = ["TiffArray", "open_lazy_tiff"]


class TiffArray(FileArray):
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
        with translate_read_errors(path), collect_tiff_warnings() as messages:
            tif = open_tiff_file(path)
            self._close = weakref.finalize(self, tif.close)
            series, self.axes, self.header, self.alone = find_tiff_image(
                path, tif, number, messages
            )
            # A strip may be a single row: pages are read whole, unless they are in tiles.
            tiled = series.keyframe.is_tiled
            piece = math.prod(series.keyframe.chunks) * series.dtype.itemsize
            refuse_too_large(path, piece if tiled else series.keyframe.nbytes, "a page of it")
            pieces = series.aszarr(level=0, chunkmode=0 if tiled else 2)
            super().__init__(zarr.open_array(pieces, mode="r"), path)
        refuse_cut_short(path, messages)

    def __reduce__(self) -> tuple[Any, ...]:
        return TiffArray, (self._path.absolute(), self._number)

    def __getitem__(self, index: Any, /) -> Any:
        with collect_tiff_warnings() as messages:
            values = super().__getitem__(index)
        refuse_cut_short(self._path, messages)
        return values


def open_lazy_tiff(path: Path, number: int | None = None) -> StoredImage:
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
