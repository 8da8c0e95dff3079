"""One look at every plane before any work: ranges, noise, and which neighbours are alike."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from skimage.measure import block_reduce

from napari_dip.errors import BadImage, BadMask
from napari_dip.prior.estimate import LARGEST_SAMPLE, estimate_noise
from napari_dip.prior.noise import NoiseModel
from napari_dip.settings import SensorNoise, Settings
from napari_dip.stack.intensity import Extent, Scale

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_dip.stack.axes import Index, Layout
    from napari_dip.stack.observed import Observed, Seen

__all__ = ["Survey", "survey"]

_THUMBNAIL = 4
"""Pixels along each side of which one of a thumbnail is the mean: little noise is left."""

_ALIKE = 0.8
"""Least correlation between the thumbnails of two planes that have much in common."""


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
        Numbers along the leading axes of the planes that are not like the one before them along
        the shared axis.
    digest
        Of all values and of what is known of them.
    """

    scales: tuple[Scale | None, ...]
    noises: tuple[NoiseModel, ...]
    breaks: frozenset[tuple[int, ...]]
    digest: str


def survey(observed: Observed, layout: Layout, settings: Settings) -> Survey:
    """Read all planes once, and those of channels with outliers twice.

    Raises
    ------
    BadMask
        If nothing is known of a plane.
    BadImage
        If the values span more than a float64, or the noise that was told does not fit them.
    """
    extents: dict[int, Extent] = defaultdict(Extent)
    samples: dict[int, list[Seen]] = defaultdict(list)
    breaks: set[tuple[int, ...]] = set()
    before: dict[tuple[int, ...], NDArray[np.float32]] = {}
    digest = hashlib.blake2b(digest_size=16)
    every = _sampled_every(layout)
    for number, index in enumerate(layout.indices()):
        seen = observed.look(index)
        if not seen.known.any():
            where = f" in the plane {index}" if index else ""
            raise BadMask(
                f"no pixel is known{where}: the mask (or NaN) hides all of it; unmask some pixels"
            )
        channel = _channel(layout, index)
        planes = _colours(seen, layout)
        with np.errstate(over="ignore", invalid="ignore"):
            extents[channel].add(*planes)
        if number // layout.channels % every == 0:
            samples[channel].append(seen)
        if layout.shared and _differs(before, seen, layout.numbers(index), layout):
            breaks.add(layout.numbers(index))
        for part in (seen.values, seen.known):
            digest.update(np.ascontiguousarray(part).data)
    _count_outliers(extents, observed, layout)
    return Survey(
        scales=tuple(_scale(extents[c], observed.image.dtype) for c in sorted(extents)),
        noises=tuple(_noise(samples[c], extents[c], layout, settings) for c in sorted(extents)),
        breaks=frozenset(breaks),
        digest=digest.hexdigest(),
    )


def _channel(layout: Layout, index: Index) -> int:
    number = layout.at("C", index)
    return number if isinstance(number, int) else 0


def _colours(seen: Seen, layout: Layout) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Take a part as blocks, without alpha."""
    return layout.colours(seen.values), layout.colours(seen.known)


def _sampled_every(layout: Layout) -> int:
    """Say of how many planes of a channel one is enough to tell the noise."""
    height, width = (layout.shape[layout.axes.index(letter)] for letter in "YX")
    pixels = min(height * width, LARGEST_SAMPLE)
    planes = max(1, layout.units // layout.channels)
    return max(1, planes * pixels // LARGEST_SAMPLE)


def _differs(
    before: dict[tuple[int, ...], NDArray[np.float32]],
    seen: Seen,
    numbers: tuple[int, ...],
    layout: Layout,
) -> bool:
    """Compare a plane with the one before it along the shared axis, and remember it."""
    axis = layout.axes.index(layout.shared)
    place = layout.leading.index(axis)
    number, size = numbers[place], layout.shape[axis]
    others = (*numbers[:place], *numbers[place + 1 :])
    plane = np.where(seen.known, seen.values, seen.values[seen.known].mean()).astype(np.float32)
    thumbnail = block_reduce(plane, _THUMBNAIL, np.mean)
    last = before.pop(others, None)
    if number != size - 1:
        before[others] = thumbnail
    if last is None or not (np.ptp(last) > 0 and np.ptp(thumbnail) > 0):
        return False
    return bool(np.corrcoef(last.ravel(), thumbnail.ravel())[0, 1] < _ALIKE)


def _count_outliers(extents: dict[int, Extent], observed: Observed, layout: Layout) -> None:
    if not any(extent.has_outliers for extent in extents.values()):
        return
    for index in layout.indices():
        extent = extents[_channel(layout, index)]
        if extent.has_outliers:
            extent.count(*_colours(observed.look(index), layout))


def _scale(extent: Extent, dtype: np.dtype[Any]) -> Scale | None:
    with np.errstate(over="ignore", invalid="ignore"):
        scale = extent.scale(dtype)
    if scale is not None and not np.isfinite(scale.span):
        raise BadImage(
            f"the values run from {extent.low:g} to {extent.high:g}, more than a float64 can "
            "span; divide the image by 2 first"
        )
    return scale


def _noise(samples: list[Seen], extent: Extent, layout: Layout, settings: Settings) -> NoiseModel:
    """Take what was told of the noise, or find out from planes of the channel."""
    given = settings.noise
    if isinstance(given, SensorNoise):
        if given.gain and given.offset >= extent.high:
            raise BadImage(
                f"the noise's offset={given.offset:g} is not below the brightest pixel, "
                f"{extent.high:g}; give the grey value of the dark"
            )
        return NoiseModel(given.gain, given.offset, given.read)
    if not isinstance(given, str):
        return NoiseModel(read=given)
    values, known = (
        np.concatenate(parts) for parts in zip(*(_colours(s, layout) for s in samples), strict=True)
    )
    return estimate_noise(values, known, signal_dependent=given == "auto")
