"""Measure the residual of one channel: moments, correlation of neighbours, variance, structure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.ndimage import gaussian_filter

from napari_dip.assess.standardise import (
    INTENSITY_GROUPS,
    equalise,
    has_visible_noise,
    standardise,
)
from napari_dip.assess.structure import NEIGHBOURS, neighbours, structure_scores

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_dip.noise.model import Correlation, NoiseModel

__all__ = ["Plane", "expected_correlation", "intensity_groups", "measure_plane", "pooled"]

LOCAL_SIDE = 4.0
"""Pixels: standard deviation of the Gaussian window of the local variance."""

LARGEST_QUANTILE = 0.95
"""Quantile of the local variance: the fit follows the noise in texture, but not in the flattest
twentieth of an image [Residual]."""

Correlations = tuple[float, ...]
"""Correlation of the neighbours of :data:`~napari_dip.assess.structure.NEIGHBOURS`."""


@dataclass(frozen=True)
class Plane:
    """Statistics of the residual of one plane.

    Attributes
    ----------
    pixels
        Number of pixels that count.
    total, squares
        Sum of the residual and of its square, in units of the image.
    products, pairs
        Sum of the products of neighbours, in variances, and the number of pairs.
    predicted, standardised
        The pixels that count, in a row: intensities of the prediction, and the residual in standard
        deviations of the noise (empty without noise).
    largest_variance
        The 95 % quantile of the local variance, as a fraction of that of the noise.
    residual, scores
        ``(Y, X)``: the residual in standard deviations of the noise, and the scores of structure;
        ``None`` without noise.
    """

    pixels: int
    total: float
    squares: float
    products: Correlations
    pairs: tuple[int, ...]
    predicted: NDArray[np.float32]
    standardised: NDArray[np.float32]
    largest_variance: float
    residual: NDArray[np.float32] | None = None
    scores: NDArray[np.float32] | None = None

    @property
    def structured(self) -> int:
        """Number of pixels with structure."""
        return 0 if self.scores is None else int((self.scores > 0).sum())


def measure_plane(
    values: NDArray[Any], residual: NDArray[np.float32], known: NDArray[np.bool_], noise: NoiseModel
) -> Plane:
    """Return the statistics of one plane.

    Parameters
    ----------
    values, residual, known
        ``(Y, X)``: the image, the residual in its units, and a mask of the pixels that count, of
        which there is at least one.
    noise
        The noise, in units of the image.
    """
    removed = np.where(known, residual, 0).astype(np.float64)
    predicted = np.where(known, values, 0) - removed
    moments = int(known.sum()), float(removed.sum()), float(np.square(removed).sum())
    if noise.is_none:
        inner = known
        unit = removed / (math.sqrt(moments[2] / moments[0]) or 1.0)
    else:
        inner = known & has_visible_noise(values, predicted, noise)
        inner = inner if inner.any() else known
        unit = np.where(inner, standardise(predicted + removed, predicted, noise), 0.0)
    sums = [_products(unit, inner, *neighbours(step)) for step in NEIGHBOURS.values()]
    products, pairs = zip(*sums, strict=True)
    if noise.is_none:
        nothing = np.empty(0, np.float32)
        return Plane(*moments, products, pairs, nothing, nothing, 0.0)
    scores = structure_scores(equalise(unit, predicted, inner), inner, noise.correlation)
    return Plane(
        *moments,
        products,
        pairs,
        predicted[inner].astype(np.float32),
        unit[inner].astype(np.float32),
        _largest_variance(unit, inner),
        np.where(known, unit, np.nan).astype(np.float32),
        scores,
    )


def pooled(planes: Sequence[Plane]) -> tuple[Correlations, float]:
    """Return the correlation of neighbours in planes, and its standard error for white noise."""
    products, pairs = (
        np.sum([getattr(plane, name) for plane in planes], axis=0) for name in ("products", "pairs")
    )
    correlations = tuple(float(each) for each in products / np.maximum(pairs, 1))
    return correlations, 1 / math.sqrt(max(1, int(pairs.min())))


def intensity_groups(planes: Sequence[Plane]) -> NDArray[np.float64]:
    """Return mean intensity, mean and mean square of the residual of ten groups, ``(3, 10)``.

    The groups have the same number of pixels; the residual is in standard deviations of the noise.
    """
    predicted = np.concatenate([plane.predicted for plane in planes])
    standardised = np.concatenate([plane.standardised for plane in planes]).astype(np.float64)
    groups = [
        group
        for group in np.array_split(np.argsort(predicted, kind="stable"), INTENSITY_GROUPS)
        if group.size
    ]
    return np.array(
        [
            [predicted[group].mean(dtype=np.float64) for group in groups],
            [standardised[group].mean() for group in groups],
            [np.square(standardised[group]).mean() for group in groups],
        ]
    )


def expected_correlation(correlation: Correlation) -> Correlations:
    """Return the correlation of the same neighbours in the noise.

    Examples
    --------
    >>> expected_correlation(((0.5, 0.1), (0.2,)))
    (0.5, 0.2, 0.1, 0.1)
    """
    along = [each[0] if each else 0.0 for each in correlation]
    return tuple(
        math.prod(one for one, step in zip(along, steps, strict=True) if step)
        for steps in NEIGHBOURS.values()
    )


def _products(
    unit: NDArray[np.float64],
    known: NDArray[np.bool_],
    first: tuple[slice, slice],
    second: tuple[slice, slice],
) -> tuple[float, int]:
    """Return the sum of the products of neighbours, in variances, and the number of pairs."""
    values = unit[known]
    centred = np.where(known, unit - values.mean(), 0.0)
    variance = float(values.var()) or 1.0
    pairs = int((known[first] & known[second]).sum())
    return float((centred[first] * centred[second]).sum()) / variance, pairs


def _largest_variance(unit: NDArray[np.float64], known: NDArray[np.bool_]) -> float:
    """Return the variance in the parts of a plane where it is largest."""
    weight, mean, square = (
        gaussian_filter(np.where(known, each, 0.0), LOCAL_SIDE) for each in (1.0, unit, unit**2)
    )
    weight = np.maximum(weight, 1e-6)
    local = square / weight - (mean / weight) ** 2
    return float(np.quantile(local[known], LARGEST_QUANTILE))
