"""Costs of a machine, and ratios of the costs of other work to them."""

from __future__ import annotations

import math
from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING

from napari_dip.dip.operators import padding

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "FILTER_BYTES",
    "FIT_BYTES",
    "Bytes",
    "Costs",
    "blur_seconds",
    "padded_pixels",
    "pass_seconds",
]


@dataclass(frozen=True)
class Costs:
    """Seconds on one device, measured on a plane of one channel.

    Parameters
    ----------
    iteration_s
        Of an iteration with the network of ``fast``, whatever the size of the image.
    pixel_s
        Of such an iteration, for each pixel, if the network has convolutions at full resolution.
    filter_s
        Of a pass of the patch filter, for each pixel.
    blur_s
        Of a convolution by the fast Fourier transform, for each pixel of the padded image.
    """

    iteration_s: float
    pixel_s: float
    filter_s: float
    blur_s: float

    def with_threads(self, threads: int) -> Costs:
        """Return the costs with so many threads, from those with one.

        Examples
        --------
        >>> one = Costs(iteration_s=1.0, pixel_s=0.0, filter_s=1.0, blur_s=0.0)
        >>> one.with_threads(1) == one, one.with_threads(2).filter_s < 1
        (True, True)
        """
        ratio = ONE_THREAD + (1 - ONE_THREAD) / threads
        return Costs(*(ratio * seconds for seconds in astuple(self)))


@dataclass(frozen=True)
class Bytes:
    """Memory that a step takes at most: in any case, for each pixel, and for each value."""

    fixed: int
    pixel: int
    value: int

    def of(self, pixels: int, channels: int) -> int:
        """Return the memory for an image in bytes."""
        return self.fixed + pixels * (self.pixel + self.value * channels)


# Growth of a process on the CPU (torch 2.13), 256² to 1024² pixels and 1 to 10 channels, with a
# tenth to spare; a test measures it again. By whether the network is wide, and the precision.
FIT_BYTES = {
    (False, "bfloat16"): Bytes(250_000_000, 1000, 130),
    (False, "float32"): Bytes(250_000_000, 1700, 130),
    (True, "bfloat16"): Bytes(250_000_000, 6600, 130),
    (True, "float32"): Bytes(250_000_000, 7500, 130),
}
FILTER_BYTES = Bytes(150_000_000, 0, 40)  # batches of patches, and copies of the image

# All ratios are measured in benchmarks/NOTES.md, "Run time forecast".

WIDE_NETWORK = 12.0  # time of a pixel with 128 channels at full resolution / with fast's network
HALF_NETWORK = 0.42  # time of a pixel without convolutions at full resolution / with them
WIDE = 128  # channels at full resolution of the published network
PASSES_BEFORE = 2  # passes on the noisy image alone, before those that use the estimate
MORE_CHANNELS = 0.69  # part of the time of a filter pass that grows with the number of channels
STACK_PASS = 0.92  # time of a pixel in a pass over neighbouring planes, for each plane
SHARP_PASS = 0.7  # time of a pixel in a pass over a sharpened image
SHARP_STACK_PASS = 0.9  # time of a voxel in a pass over a sharpened stack / over planes
GAP_PASS = 1.05  # time of a pixel in a pass that fills gaps
PROJECTION = 0.2  # time of a pixel in a projection on decimated data, for each channel
FILTERS_OF_BEST = 6.2  # time of a pixel in the filters that `best` averages, for each channel
BLURS_OF_ITERATION = 2.5  # forward, backward, and the loss of the average; not measured
ONE_THREAD = 0.25  # part of the work that further threads do not make faster; not measured
FIRST_FIT_S = 1.5  # seconds: the first fit of a process takes so much more, at any size
LOOP = 1.1  # checks, previews and the survey, as a factor of the time of the iterations


def pass_seconds(shape: Sequence[int], costs: Costs, *, planes: bool) -> float:
    """Estimate the time of a filter pass over ``(channels, *spatial)``; ``planes`` may be channels.

    Examples
    --------
    >>> pass_seconds((2, 10, 10), Costs(0, 0, 0.01, 0), planes=False)
    1.69
    """
    channels = STACK_PASS * shape[0] if planes else 1 + MORE_CHANNELS * (shape[0] - 1)
    return channels * math.prod(shape[1:]) * costs.filter_s


def padded_pixels(sides: Sequence[int], kernel: Sequence[int]) -> int:
    """Return the pixels of an image that is padded for a blur; half of the image if unknown.

    Examples
    --------
    >>> padded_pixels((100, 100), (29, 29))
    16384
    """
    kernel = kernel or [size // 2 for size in sides]
    margins = padding(kernel, sides)
    return math.prod(size + sum(widths) for size, widths in zip(sides, margins, strict=True))


def blur_seconds(shape: Sequence[int], kernel: Sequence[int], costs: Costs) -> float:
    """Estimate the time to blur ``(channels, *spatial)`` with a kernel of these sides."""
    return shape[0] * padded_pixels(shape[1:], kernel) * costs.blur_s
