"""Estimate the error of JPEG compression from the compressed image alone.

JPEG rounds the cosine coefficients of blocks of 8 x 8 pixels to multiples of steps, which depend on
its quality. The steps are found in the coefficients of the image. The error is measured by a second
compression of the image, with shifted blocks.
"""

from __future__ import annotations

import io
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, JpegImagePlugin
from scipy.fft import dctn

from napari_dip.errors import BadImage
from napari_dip.noise.constants import (
    JPEG_BLOCK,
    JPEG_MAX_DEVIATION,
    JPEG_MAX_SIDE,
    JPEG_MIN_COEFFICIENT,
    JPEG_QUALITIES,
    JPEG_SIMILAR_QUALITIES,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["compress_jpeg", "jpeg_error", "jpeg_quality"]


def jpeg_quality(plane: NDArray[Any]) -> int | None:
    """Find the quality with which a plane was compressed.

    Parameters
    ----------
    plane
        ``(Y, X)``, grey values from 0 to 255. It may be a crop.

    Returns
    -------
    int or None
        Quality of libjpeg, whose standard tables are assumed. ``None`` if there are no blocks, if
        the quality is above 90, or above about 50 in a crop that cuts the first blocks.

    Examples
    --------
    >>> image = np.add.outer(np.arange(64) ** 2 % 97, np.arange(64) ** 2 % 89).astype(np.uint8)
    >>> jpeg_quality(image), jpeg_quality(compress_jpeg(image, 30))
    (None, 30)
    """
    values = np.asarray(plane, np.float64) - 128
    for row, column in dict.fromkeys([(0, 0), (_first_edge(values), _first_edge(values.T))]):
        coefficients = _coefficients(values[row:, column:])
        deviations = [_deviation(coefficients, _steps(quality)) for quality in JPEG_QUALITIES]
        near = np.flatnonzero(np.array(deviations) < JPEG_MAX_DEVIATION)
        if near.size:  # higher qualities may have steps that divide those of the right one
            first = int(near[0])
            similar = deviations[first : first + JPEG_SIMILAR_QUALITIES]
            return JPEG_QUALITIES[first + int(np.argmin(similar))]
    return None


def _deviation(coefficients: NDArray[np.float64], steps: NDArray[np.float64]) -> float:
    """Return the median distance of coefficients to the nearest multiple of their steps."""
    nonzero = np.abs(coefficients) > JPEG_MIN_COEFFICIENT
    distances = np.abs(coefficients - steps * np.round(coefficients / steps))[nonzero]
    return float(np.median(distances)) if distances.size else np.inf


def jpeg_error(plane: NDArray[Any]) -> float:
    """Estimate the root mean square error of the compression, in grey values.

    Parameters
    ----------
    plane
        ``(Y, X)``, grey values from 0 to 255.

    Raises
    ------
    BadImage
        If values are outside 0 to 255, or no blocks are found.

    Examples
    --------
    >>> image = np.add.outer(np.arange(64) ** 2 % 97, np.arange(64) ** 2 % 89).astype(np.uint8)
    >>> compressed = compress_jpeg(image, 30)
    >>> true = np.std(compressed.astype(float) - image)
    >>> bool(0.5 < jpeg_error(compressed) / true < 1.5)
    True
    """
    if plane.min() < 0 or plane.max() > 255:
        raise BadImage(
            f"artefact='jpeg': the values run from {plane.min():g} to {plane.max():g}, but those "
            "of JPEG from 0 to 255; give the image as it was in the file, or use artefact='noise'"
        )
    quality = jpeg_quality(plane)
    if quality is None:
        raise BadImage(
            "artefact='jpeg': the image has no JPEG blocks, or a quality above 90; if it was "
            "scaled or changed after compression, use artefact='noise'"
        )
    shifted = slice(JPEG_BLOCK // 2, JPEG_MAX_SIDE)
    moved = np.asarray(plane)[shifted, shifted].round().astype(np.uint8)
    error = compress_jpeg(moved, quality).astype(np.float64) - moved
    return float(np.sqrt(np.square(error).mean()))


def compress_jpeg(plane: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    """Compress a grey plane by JPEG, and decompress it.

    Examples
    --------
    >>> compress_jpeg(np.full((8, 8), 100, np.uint8), 50)[0, :3].tolist()
    [100, 100, 100]
    """
    return np.asarray(_encoded(plane, quality))


def _encoded(plane: NDArray[np.uint8], quality: int) -> Image.Image:
    file = io.BytesIO()
    Image.fromarray(plane).save(file, format="JPEG", quality=quality)
    file.seek(0)
    return JpegImagePlugin.JpegImageFile(file)  # Image.open warns of large images


@cache
def _steps(quality: int) -> NDArray[np.float64]:
    """Return the steps of the coefficients, ``(8, 8)``."""
    tables = _encoded(np.zeros((JPEG_BLOCK, JPEG_BLOCK), np.uint8), quality).quantization  # type: ignore[attr-defined]
    return np.array(tables[0], np.float64).reshape(JPEG_BLOCK, JPEG_BLOCK)


def _coefficients(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the cosine coefficients of all whole blocks, ``(blocks, 8, 8)``."""
    rows, columns = (side // JPEG_BLOCK for side in values.shape)
    whole = values[: rows * JPEG_BLOCK, : columns * JPEG_BLOCK]
    blocks = whole.reshape(rows, JPEG_BLOCK, columns, JPEG_BLOCK).swapaxes(1, 2)
    inside = (np.abs(blocks + 0.5) < 127).all(axis=(2, 3))  # clipping changes all coefficients
    return np.asarray(dctn(blocks[inside], axes=(1, 2), norm="ortho"))


def _first_edge(values: NDArray[np.float64]) -> int:
    """Return the row of the first block edge: neighbours differ most across edges."""
    steps = np.abs(np.diff(values, axis=0)).mean(axis=1)
    rows = range(1, JPEG_BLOCK + 1)
    means = [steps[row - 1 :: JPEG_BLOCK].mean() if row <= len(steps) else 0 for row in rows]
    return int(np.argmax(means) + 1) % JPEG_BLOCK
