"""Tell the noise of a sensor from the images that it took."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.ndimage import uniform_filter
from skimage.util import view_as_blocks

from napari_dip.noise.flat_regions import Flat, flat_pixels, robust_sigma
from napari_dip.noise.model import NoiseModel
from napari_dip.noise.padding import without_padding
from napari_dip.noise.texture import (
    LEAST_PART,
    has_expected_minimum,
    is_weaker_diagonally,
    quietest_variance_ratio,
)
from napari_dip.noise.variance_line import Ends, fit_variance_line

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_dip.noise.model import Correlation

__all__ = ["MAX_SAMPLE_PIXELS", "estimate_noise"]

_HEAP = 2e-3
"""The part of the pixels that, piled up at an extreme value, shows that it was clipped there."""

_CORRELATED = 1.25
"""Noise that is white is as strong between neighbours as between pixels two apart."""

_QUANTILES = 0.25, 0.5
"""Of the intensities: where they have texture, their noise seems to be shared, and never less. The
lower quartile tells of the noise; the half, whether there is noise to be seen at all.
"""

_GROWS = 1.14
"""Differences that grow less from one step to the next show the whole noise: texture grows too."""

_SMOOTH = 0.8
"""Correlation of neighbours in a smooth image that was decimated, or above."""

_FARTHEST = 5
"""In pixels: noise that is shared farther cannot be told from the image."""

_MOST = 0.98
"""Correlation of neighbours: with 1 there would be no noise between them at all."""

_SPOT, _DARKEST = 3, 0.02
"""Side in pixels of the parts whose means are compared, and how many of them are the darkest."""

_NEAR = 0.01
"""Of the range of values: how near to an extreme a value counts as beside it."""

_LEAST = 200
"""Pixels without padding that tell the noise; of fewer, padding is looked at as well."""

_BLOCK = 256
"""Side in pixels of the blocks of a large image that are looked at."""

MAX_SAMPLE_PIXELS = 1024**2
"""In pixels: of a larger image, or more planes, a part is looked at."""


def estimate_noise(
    y: NDArray[Any],
    known: NDArray[np.bool_] | None = None,
    *,
    signal_dependent: bool = True,
    decimated: bool = False,
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
    decimated
        Whether a finer image was seen, the texture of which may be folded over: then noise is sure
        only if it is white and as strong in the quietest parts of the image; where it is weaker
        there, as weak as that is returned.

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
    noisy = without_padding(planes, seen)
    flat = flat_pixels(planes, noisy)
    if flat.level.size < _LEAST:
        noisy, flat = seen, flat_pixels(planes, seen)
    seen, ends = noisy, _ends(planes, noisy)
    if flat.level.size < 2:
        return NoiseModel(low=ends.low, high=ends.high)
    (growth,) = flat.growths((1, 1), [2])
    fitted = partial(_fitted, flat, ends, signal_dependent=signal_dependent)
    shared: NoiseModel | None = None
    if np.quantile(growth, _QUANTILES[0]) > _CORRELATED:
        shared = fitted(_correlation(flat))
    # Pixels that are clipped show no noise, nor that there is none; asked strictly, they are black.
    asked = seen if decimated else seen & (planes > ends.low) & (planes < ends.high)
    believed = shared is not None and _is_noise(shared, flat, planes, asked)
    if shared and believed and not decimated:
        return shared
    white = fitted(((), ())) or NoiseModel(low=ends.low, high=ends.high)
    if not decimated:
        return white
    if shared and believed and _neighbouring(shared) < _SMOOTH:
        return replace(shared, sure=False)
    part = quietest_variance_ratio(planes, seen, white)
    return white if part > LEAST_PART and not believed else white.weakened(min(part, 1.0))


def _neighbouring(model: NoiseModel) -> float:
    """Tell the correlation of neighbours, the larger of both axes."""
    return max(along[0] if along else 0.0 for along in model.correlation)


def _is_noise(
    model: NoiseModel, flat: Flat, planes: NDArray[np.float64], seen: NDArray[np.bool_]
) -> bool:
    """Tell noise that seems to be shared from fine texture under weak white noise."""
    return has_expected_minimum(planes, seen, model) and is_weaker_diagonally(flat, model)


def _fitted(
    flat: Flat, ends: Ends, correlation: Correlation, *, signal_dependent: bool
) -> NoiseModel | None:
    """Fit a model with this correlation; ``None`` where nothing is known that far apart."""
    # Pixels so far apart show the whole noise, even where neighbours share theirs.
    details = flat.details((len(correlation[0]) + 1, len(correlation[1]) + 1))
    usable = np.isfinite(details)
    if not usable.any():
        return None
    level, details = flat.level[usable], details[usable]
    model = fit_variance_line(level, details, ends) if signal_dependent else None
    model = model or NoiseModel(read=robust_sigma(details), low=ends.low, high=ends.high)
    return replace(model, correlation=correlation)


def _thinned(planes: NDArray[Any]) -> NDArray[Any]:
    """Take blocks of a large image from all over it, at random, and no more than are needed."""
    if planes.size <= MAX_SAMPLE_PIXELS:
        return planes
    height, width = (min(_BLOCK, side) for side in planes.shape[1:])
    rows, columns = planes.shape[1] // height, planes.shape[2] // width
    blocks = view_as_blocks(planes[:, : rows * height, : columns * width], (1, height, width))
    places = np.ndindex(blocks.shape[:3])
    chosen = np.random.default_rng(0).permutation(list(places))
    taken: NDArray[Any] = blocks[*chosen[: MAX_SAMPLE_PIXELS // (height * width)].T, 0]
    return taken


def _correlation(flat: Flat) -> Correlation:
    """Tell the noise that is shared along both axes; none where there is texture along either."""
    y, x = (_correlation_along(flat, axis) for axis in (0, 1))
    return ((), ()) if y is None or x is None else (y, x)


def _correlation_along(flat: Flat, axis: int) -> tuple[float, ...] | None:
    """Tell the correlation of the noise of pixels 1, 2, ... apart; ``None`` where there is texture.

    Noise of variance s² and correlation r has second differences [1, -2, 1] at step k of variance
    s² (6 - 8 r(k) + 2 r(2k)). They grow until pixels so far apart share nothing; what grows on and
    on is texture.
    """
    growths = flat.growths((1, 0) if axis == 0 else (0, 1), range(1, _FARTHEST + 1))
    scales, typical = zip(*(np.quantile(growth, _QUANTILES) for growth in growths), strict=True)
    if _settles(typical) is None:
        return None
    alone = max(2, _settles(scales) or _FARTHEST)  # what is shared across corners alone as well
    shared: dict[int, float] = {}
    for k in reversed(range(1, alone)):
        part = 1 - (scales[k - 1] / scales[alone - 1]) ** 2
        shared[k] = min(max(0.75 * (part + shared.get(2 * k, 0.0) / 3), 0.0), _MOST)
    return tuple(float(shared[k]) for k in range(1, alone))


def _settles(scales: tuple[float, ...]) -> int | None:
    """Find the step from which on the differences grow no more."""
    steps = (k for k, (s, t) in enumerate(pairwise(scales), 1) if t < _GROWS * s)
    return next(steps, None)


def _ends(planes: NDArray[np.float64], seen: NDArray[np.bool_]) -> Ends:
    """Find the ends at which values pile up, and the mean of the darkest parts."""
    values = planes[seen]
    if not values.size or values.min() == values.max():
        return Ends(-math.inf, math.inf, math.inf, 0.0)
    lowest, highest = float(values.min()), float(values.max())
    low = lowest if _is_heap(values, lowest) else -math.inf
    high = highest if _is_heap(values, highest) else math.inf
    size = (1, *(min(_SPOT, side) for side in planes.shape[1:]))
    means = uniform_filter(np.where(seen, planes, values.mean()), size)
    dark = float(np.quantile(means[seen], _DARKEST))
    step = float(values[values > lowest].min()) - lowest
    return Ends(low, high, dark, step)


def _is_heap(values: NDArray[np.float64], end: float) -> bool:
    """Whether so many values are at an end that they were clipped, or are nothing."""
    heap = np.mean(values == end)
    near = np.abs(values - end) <= _NEAR * (values.max() - values.min())
    return bool(heap > _HEAP and heap > 0.5 * near.mean())
