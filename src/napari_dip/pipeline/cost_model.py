"""Costs of a machine, and ratios of the costs of other work to them."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Costs"]


@dataclass(frozen=True)
class Costs:
    """Seconds on one device, measured on a plane of one channel that ``fast`` denoises.

    Parameters
    ----------
    iteration_s
        Of an iteration, whatever the size of the image.
    pixel_s
        Of an iteration, for each pixel.
    filter_s
        Of a pass of the patch filter, for each pixel.
    """

    iteration_s: float
    pixel_s: float
    filter_s: float


# All ratios are measured in benchmarks/NOTES.md, "Run time forecast".

WIDE_NETWORK = 12.0  # time of a pixel with 128 channels at full resolution / with fast's network
WIDE = 128  # channels at full resolution of the published network
PASSES_BEFORE = 2  # passes on the noisy image alone, before those that use the estimate
MORE_CHANNELS = 0.69  # part of the time of a filter pass that grows with the number of channels
STACK_PASS = 0.92  # time of a pixel in a pass over neighbouring planes, for each plane
GAP_PASS = 3.8  # time of a pixel in a pass that fills gaps, for each channel
FILTER_ALONE = 5.4  # time of a pixel in the filters without a network, for each channel
LOOP = 1.1  # checks, previews and the survey, as a factor of the time of the iterations
