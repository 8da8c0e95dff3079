"""The error of JPEG compression, estimated from the compressed image alone.

JPEG rounds the cosine coefficients of blocks of 8 x 8 pixels to multiples of steps, which its
quality settles. The steps are found in the coefficients of the image. How large an error they make
is measured by compressing the image once more, with the blocks in another place.
"""

from __future__ import annotations

import io
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, JpegImagePlugin
from scipy.fft import dctn

from napari_dip.errors import BadImage

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["jpeg_error", "jpeg_quality"]

_BLOCK = 8
"""Pixels along the side of a block of JPEG."""

_LONGEST = 65_000
"""Pixels along a side that a JPEG can have, nearly."""

_QUALITIES = range(5, 91)
"""Qualities that are looked for; above them the error is hardly larger than that of rounding."""

_ROUNDING = 0.35
"""Grey values: the largest median distance of coefficients to multiples of the right steps; 0.2 by
the rounding of the pixels."""

_ALIKE = 4
"""Neighbouring qualities whose steps are so similar that the nearest of them is taken."""

_NONZERO = 1.5
"""Grey values: smaller coefficients are rounded zeros, multiples of every step."""


def jpeg_quality(plane: NDArray[Any]) -> int | None:
    """Find the quality with which a plane was compressed.

    Parameters
    ----------
    plane
        ``(Y, X)``, grey values from 0 to 255. It may be a crop.

    Returns
    -------
    int or None
        In the scale of libjpeg, whose standard tables are assumed; ``None`` if there are no blocks,
        if the quality is above 90, or above about 50 in a crop that cuts the first blocks.

    Examples
    --------
    >>> image = np.add.outer(np.arange(64) ** 2 % 97, np.arange(64) ** 2 % 89).astype(np.uint8)
    >>> jpeg_quality(image), jpeg_quality(compress_jpeg(image, 30))
    (None, 30)
    """
    values = np.asarray(plane, np.float64) - 128
    for row, column in dict.fromkeys([(0, 0), (_edge(values), _edge(values.T))]):
        coefficients = _coefficients(values[row:, column:])
        deviations = [_deviation(coefficients, _steps(quality)) for quality in _QUALITIES]
        near = np.flatnonzero(np.array(deviations) < _ROUNDING)
        if near.size:  # qualities above the right one may have steps that divide its own
            first = int(near[0])
            return _QUALITIES[first + int(np.argmin(deviations[first : first + _ALIKE]))]
    return None


def _deviation(coefficients: NDArray[np.float64], steps: NDArray[np.float64]) -> float:
    """Return the median distance of coefficients to the next multiple of their steps."""
    nonzero = np.abs(coefficients) > _NONZERO
    distances = np.abs(coefficients - steps * np.round(coefficients / steps))[nonzero]
    return float(np.median(distances)) if distances.size else np.inf


def jpeg_error(plane: NDArray[Any]) -> float:
    """Estimate the root mean square of the error that JPEG has made, in grey values.

    Raises
    ------
    BadImage
        If the values are not of 8 bits, or no blocks are found.

    Examples
    --------
    >>> image = np.add.outer(np.arange(64) ** 2 % 97, np.arange(64) ** 2 % 89).astype(np.uint8)
    >>> seen = compress_jpeg(image, 30)
    >>> true = np.std(seen.astype(float) - image)
    >>> bool(0.5 < jpeg_error(seen) / true < 1.5)
    True
    """
    if plane.min() < 0 or plane.max() > 255:
        raise BadImage(
            f"artefact='jpeg': the values run from {plane.min():g} to {plane.max():g}, and those "
            "of JPEG from 0 to 255; give the image as it was in the file, or use artefact='noise'"
        )
    quality = jpeg_quality(plane)
    if quality is None:
        raise BadImage(
            "artefact='jpeg': no JPEG blocks were found, or a quality above 90; an image that was "
            "scaled or changed after it was compressed has none: use artefact='noise'"
        )
    part = slice(_BLOCK // 2, _LONGEST)
    moved = np.asarray(plane)[part, part].round().astype(np.uint8)
    error = compress_jpeg(moved, quality).astype(np.float64) - moved
    return float(np.sqrt(np.square(error).mean()))


def compress_jpeg(plane: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    """Compress a grey plane by JPEG, and decode it."""
    return np.asarray(_encoded(plane, quality))


def _encoded(plane: NDArray[np.uint8], quality: int) -> Image.Image:
    file = io.BytesIO()
    Image.fromarray(plane).save(file, format="JPEG", quality=quality)
    file.seek(0)
    return JpegImagePlugin.JpegImageFile(file)  # Image.open warns of large pictures


@cache
def _steps(quality: int) -> NDArray[np.float64]:
    """Return the steps of the coefficients, ``(8, 8)``."""
    tables = _encoded(np.zeros((_BLOCK, _BLOCK), np.uint8), quality).quantization  # type: ignore[attr-defined]
    return np.array(tables[0], np.float64).reshape(_BLOCK, _BLOCK)


def _coefficients(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the cosine coefficients of all whole blocks, ``(blocks, 8, 8)``."""
    rows, columns = (side // _BLOCK for side in values.shape)
    whole = values[: rows * _BLOCK, : columns * _BLOCK]
    blocks = whole.reshape(rows, _BLOCK, columns, _BLOCK).swapaxes(1, 2)
    inside = (np.abs(blocks + 0.5) < 127).all(axis=(2, 3))  # clipping changes all coefficients
    return np.asarray(dctn(blocks[inside], axes=(1, 2), norm="ortho"))


def _edge(values: NDArray[np.float64]) -> int:
    """Return the row of the first edge between blocks: neighbours differ most across edges."""
    steps = np.abs(np.diff(values, axis=0)).mean(axis=1)
    rows = range(1, _BLOCK + 1)
    means = [steps[row - 1 :: _BLOCK].mean() if row <= len(steps) else 0 for row in rows]
    return int(np.argmax(means) + 1) % _BLOCK
