"""Write an OME-TIFF with smaller copies of each plane, as viewers of large images need it."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any

import numpy as np
import tifffile

from napari_dip.files.pyramid_layout import downsample, level_shapes

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["write_pyramid"]

TILE = (256, 256)  # pixels: viewers such as QuPath read tiles of this size
MAX_CLASSIC_BYTES = 2**32 - 2**26  # bytes: limit of 32-bit offsets, with room for the metadata


def write_pyramid(
    file: Path | IO[bytes], values: NDArray[Any], options: dict[str, Any], *, colours: bool
) -> None:
    """Write an image, and below each of its planes smaller ones in SubIFDs.

    Parameters
    ----------
    file
        Where to write.
    values
        The image; its last axes are Y and X, then the samples if there are ``colours``.
    options
        For ``TiffWriter.write``: metadata, and how samples are shown.
    colours
        Whether the last axis has the samples of colours.
    """
    grid = values.shape[:-1] if colours else values.shape
    levels = len(level_shapes(grid)) - 1
    # The smaller levels have at most a third of the pixels, and edge tiles are filled up.
    large = values.nbytes * 3 // 2 > MAX_CLASSIC_BYTES
    shown = {key: each for key, each in options.items() if key not in ("metadata", "ome")}
    with tifffile.TiffWriter(file, bigtiff=large, ome=options["ome"]) as tif:
        tif.write(values, subifds=levels, tile=TILE, metadata=options["metadata"], **shown)
        for of_first in ("extratags", "description"):
            shown.pop(of_first, None)
        for _ in range(levels):
            if colours:
                values = np.moveaxis(downsample(np.moveaxis(values, -1, 0)), 0, -1)
            else:
                values = downsample(values)
            tif.write(values, subfiletype=1, tile=TILE, metadata=None, **shown)
