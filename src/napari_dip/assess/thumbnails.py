"""Make small pictures of planes, on one scale, as PNG files in text."""

from __future__ import annotations

import base64
import io
import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from PIL import Image
from scipy import ndimage

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_dip.assess.section import Picture

__all__ = ["DETAIL_SIDE", "Thumbnail", "contrast_limits", "detail_window", "scale_bar", "thumbnail"]

MAX_SIDE = 420  # pixels: a quarter of the width of A4 at 200 dots per inch
MIN_SIDE = 210  # pixels: smaller planes are enlarged by whole numbers, without interpolation
LIMITS = (0.1, 99.9)  # percentiles of the known pixels: a few extreme pixels do not count
DETAIL_SIDE = 96  # pixels: single pixels are visible in print
BAR_WIDTH = 4  # pixels: height of a scale bar
LONGEST_BAR = 0.3  # of the width of the picture


class Thumbnail(NamedTuple):
    """A picture as the address of an embedded PNG, and its caption."""

    address: str
    caption: str


def contrast_limits(values: NDArray[Any]) -> tuple[float, float]:
    """Return the intensities to show black and white; NaN does not count.

    Examples
    --------
    >>> contrast_limits(np.array([[0.0, 10.0], [np.nan, 5.0]]))
    (0.01, 9.99)
    """
    known = values[np.isfinite(values)]
    if not known.size:
        return 0.0, 1.0
    low, high = (float(one) for one in np.percentile(known, LIMITS))
    low, high = (round(low, 6), round(high, 6)) if math.isfinite(low + high) else (0.0, 1.0)
    return (low, high) if low < high else (low, low + 1)


def detail_window(plane: NDArray[Any], missing: NDArray[np.bool_] | None) -> tuple[slice, slice]:
    """Choose a square part that is worth a closer look: most missing pixels, or most contrast.

    Parameters
    ----------
    plane
        Grey values along Y and X; NaN does not count.
    missing
        True where a pixel was filled; ``None`` without a mask.
    """
    side = min(DETAIL_SIDE, *plane.shape)
    filled = np.nan_to_num(plane.astype(np.float64), nan=float(np.nanmedian(plane)))
    if missing is not None and missing.any():
        share = ndimage.uniform_filter(missing.astype(np.float64), side, mode="constant")
        interest = share * (share < 1)  # a hole alone shows nothing
    else:
        smooth = ndimage.gaussian_filter(filled, 1)
        mean = ndimage.uniform_filter(smooth, side)
        interest = ndimage.uniform_filter((smooth - mean) ** 2, side)
    half = side // 2
    inner = interest[
        half : plane.shape[0] - side + half + 1, half : plane.shape[1] - side + half + 1
    ]
    y, x = np.unravel_index(int(np.argmax(inner)), inner.shape)
    return slice(int(y), int(y) + side), slice(int(x), int(x) + side)


def scale_bar(width_pixels: int, pixel_size: float) -> tuple[float, float]:
    """Return the length of a scale bar, a round number in the unit of the size, and in pixels.

    Examples
    --------
    >>> scale_bar(512, 0.1)
    (10.0, 100.0)
    """
    longest = LONGEST_BAR * width_pixels * pixel_size
    power = 10.0 ** math.floor(math.log10(longest))
    length = max(step * power for step in (1, 2, 5) if step * power <= longest)
    return length, length / pixel_size


def thumbnail(picture: Picture, bar_pixels: float = 0.0) -> Thumbnail:
    """Make a small picture.

    Parameters
    ----------
    picture
        The plane, its limits and its caption.
    bar_pixels
        Length of a scale bar, in pixels of the plane; 0 for none.
    """
    colours = _coloured(picture)
    height, width = colours.shape[:2]
    ratio = min(1.0, MAX_SIDE / max(height, width))
    times = max(1, MIN_SIDE // max(height, width))
    size = (max(1, round(width * ratio)) * times, max(1, round(height * ratio)) * times)
    how = Image.Resampling.BOX if ratio < 1 else Image.Resampling.NEAREST
    image = Image.fromarray(colours).resize(size, how)
    pixels = np.array(image)
    if bar_pixels:
        _draw_bar(pixels, bar_pixels * size[0] / width)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", optimize=True)
    text = base64.b64encode(file.getvalue()).decode()
    return Thumbnail(f"data:image/png;base64,{text}", picture.name)


def _coloured(picture: Picture) -> NDArray[np.uint8]:
    """Return grey values or colours from 0 to 255; what is unknown is blue-grey."""
    low, high = picture.limits
    with np.errstate(invalid="ignore"):
        part = (picture.pixels.astype(np.float64) - low) / (high - low)
    unknown = ~np.isfinite(part)
    part = np.clip(np.nan_to_num(part), 0, 1)
    if picture.diverging:  # blue below the middle, white, red above it
        colours = np.stack(
            [np.minimum(1, 2 * part), 1 - np.abs(2 * part - 1), np.minimum(1, 2 - 2 * part)], -1
        )
    else:
        colours = part if part.ndim == 3 else np.stack([part] * 3, -1)
    shown = np.rint(255 * colours[..., :3]).astype(np.uint8)
    shown[unknown if unknown.ndim == 2 else unknown.any(-1)] = (120, 130, 150)
    return np.asarray(shown, np.uint8)


def _draw_bar(pixels: NDArray[np.uint8], length: float) -> None:
    """Draw a white bar with a black edge in the lower right corner."""
    height, width = pixels.shape[:2]
    right, bottom = width - 8, height - 8
    left = max(1, right - round(length))
    pixels[max(0, bottom - BAR_WIDTH - 1) : bottom + 1, left - 1 : right + 1] = 0
    pixels[max(0, bottom - BAR_WIDTH) : bottom, left:right] = 255
