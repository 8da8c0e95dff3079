"""Tell the noise of a sensor from the images that it took."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.ndimage import uniform_filter
from scipy.optimize import least_squares

from napari_dip.prior.noise import NoiseModel

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["LARGEST_SAMPLE", "estimate_noise"]

_FAR = 3.0
"""In standard deviations: differences beyond that are edges, not noise."""

_LEFT_OF_NORMAL = 0.985
"""Standard deviation of normal values once those beyond are cut off, again and again."""

_WINDOW = 7
"""Side of the square over which the local mean is taken."""

_FLATTEST = 0.4
"""The part of the pixels of a bin, those with the least gradient, that tell of the noise."""

_HEAP = 2e-3
"""The part of the pixels that, piled up at an extreme value, shows that it was clipped there."""

_LEAST_RISE = 1.3
"""By how much the variance must rise over the image's range to be worth a transform."""

_CORRELATED = 1.3
"""Noise that is white is as strong between neighbours as between pixels two apart."""

_NEAR = 0.01
"""Of the range of values: how near to an extreme a value counts as beside it."""

_BINS = 16
_LEAST_IN_BIN = 200

_SIDE = 2048
"""Of the part of a plane that is looked at."""

LARGEST_SAMPLE = _SIDE**2
"""In pixels: of more planes than make that many, some are looked at."""


def estimate_noise(
    y: NDArray[Any], known: NDArray[np.bool_] | None = None, *, signal_dependent: bool = True
) -> NoiseModel:
    """Estimate gain, offset and read noise from images alone.

    The noise is told from the image by second differences along both axes (Immerkær, CVIU 64,
    1996), its strength by their median absolute value (Donoho and Johnstone, Biometrika 81,
    1994) among pixels of like intensity in flat surroundings; a straight line through variance
    over intensity gives gain and read noise (Foi, Trimeche, Katkovnik and Egiazarian, IEEE TIP
    17, 2008). From one image offset and read noise cannot be told apart, and need not: the
    offset returned is the darkest level seen, and the read noise that at the darkest level.

    Parameters
    ----------
    y
        ``(..., height, width)``, any real dtype; all planes tell together of one sensor.
    known
        Of the same shape, true where a pixel was observed; ``None`` for all.
    signal_dependent
        False for Gaussian noise, the same everywhere.

    Returns
    -------
    NoiseModel
        In the units of ``y``. All zero where no 3x3 block is wholly known.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> photons = np.linspace(5, 200, 256) * np.ones((256, 1))
    >>> noise = estimate_noise(100 + 2 * rng.poisson(photons) + rng.normal(0, 3, (256, 256)))
    >>> abs(noise.gain - 2) < 0.2
    True
    """
    planes = np.reshape(y, (-1, *np.shape(y)[-2:]))
    seen = np.ones(planes.shape, bool) if known is None else np.reshape(known, planes.shape)
    planes, seen = (_thinned(each) for each in (planes, seen))
    planes = planes.astype(np.float64)
    low, high = _clipped_at(planes[seen])
    flat = _flat_pixels(planes, seen)
    if flat.level.size < 2:
        return NoiseModel(low=low, high=high)
    correlated = _scale_of(flat.details[1]) > _CORRELATED * _scale_of(flat.details[0])
    # The noise of pixels two apart is the whole noise even where neighbours share theirs.
    details = flat.details[1 if correlated else 0]
    model = _fit_line(flat.level, details, low, high) if signal_dependent else None
    model = model or NoiseModel(read=_scale_of(details))
    return replace(model, low=low, high=high, correlated=correlated)


def _thinned(planes: NDArray[Any]) -> NDArray[Any]:
    """Take the middle of large planes, and as many of them as are needed."""
    middle = tuple(
        slice(max(0, (side - _SIDE) // 2), (side + _SIDE) // 2) for side in planes.shape[1:]
    )
    planes = planes[:, *middle]
    return planes[:: max(1, planes.size // LARGEST_SAMPLE)]


@dataclass(frozen=True)
class _Flat:
    """Pixels in flat surroundings: local mean, and second differences at steps of 1 and 2."""

    level: NDArray[np.float64]
    details: tuple[NDArray[np.float64], NDArray[np.float64]]


def _flat_pixels(planes: NDArray[np.float64], seen: NDArray[np.bool_]) -> _Flat:
    """Choose, at every intensity, the pixels with the least gradient around them."""
    size = (1, *(min(_WINDOW, side) for side in planes.shape[1:]))
    weight = uniform_filter(seen.astype(np.float64), size)
    level = uniform_filter(np.where(seen, planes, 0.0), size) / np.maximum(weight, 1e-9)
    steps = np.hypot(*(_central(level, axis) for axis in (1, 2)))
    details = tuple(_second_differences(planes, seen, step) for step in (1, 2))
    usable = np.isfinite(details[0]) & np.isfinite(details[1])
    if not usable.any():
        # too small, or too few known pixels, for a step of two
        usable = np.isfinite(details[0])
        details = (details[0], details[0])
    if not usable.any():
        return _Flat(np.empty(0), (np.empty(0), np.empty(0)))
    level, steps = level[usable], steps[usable]
    one, two = (each[usable] for each in details)
    flat = [
        part[np.argsort(steps[part], kind="stable")[: max(1, round(_FLATTEST * len(part)))]]
        for part in _bins(level)
    ]
    chosen = np.concatenate(flat)
    return _Flat(level[chosen], (one[chosen], two[chosen]))


def _bins(level: NDArray[np.float64]) -> list[NDArray[np.intp]]:
    """Group pixels by intensity: as many in each, and again finer where the range is wide.

    A micrograph is mostly background: groups of equal size alone would see little else.
    """
    order = np.argsort(level, kind="stable")
    ends = np.linspace(level[order[0]], level[order[-1]], _BINS + 1)[1:-1]
    cuts = np.union1d(
        np.searchsorted(level[order], ends), np.linspace(0, len(order), _BINS + 1)[1:-1].astype(int)
    )
    parts: list[NDArray[np.intp]] = []
    start = 0
    for stop in [*cuts, len(order)]:
        if stop - start >= _LEAST_IN_BIN:
            parts.append(order[start:stop])
            start = stop
    return [*parts, order[start:]] if start < len(order) else parts


def _central(level: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    """Differences across three pixels to either side, as far as the image reaches."""
    size = level.shape[axis]
    places = np.arange(size)
    after = level.take((places + _WINDOW // 2).clip(max=size - 1), axis)
    return after - level.take((places - _WINDOW // 2).clip(min=0), axis)


def _second_differences(
    planes: NDArray[np.float64], seen: NDArray[np.bool_], step: int
) -> NDArray[np.float64]:
    """[1, -2, 1] along both axes, scaled to keep the noise; NaN where a pixel is not known."""
    values = np.where(seen, planes, np.nan)
    details = np.full(values.shape, np.nan)
    if min(values.shape[1:]) <= 2 * step:
        return details
    for axis in (1, 2):
        before, here, after = (
            values.take(np.arange(start, values.shape[axis] - 2 * step + start), axis)
            for start in (0, step, 2 * step)
        )
        values = before - 2 * here + after
    details[:, step:-step, step:-step] = values / 6  # [1, -2, 1] twice has norm 6
    return details


def _scale_of(details: NDArray[np.float64]) -> float:
    """Estimate the standard deviation, without what lies far out.

    Not the median absolute value: where photons are few most differences are zero.
    """
    squares = np.sort(details**2)
    total = np.cumsum(squares)
    count = len(squares)
    for _ in range(10):
        inside = np.searchsorted(squares, _FAR**2 * total[count - 1] / count, side="right")
        if inside == count:
            break
        count = int(inside)
    return math.sqrt(total[count - 1] / count) / _LEFT_OF_NORMAL


def _clipped_at(values: NDArray[np.float64]) -> tuple[float, float]:
    """Find the ends at which values pile up; infinite where they do not."""
    if not values.size or values.min() == values.max():
        return -math.inf, math.inf
    ends = []
    for end, beyond in ((values.min(), -math.inf), (values.max(), math.inf)):
        heap = np.mean(values == end)
        near = np.abs(values - end) <= _NEAR * (values.max() - values.min())
        piled = heap > _HEAP and heap > 0.5 * near.mean()
        ends.append(float(end) if piled else beyond)
    return ends[0], ends[1]


def _fit_line(
    level: NDArray[np.float64], details: NDArray[np.float64], low: float, high: float
) -> NoiseModel | None:
    """Fit variance = gain * (level - offset) + read²; ``None`` where it does not rise."""
    parts = _bins(level)
    if len(parts) < 4:
        return None
    levels = np.array([level[part].mean() for part in parts])
    sigmas = np.array([_scale_of(details[part]) for part in parts])
    # Where many values are clipped, the noise that is left says little.
    usable = (levels + 2 * sigmas < high) & (sigmas > 0)
    whole = usable & (levels - 2 * sigmas > low)
    # Where photons are few everywhere, what piles up at the low end is no clipping.
    whole = whole if whole.sum() >= 4 else usable
    if whole.sum() < 4 or np.ptp(levels[whole]) == 0:
        return None
    levels, sigmas = levels[whole], sigmas[whole]
    darkest, brightest = levels.min(), levels.max()
    part_of_way = (levels - darkest) / (brightest - darkest)

    def misfit(logs: NDArray[np.float64]) -> NDArray[np.float64]:
        dark, bright = np.exp(logs)
        variances = dark + (bright - dark) * part_of_way
        misfits: NDArray[np.float64] = 2 * np.log(sigmas) - np.log(variances)
        return misfits

    start = np.log(np.full(2, np.median(sigmas) ** 2))
    # Texture makes a bin too noisy, never too quiet: a loss that does not mind a few of those.
    dark, bright = np.exp(least_squares(misfit, start, loss="soft_l1", f_scale=0.1).x)
    if bright < _LEAST_RISE * dark:
        return None
    gain = (bright - dark) / (brightest - darkest)
    return NoiseModel(float(gain), float(darkest), float(math.sqrt(dark)))
