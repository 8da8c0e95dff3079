"""Find structure in a residual: what noise of a known correlation does not explain."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.stats import norm

from napari_dip.noise.synthesis import unit_noise

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_dip.noise.model import Correlation

__all__ = ["NEIGHBOURS", "neighbours", "structure_scores"]

NEIGHBOURS = {"Y": (1, 0), "X": (0, 1), "falling": (1, 1), "rising": (1, -1)}
"""Distance along Y and X of the neighbours whose correlation is measured: along both axes, and
across corners along both diagonals."""

SPOT_SIDES = 0.0, 1.0, 2.0
"""Pixels: standard deviations of the Gaussian windows in which the mean of the residual is tested.
A lost spot of one pixel is seen in the first, wider ones and edges in the others [Residual]."""

TEXTURE_SIDE = 2.5
"""Pixels: standard deviation of the Gaussian window in which the correlation of neighbours is
tested. Its area holds about 80 pixels [Residual]."""

NULL_SIDE = 1024
"""Pixels: side of the simulated noise whose statistics are those of no structure. It has about
10,000 independent windows."""

TAIL_QUANTILE = 0.999
"""Quantile from which on the correlation of noise has an exponential tail [Residual]."""

MAX_FALSE = 0.01
"""Fraction of the pixels found that may be noise, by the method of Benjamini and Hochberg. Usual
values are 0.01 to 0.1."""

MIN_WEIGHT = 1e-3
"""Fraction of a window that is known, at least: a division by 0 is avoided."""

ORDINARY = 3.0
"""Standard deviations: smaller values are taken for noise without a test, to save time."""

MAX_SCORE = 20.0
"""Standard deviations: larger scores are this one; float64 has no smaller probabilities."""


def structure_scores(
    residual: NDArray[np.floating[Any]], known: NDArray[np.bool_], correlation: Correlation
) -> NDArray[np.float32]:
    """Return where a residual has structure that noise does not explain.

    Parameters
    ----------
    residual
        ``(Y, X)``, with a mean of 0 and a variance of 1 where it is noise.
    known
        Of the same shape: true for the pixels that count.
    correlation
        Correlation of the noise along Y and X.

    Returns
    -------
    ndarray
        float32, of the same shape, in standard deviations of a normal distribution; 0 where no
        structure was found, NaN where pixels do not count.

    Notes
    -----
    Four statistics are tested in each pixel: the mean of the residual in three windows, and the
    correlation with its neighbours in a fourth. Simulated noise of the same correlation gives their
    distribution. The smallest of the four probabilities, times four, is compared with the limit of
    Benjamini and Hochberg (J. R. Stat. Soc. B 57, 1995).

    Examples
    --------
    >>> noise = np.random.default_rng(0).standard_normal((64, 64))
    >>> everywhere = np.ones(noise.shape, bool)
    >>> bool(structure_scores(noise, everywhere, ((), ())).any())
    False
    >>> noise[20:24, 30:34] += 2
    >>> bool(structure_scores(noise, everywhere, ((), ()))[21:23, 31:33].all())
    True
    """
    statistics = _statistics(np.where(known, residual, 0.0), known)
    chance = np.minimum.reduce(
        [null.chance(*each) for each, null in zip(statistics, _null(correlation), strict=True)]
    )
    chance = np.minimum(len(statistics) * chance, 1.0)
    scores = norm.isf(chance).clip(0, MAX_SCORE)
    scores[chance > _limit(chance[known])] = 0
    scores[~known] = np.nan
    return np.asarray(scores, np.float32)


class _Null(NamedTuple):
    """Distribution of a statistic in noise: normal, or with an exponential tail.

    The tail of a correlation, a mean of products, is longer than that of a normal distribution. It
    starts at the quantile :data:`TAIL_QUANTILE`, ``tail_start``, and has the mean ``tail_mean``.
    """

    sigma: float
    tail_start: float | None = None
    tail_mean: float = 1.0

    def chance(
        self, statistic: NDArray[np.float64], weight: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return the probability that noise gives a value as large; 1 where it is ordinary."""
        z = statistic / self.sigma
        chance = np.ones(z.shape)
        if self.tail_start is None:
            rare = np.abs(z) > ORDINARY
            chance[rare] = 2 * norm.sf(np.abs(z[rare]))
        else:
            rare = z > self.tail_start
            # The tail of the mean of few pairs is longer.
            excess = (z[rare] - self.tail_start) * np.sqrt(weight[rare]) / self.tail_mean
            chance[rare] = (1 - TAIL_QUANTILE) * np.exp(-excess)
        return chance


@lru_cache(maxsize=8)
def _null(correlation: Correlation) -> tuple[_Null, ...]:
    """Return the distributions of the statistics in noise of a correlation."""
    noise = unit_noise((NULL_SIDE, NULL_SIDE), correlation, seed=0).astype(np.float64)
    *means, (texture, _) = _statistics(noise, np.ones(noise.shape, bool))
    sigma = float(texture.std())
    start = float(np.quantile(texture, TAIL_QUANTILE))
    tail_mean = float((texture[texture > start] - start).mean())
    return (
        *(_Null(float(mean.std())) for mean, _ in means),
        _Null(sigma, start / sigma, tail_mean / sigma),
    )


def _statistics(
    residual: NDArray[np.float64], known: NDArray[np.bool_]
) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Return the local means of a residual, and the local correlation with its neighbours.

    Each comes with the fraction of its window that is known.
    """
    means = [_local_mean(residual, known.astype(np.float64), side) for side in SPOT_SIDES]
    products, pairs = np.zeros(residual.shape), np.zeros(residual.shape)
    for first, second in map(neighbours, NEIGHBOURS.values()):
        products[first] += residual[first] * residual[second] / len(NEIGHBOURS)
        pairs[first] += (known[first] & known[second]) / len(NEIGHBOURS)
    return [*means, _local_mean(products, pairs, TEXTURE_SIDE)]


def _local_mean(
    values: NDArray[np.float64], counted: NDArray[np.float64], side: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if not side:
        return values, np.maximum(counted, MIN_WEIGHT)
    # The sum over the root of the number of pixels has the same variance at borders and gaps.
    weight = np.maximum(_windowed(counted, side), MIN_WEIGHT)
    return _windowed(values, side) / np.sqrt(weight), weight


def _windowed(values: NDArray[np.float64], side: float) -> NDArray[np.float64]:
    windowed: NDArray[np.float64] = gaussian_filter(values, side, mode="constant")
    return windowed


def neighbours(step: tuple[int, int]) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Return the slices of all pixels that have a neighbour at a step, and of these neighbours.

    Examples
    --------
    >>> plane = np.array([[1, 2], [3, 4]])
    >>> first, second = neighbours((1, -1))
    >>> int(plane[first][0, 0]), int(plane[second][0, 0])
    (2, 3)
    """
    pairs = [
        (slice(max(0, -by), -by if by > 0 else None), slice(max(0, by), by if by < 0 else None))
        for by in step
    ]
    (top, bottom), (left, right) = pairs
    return (top, left), (bottom, right)


def _limit(chance: NDArray[np.float64]) -> float:
    """Return the largest probability that counts as found (Benjamini and Hochberg)."""
    ordered = np.sort(chance)
    found = np.flatnonzero(ordered <= MAX_FALSE * np.arange(1, ordered.size + 1) / ordered.size)
    return float(ordered[found[-1]]) if found.size else -1.0
