"""One look at every plane before any work: ranges, noise, and which neighbours are alike."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_dip.errors import BadImage, BadMask, BadSettings
from napari_dip.image.channel_noise import channel_noise, without_alpha
from napari_dip.image.intensity import IntensityRange, Scale
from napari_dip.image.observed import Fingerprint
from napari_dip.noise.constants import MAX_SAMPLE_PIXELS
from napari_dip.pipeline.conditions import may_align
from napari_dip.pipeline.registration import overlap, register_planes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from napari_dip.image.axes import Layout
    from napari_dip.image.observed import ObservedImage, ObservedPart
    from napari_dip.noise.model import NoiseModel
    from napari_dip.settings import Settings

__all__ = ["Survey", "survey"]

_NEAR, _FAR = 1.0, 100.0
"""Neighbours that differ by less than the first of these parts of the variance of the noise are
alike; if by more than the other, there is too little noise for sharing a network to be worth it."""

_ALIKE = 0.5
"""Least correlation of those in between, the noise left out: planes that differ share a network
nearly as well, but the images on either side of a cut do not."""

_NARROWEST, _WIDEST = 1e-150, 1e150
"""Ranges of values of which a variance can still be computed."""

_DOUBLE = 8
"""Bytes of a float64."""

Numbers = tuple[int, ...]

Comparison = tuple[float, float, float]
"""Of two planes: the variance of their difference, that of both together, and their mean level."""


@dataclass
class _Neighbours:
    """Compares each plane with the one before it along the shared axis.

    ``steps`` hold for each plane its channel, and how it compares.
    """

    layout: Layout
    steps: dict[Numbers, tuple[int, Comparison]] = field(default_factory=dict)
    _before: dict[Numbers, ObservedPart] = field(default_factory=dict)

    def add(self, seen: ObservedPart, numbers: Numbers, channel: int) -> None:
        axis = self.layout.axes.index(self.layout.shared)
        place = self.layout.leading.index(axis)
        others = (*numbers[:place], *numbers[place + 1 :])
        before = self._before.pop(others, None)
        if numbers[place] != self.layout.shape[axis] - 1:
            self._before[others] = seen
        if before is None:
            return
        told = _compared((before.values, seen.values), before.known & seen.known)
        if told is not None:
            self.steps[numbers] = channel, told

    def breaks(self, noises: tuple[NoiseModel, ...]) -> dict[Numbers, NoiseModel]:
        """Name the planes that show something else than the one before, and their noise."""
        return {
            numbers: noises[channel]
            for numbers, (channel, told) in self.steps.items()
            if not _alike(told, noises[channel])
        }


def _compared(
    planes: tuple[NDArray[Any], NDArray[Any]], known: NDArray[np.bool_]
) -> Comparison | None:
    """Compare two planes where both are known, if they are anywhere."""
    if not known.any():
        return None
    part = ... if known.all() else known  # a mask would copy what is wholly known
    one, other = (plane[part].astype(np.float64) for plane in planes)
    level = (one.mean() + other.mean()) / 2
    return float((other - one).var()), float(one.var() + other.var()), float(level)


def _alike(told: Comparison, model: NoiseModel) -> bool:
    """Tell from variances: of the difference, of both planes, and of the noise in either."""
    difference, both, level = told
    noise = 2 * float(model.sigma(level)) ** 2
    excess = difference - noise
    if excess <= _NEAR * noise / 2:
        return True
    return excess <= _FAR * noise / 2 and excess < (1 - _ALIKE) * (both - noise)


@dataclass(frozen=True)
class Survey:
    """What is known of an image before it is restored.

    Parameters
    ----------
    scales
        One for each channel, ``None`` for one whose known values are all alike.
    noises
        One for each channel, in the units of the image.
    breaks
        Numbers along the leading axes of the planes that differ too much from the one before them
        along the shared axis.
    unknown
        Those of the planes (or volumes) of which no pixel is known.
    digest
        Of all values and of what is known of them.
    """

    scales: tuple[Scale | None, ...]
    noises: tuple[NoiseModel, ...]
    breaks: frozenset[Numbers]
    digest: str
    unknown: frozenset[Numbers] = frozenset()


def survey(
    observed: ObservedImage,
    layout: Layout,
    settings: Settings,
    psf: NDArray[np.float32] | None = None,
) -> Survey:
    """Read all planes once; those of channels with outliers, and where they are cut, again.

    Raises
    ------
    BadMask
        If no pixel is known at all, or none is missing that could be inpainted.
    BadImage
        If the values span too much, or the offset of the noise that was told does not fit them.
    BadSettings
        If that noise is far more than they span.
    """
    extents: dict[int, IntensityRange] = defaultdict(IntensityRange)
    samples: dict[int, list[ObservedPart]] = defaultdict(list)
    neighbours = _Neighbours(layout)
    digest = Fingerprint()
    every = _sampled_every(layout)
    unknown: set[Numbers] = set()
    whole = True
    for number, index in enumerate(layout.indices()):
        seen = observed.read(index)
        digest.add(seen)
        (channel,) = layout.channels_of(index)
        planes = without_alpha(seen, layout)
        whole = whole and bool(planes[1].all())
        if not planes[1].any():
            unknown.add(layout.numbers(index))
            continue
        with np.errstate(over="ignore", invalid="ignore"):
            extents[channel].add(*planes)
        if number // layout.channels % every == 0 or not samples[channel]:
            samples[channel].append(seen)
        if layout.shares_planes:
            neighbours.add(seen, layout.numbers(index), channel)
    if len(unknown) == layout.units:
        raise BadMask(
            "no pixel is known: the mask (or NaN) hides the whole image; unmask some pixels"
        )
    if whole and settings.task.fills_gaps:
        raise BadMask(
            "nothing is missing: there is no mask, and no pixel is NaN; give a mask that marks "
            "what is to be filled"
        )
    _count_outliers(extents, observed, layout)
    if settings.dtype == "float32":
        _check_float32(extents.values())
    channels = range(layout.channels)
    scales = tuple(_scale(extents[c], observed.image.dtype) for c in channels)
    noises = tuple(channel_noise(samples[c], scales[c], layout, settings) for c in channels)
    cuts = neighbours.breaks(noises)
    if may_align(settings, blurred=psf is not None):
        cuts = {at: noise for at, noise in cuts.items() if not _moved(observed, layout, at, noise)}
    return Survey(
        scales=scales,
        noises=noises,
        breaks=frozenset(cuts) | _lonely(layout, scales, noises),
        digest=str(digest),
        unknown=frozenset(unknown),
    )


def _check_float32(extents: Iterable[IntensityRange]) -> None:
    """Refuse what a result of dtype float32 could not hold, or could not tell apart."""
    most = float(np.finfo(np.float32).max)
    for low, high in ((extent.low, extent.high) for extent in extents):
        if low <= high and not max(abs(low), abs(high)) <= most:
            farthest = max(low, high, key=abs)
            raise BadSettings(
                f"dtype='float32' cannot hold {farthest:g}, for it ends at {most:g}; choose "
                "dtype='keep', or divide the image"
            )
        if low < high and np.float32(low) == np.float32(high):
            raise BadSettings(
                f"dtype='float32' cannot tell {low!r} from {high!r}; choose dtype='keep', or "
                "subtract the darkest value and scale the image"
            )


def _moved(observed: ObservedImage, layout: Layout, numbers: Numbers, noise: NoiseModel) -> bool:
    """Whether a plane shows what the one before it does, in another place.

    Of a colour, red tells it.
    """
    here = dict(zip(layout.leading, numbers, strict=True))
    axis = layout.axes.index(layout.shared)
    pair = [
        observed.read(layout.index({**here, axis: plane})) for plane in (here[axis] - 1, here[axis])
    ]
    values, known = (
        np.stack([layout.colours(part)[0] for part in parts])
        for parts in zip(*((seen.values, seen.known) for seen in pair), strict=True)
    )
    values = np.where(known, values, 0).astype(np.float64)
    found = register_planes(values, known, (noise, noise))
    if not found.any():
        return False
    one, other = overlap(values, found)
    told = _compared((one, other), np.logical_and(*overlap(known, found)))
    return told is not None and _alike(told, noise)


def _lonely(
    layout: Layout, scales: tuple[Scale | None, ...], noises: tuple[NoiseModel, ...]
) -> frozenset[Numbers]:
    """Part channels that would share: either has no contrast, or noise of another kind."""
    if layout.shared != "C":
        return frozenset()
    kinds = [
        (scale is None, noise.gain == noise.read == 0, noise.correlated)
        for scale, noise in zip(scales, noises, strict=True)
    ]
    return frozenset(
        layout.numbers(index)
        for index in layout.indices()
        for channel in layout.channels_of(index)
        if channel and (scales[channel] is None or kinds[channel] != kinds[channel - 1])
    )


def _sampled_every(layout: Layout) -> int:
    """Say of how many planes of a channel one is enough to tell the noise."""
    height, width = layout.spatial_shape[-2:]
    pixels = min(height * width, MAX_SAMPLE_PIXELS)
    planes = max(1, layout.units // layout.channels)
    return max(1, planes * pixels // MAX_SAMPLE_PIXELS)


def _count_outliers(
    extents: dict[int, IntensityRange], observed: ObservedImage, layout: Layout
) -> None:
    if not any(extent.has_outliers for extent in extents.values()):
        return
    for index in layout.indices():
        extent = extents[layout.channels_of(index)[0]]
        if extent.has_outliers:
            extent.count(*without_alpha(observed.read(index), layout))


def _scale(extent: IntensityRange, dtype: np.dtype[Any]) -> Scale | None:
    if extent.values and not np.isfinite([extent.low, extent.high]).all():
        raise BadImage(
            f"dtype {dtype}: some values are beyond a float64; divide the image by its largest "
            "value first"
        )
    if dtype.itemsize >= _DOUBLE and dtype != np.float64 and (step := extent.step):
        raise BadImage(
            f"the values run from {extent.exact_low} to {extent.exact_high}, and a float64, in "
            f"which they are computed, tells them apart only in steps of {step:g}; subtract "
            f"{extent.exact_low} from the image first"
        )
    with np.errstate(over="ignore", invalid="ignore"):
        scale = extent.scale(dtype)
    if scale is not None and not scale.span < _WIDEST:
        raise BadImage(
            f"the values run from {extent.low:g} to {extent.high:g}, so far that their squares are "
            "beyond a float64; divide the image by its largest value first"
        )
    if scale is not None and not scale.span > _NARROWEST:
        raise BadImage(
            f"the values run from {extent.low:g} to {extent.high:g}, so little that their squares "
            "are nothing to a float64; multiply the image first"
        )
    return scale
