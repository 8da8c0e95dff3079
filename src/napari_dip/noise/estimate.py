"""Estimate the noise of a sensor from its images."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.ndimage import uniform_filter
from skimage.util import view_as_blocks

from napari_dip.noise.constants import (
    CLIPPED_FRACTION,
    CLIPPED_NEAR_FRACTION,
    DARK_SPOT_QUANTILE,
    DARK_SPOT_SIDE,
    GROWTH_QUANTILES,
    MAX_CORRELATION,
    MAX_CORRELATION_DISTANCE,
    MAX_SAMPLE_PIXELS,
    MAX_SETTLED_GROWTH,
    MIN_CORRELATED_GROWTH,
    MIN_FLAT_PIXELS,
    MIN_QUIET_VARIANCE,
    NEAR_EXTREME,
    SAMPLE_BLOCK,
    SMOOTH_CORRELATION,
)
from napari_dip.noise.flat_regions import FlatPixels, flat_pixels, robust_sigma
from napari_dip.noise.padding import without_padding
from napari_dip.noise.poisson_gaussian import PoissonGaussian
from napari_dip.noise.texture import (
    has_expected_minimum,
    is_weaker_diagonally,
    quietest_variance_ratio,
)
from napari_dip.noise.variance_line import ValueLimits, fit_variance_line

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_dip.noise.model import Correlation

__all__ = ["estimate_noise"]


def estimate_noise(
    y: NDArray[Any],
    known: NDArray[np.bool_] | None = None,
    *,
    signal_dependent: bool = True,
    decimated: bool = False,
) -> PoissonGaussian:
    """Estimate gain, offset, read noise and correlation from images alone.

    Parameters
    ----------
    y
        ``(..., height, width)``, any real dtype; all planes are from one sensor.
    known
        Of the same shape, true where a pixel was observed; ``None`` for all.
    signal_dependent
        False for Gaussian noise, with one variance everywhere.
    decimated
        Whether the image is a decimated one, whose texture is aliased and looks like noise. Then
        the estimate is sure only if it is white and as strong in the quietest parts of the image.
        If these have less noise, that of the quietest parts is returned.

    Returns
    -------
    PoissonGaussian
        In the units of ``y``. All zero if no block of 3 x 3 pixels is known.

    Notes
    -----
    The noise is measured by second differences along both axes (Immerkær, CVIU 64, 1996) in flat
    surroundings, by a standard deviation without outliers in each intensity bin. A straight line
    through variance over intensity gives gain and read noise (Foi, Trimeche, Katkovnik and
    Egiazarian, IEEE TIP 17, 2008). One image does not determine both offset and read noise. The
    offset returned is the darkest level of the image, the read noise that at this level; this is
    enough to predict the variance.

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
    observed = np.ones(planes.shape, bool) if known is None else np.reshape(known, planes.shape)
    planes, observed = (_sampled(each) for each in (planes, observed))
    planes = planes.astype(np.float64)
    unpadded = without_padding(planes, observed)
    flat = flat_pixels(planes, unpadded)
    if flat.level.size < MIN_FLAT_PIXELS:
        unpadded, flat = observed, flat_pixels(planes, observed)
    observed, limits = unpadded, _value_limits(planes, unpadded)
    if flat.level.size < 2:
        return PoissonGaussian(low=limits.low, high=limits.high)
    (growth,) = flat.growth((1, 1), [2])
    fit = partial(_fit_model, flat, limits, signal_dependent=signal_dependent)
    correlated: PoissonGaussian | None = None
    if np.quantile(growth, GROWTH_QUANTILES[0]) > MIN_CORRELATED_GROWTH:
        correlated = fit(_correlation(flat))
    # Clipped pixels have no visible noise. In a decimated image they may be dark texture.
    tested = observed if decimated else observed & (planes > limits.low) & (planes < limits.high)
    confirmed = (
        correlated is not None
        and has_expected_minimum(planes, tested, correlated)
        and is_weaker_diagonally(flat, correlated)
    )
    if correlated and confirmed and not decimated:
        return correlated
    white = fit(((), ())) or PoissonGaussian(low=limits.low, high=limits.high)
    if not decimated:
        return white
    if correlated and confirmed and _neighbour_correlation(correlated) < SMOOTH_CORRELATION:
        return replace(correlated, sure=False)
    ratio = quietest_variance_ratio(planes, observed, white)
    sure = ratio > MIN_QUIET_VARIANCE and not confirmed
    return white if sure else white.weakened(min(ratio, 1.0))


def _neighbour_correlation(model: PoissonGaussian) -> float:
    """Return the correlation of neighbours along Y or X, the larger one."""
    return max(along[0] if along else 0.0 for along in model.correlation)


def _fit_model(
    flat: FlatPixels, limits: ValueLimits, correlation: Correlation, *, signal_dependent: bool
) -> PoissonGaussian | None:
    """Fit a model with this correlation; ``None`` if no pixels so far apart are known."""
    # Pixels beyond the correlation distance have differences with the whole variance.
    differences = flat.differences((len(correlation[0]) + 1, len(correlation[1]) + 1))
    usable = np.isfinite(differences)
    if not usable.any():
        return None
    level, differences = flat.level[usable], differences[usable]
    model = fit_variance_line(level, differences, limits) if signal_dependent else None
    model = model or PoissonGaussian(
        read=robust_sigma(differences), low=limits.low, high=limits.high
    )
    return replace(model, correlation=correlation)


def _sampled(planes: NDArray[Any]) -> NDArray[Any]:
    """Return random blocks of a large image, at most ``MAX_SAMPLE_PIXELS``."""
    if planes.size <= MAX_SAMPLE_PIXELS:
        return planes
    height, width = (min(SAMPLE_BLOCK, side) for side in planes.shape[1:])
    rows, columns = planes.shape[1] // height, planes.shape[2] // width
    blocks = view_as_blocks(planes[:, : rows * height, : columns * width], (1, height, width))
    places = np.ndindex(blocks.shape[:3])
    chosen = np.random.default_rng(0).permutation(list(places))
    taken: NDArray[Any] = blocks[*chosen[: MAX_SAMPLE_PIXELS // (height * width)].T, 0]
    return taken


def _correlation(flat: FlatPixels) -> Correlation:
    """Estimate the correlation along both axes; none if there is texture along either."""
    y, x = (_correlation_along(flat, axis) for axis in (0, 1))
    return ((), ()) if y is None or x is None else (y, x)


def _correlation_along(flat: FlatPixels, axis: int) -> tuple[float, ...] | None:
    """Estimate the correlation of the noise of pixels 1, 2, ... apart; ``None`` for texture.

    Noise of variance s² and correlation r has second differences [1, -2, 1] at step k of variance
    s² (6 - 8 r(k) + 2 r(2k)). They grow until pixels so far apart are uncorrelated. Those of
    texture grow beyond ``MAX_CORRELATION_DISTANCE``.
    """
    steps = range(1, MAX_CORRELATION_DISTANCE + 1)
    growths = flat.growth((1, 0) if axis == 0 else (0, 1), steps)
    low, median = zip(*(np.quantile(growth, GROWTH_QUANTILES) for growth in growths), strict=True)
    if _settled_at(median) is None:
        return None
    # At least 2: diagonal neighbours may be correlated although those along the axis are not.
    uncorrelated = max(2, _settled_at(low) or MAX_CORRELATION_DISTANCE)
    correlation: dict[int, float] = {}
    for k in reversed(range(1, uncorrelated)):
        missing = 1 - (low[k - 1] / low[uncorrelated - 1]) ** 2
        estimate = 0.75 * (missing + correlation.get(2 * k, 0.0) / 3)
        correlation[k] = min(max(estimate, 0.0), MAX_CORRELATION)
    return tuple(float(correlation[k]) for k in range(1, uncorrelated))


def _settled_at(growths: tuple[float, ...]) -> int | None:
    """Return the first step from which on the differences do not grow; ``None`` if they do."""
    steps = (k for k, (s, t) in enumerate(pairwise(growths), 1) if t < MAX_SETTLED_GROWTH * s)
    return next(steps, None)


def _value_limits(planes: NDArray[np.float64], known: NDArray[np.bool_]) -> ValueLimits:
    """Find the values at which the image was clipped, and its darkest level."""
    values = planes[known]
    if not values.size or values.min() == values.max():
        return ValueLimits(-math.inf, math.inf, math.inf, 0.0)
    lowest, highest = float(values.min()), float(values.max())
    low = lowest if _is_clipped(values, lowest) else -math.inf
    high = highest if _is_clipped(values, highest) else math.inf
    size = (1, *(min(DARK_SPOT_SIDE, side) for side in planes.shape[1:]))
    means = uniform_filter(np.where(known, planes, values.mean()), size)
    dark = float(np.quantile(means[known], DARK_SPOT_QUANTILE))
    step = float(values[values > lowest].min()) - lowest
    return ValueLimits(low, high, dark, step)


def _is_clipped(values: NDArray[np.float64], extreme: float) -> bool:
    """Return whether so many values are at an extreme that they were clipped, or are no photon."""
    fraction = np.mean(values == extreme)
    near = np.abs(values - extreme) <= NEAR_EXTREME * (values.max() - values.min())
    return bool(fraction > CLIPPED_FRACTION and fraction > CLIPPED_NEAR_FRACTION * near.mean())
