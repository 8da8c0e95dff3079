"""Survey an image before its restoration: intensity ranges, noise, and dissimilar planes."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_dip.errors import BadImage, BadMask, BadSettings
from napari_dip.image.channel_noise import channel_noise, without_alpha
from napari_dip.image.intensity import IntensityRange, Scale
from napari_dip.image.observed import Fingerprint
from napari_dip.image.plane_similarity import PlaneComparisons, is_shifted
from napari_dip.noise.constants import MAX_SAMPLE_PIXELS
from napari_dip.pipeline.conditions import may_align

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from napari_dip.image.axes import Layout
    from napari_dip.image.observed import ObservedImage, ObservedPart
    from napari_dip.noise.model import NoiseModel
    from napari_dip.settings import Settings

__all__ = ["Survey", "survey"]

MIN_RANGE, MAX_RANGE = 1e-150, 1e150
"""Intensity range, in units of the image: float64 holds its square."""

FLOAT64_BYTES = 8

Numbers = tuple[int, ...]


@dataclass(frozen=True)
class Survey:
    """Measured properties of an image.

    Parameters
    ----------
    scales
        Intensity scale of each channel; ``None`` if all its known values are equal.
    noises
        Noise model of each channel, in units of the image.
    breaks
        Numbers along the leading axes of the planes that are dissimilar to the one before them
        along the shared axis.
    digest
        Digest of all values.
    known
        Digest of the mask of the known pixels; empty if all are known.
    unknown
        Numbers along the leading axes of the planes (or volumes) without any known pixel.
    """

    scales: tuple[Scale | None, ...]
    noises: tuple[NoiseModel, ...]
    breaks: frozenset[Numbers]
    digest: str
    known: str = ""
    unknown: frozenset[Numbers] = frozenset()


def survey(
    observed: ObservedImage,
    layout: Layout,
    settings: Settings,
    psf: NDArray[np.float32] | None = None,
) -> Survey:
    """Read all planes, and measure intensity ranges, noise and similarity of neighbours.

    Planes of channels with outliers, and planes at breaks, are read twice.

    Raises
    ------
    BadMask
        If no pixel is known, or none is missing for a task that fills gaps.
    BadImage
        If the intensity range is too large or too small, or the offset of the given noise does not
        fit it.
    BadSettings
        If the given noise is far stronger than the intensity range, or the result does not fit the
        dtype.
    """
    ranges: dict[int, IntensityRange] = defaultdict(IntensityRange)
    samples: dict[int, list[ObservedPart]] = defaultdict(list)
    comparisons = PlaneComparisons(layout)
    fingerprint = Fingerprint(layout)
    step = _sample_step(layout)
    unknown: set[Numbers] = set()
    complete = True
    for number, index in enumerate(layout.indices()):
        plane = observed.read(index)
        fingerprint.add(index, plane)
        (channel,) = layout.channels_of(index)
        blocks = without_alpha(plane, layout)
        complete = complete and bool(blocks[1].all())
        if not blocks[1].any():
            unknown.add(layout.numbers(index))
            continue
        with np.errstate(over="ignore", invalid="ignore"):
            ranges[channel].add(*blocks)
        if number // layout.channels % step == 0 or not samples[channel]:
            samples[channel].append(plane)
        if layout.shares_planes:
            comparisons.add(plane, layout.numbers(index), channel)
    if len(unknown) == layout.units:
        raise BadMask(
            "no pixel is known: the mask (or NaN) covers the whole image; unmask some pixels"
        )
    if complete and settings.task.fills_gaps:
        raise BadMask(
            "nothing is missing: there is no mask, and no pixel is NaN; give a mask that marks "
            "the pixels to fill"
        )
    _count_outliers(ranges, observed, layout)
    if settings.dtype == "float32":
        _check_float32(ranges.values())
    channels = range(layout.channels)
    scales = tuple(_scale(ranges[c], observed.image.dtype) for c in channels)
    noises = tuple(channel_noise(samples[c], scales[c], layout, settings) for c in channels)
    breaks = comparisons.breaks(noises)
    if may_align(settings, blurred=psf is not None):
        breaks = {
            numbers: noise
            for numbers, noise in breaks.items()
            if not is_shifted(observed, layout, numbers, noise)
        }
    return Survey(
        scales=scales,
        noises=noises,
        breaks=frozenset(breaks) | _channel_breaks(layout, scales, noises),
        digest=fingerprint.values,
        known=fingerprint.known,
        unknown=frozenset(unknown),
    )


def _check_float32(ranges: Iterable[IntensityRange]) -> None:
    """Raise if float32 cannot hold the values of a range, or cannot distinguish its limits."""
    largest = float(np.finfo(np.float32).max)
    for low, high in ((extent.low, extent.high) for extent in ranges):
        if low <= high and not max(abs(low), abs(high)) <= largest:
            farthest = max(low, high, key=abs)
            raise BadSettings(
                f"dtype='float32' cannot hold {farthest:g}; its largest value is {largest:g}; "
                "choose dtype='keep', or divide the image"
            )
        if low < high and np.float32(low) == np.float32(high):
            raise BadSettings(
                f"dtype='float32' cannot distinguish {low!r} and {high!r}; choose dtype='keep', or "
                "subtract the smallest value and scale the image"
            )


def _channel_breaks(
    layout: Layout, scales: tuple[Scale | None, ...], noises: tuple[NoiseModel, ...]
) -> frozenset[Numbers]:
    """Return breaks between channels: one without contrast, or noise of different kinds."""
    if layout.shared != "C":
        return frozenset()
    kinds = [
        (scale is None, noise.is_none, noise.correlated)
        for scale, noise in zip(scales, noises, strict=True)
    ]
    return frozenset(
        layout.numbers(index)
        for index in layout.indices()
        for channel in layout.channels_of(index)
        if channel and (scales[channel] is None or kinds[channel] != kinds[channel - 1])
    )


def _sample_step(layout: Layout) -> int:
    """Return n, so that every n-th plane of a channel suffices to estimate the noise."""
    height, width = layout.spatial_shape[-2:]
    pixels = min(height * width, MAX_SAMPLE_PIXELS)
    planes = max(1, layout.units // layout.channels)
    return max(1, planes * pixels // MAX_SAMPLE_PIXELS)


def _count_outliers(
    ranges: dict[int, IntensityRange], observed: ObservedImage, layout: Layout
) -> None:
    if not any(extent.has_outliers for extent in ranges.values()):
        return
    for index in layout.indices():
        extent = ranges[layout.channels_of(index)[0]]
        if extent.has_outliers:
            extent.count(*without_alpha(observed.read(index), layout))


def _scale(extent: IntensityRange, dtype: np.dtype[Any]) -> Scale | None:
    if extent.values and not np.isfinite([extent.low, extent.high]).all():
        raise BadImage(
            f"dtype {dtype}: float64 cannot hold some values; divide the image by its largest "
            "value first"
        )
    if dtype.itemsize >= FLOAT64_BYTES and dtype != np.float64 and (step := extent.step):
        raise BadImage(
            f"the values range from {extent.exact_low} to {extent.exact_high}, where float64 has "
            f"steps of {step:g}, so grey levels would be lost; subtract {extent.exact_low} from "
            "the image first"
        )
    with np.errstate(over="ignore", invalid="ignore"):
        scale = extent.scale(dtype)
    if scale is not None and not scale.span < MAX_RANGE:
        raise BadImage(
            f"the values range from {extent.low:g} to {extent.high:g}, and float64 cannot hold "
            "their squares; divide the image by its largest value first"
        )
    if scale is not None and not scale.span > MIN_RANGE:
        raise BadImage(
            f"the values range from {extent.low:g} to {extent.high:g}, so little that float64 "
            "rounds their squares to 0; multiply the image first"
        )
    return scale
