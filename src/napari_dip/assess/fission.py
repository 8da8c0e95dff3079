"""Split a noisy image into two images with independent noise and the same mean.

The method is data fission (Leiner, Duan, Wasserman and Ramdas, JASA 2023). With noise n of standard
deviation σ, random numbers w of the same distribution, and a ratio a, the noise of
``first = y + a·σ·w`` and of ``second = y - σ·w/a`` has the covariance σ² - σ² = 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import ndtr

from napari_dip.errors import BadImage
from napari_dip.noise.synthesis import unit_noise
from napari_dip.pipeline.block import derived_seed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_dip.assess.crop import Crop
    from napari_dip.noise.model import NoiseModel

__all__ = ["Halves", "clipped_sigma", "fission", "split"]


@dataclass(frozen=True)
class Halves:
    """Two images with independent noise, made from one.

    Parameters
    ----------
    first, second
        float32, with the axes of the image and in its units.
    first_noises, second_noises
        Noise model of each channel.
    """

    first: NDArray[np.float32]
    second: NDArray[np.float32]
    first_noises: tuple[NoiseModel, ...]
    second_noises: tuple[NoiseModel, ...]


def fission(part: Crop, *, ratio: float = 1.0) -> Halves:
    """Split the noisy values of a crop into two images with independent noise.

    Parameters
    ----------
    part
        Noisy values, their noise, and the restored values, at which the noise is evaluated. The
        seed of the settings gives the random numbers.
    ratio
        a: the first image has 1 + a² times the variance of the noise, the second 1 + 1/a² times.

    Raises
    ------
    BadImage
        If the image has no noise, so that nothing can be split, or if the result has other pixels
        than the image.

    Examples
    --------
    >>> from napari_dip import Settings, denoise
    >>> from napari_dip.assess.crop import crop
    >>> from napari_dip.image.problem import make_problem
    >>> noisy = np.random.default_rng(0).normal(50, 5, (64, 64)).astype("float32")
    >>> settings = Settings(noise=5.0, device="cpu", iterations=20)
    >>> part = crop(make_problem(noisy, settings, None, None), np.full((64, 64), 50.0))
    >>> halves = fission(part)
    >>> bool(abs(np.corrcoef(halves.first.ravel(), halves.second.ravel())[0, 1]) < 0.05)
    True
    """
    if any(noise.is_none for noise in part.noises):
        raise BadImage(
            "the image has no noise, so it cannot be split into two independent images; give its "
            "noise (noise=...), or choose an image that is not averaged"
        )
    if part.restored.shape != part.values.shape:
        raise BadImage(
            f"the result has {part.restored.shape} pixels, but the image {part.values.shape}: only "
            "an image whose pixels are not refined can be split"
        )
    layout = part.layout
    first, second = (np.empty(part.values.shape, np.float32) for _ in range(2))
    for number, index in enumerate(layout.indices()):
        (channel,) = layout.channels_of(index)
        seed = derived_seed(part.problem.settings.seed, f"fission {number}")
        values, mean = (layout.to_block(each[index]) for each in (part.values, part.restored))
        halves = split(values, mean, part.noises[channel], seed, ratio=ratio)
        first[index], second[index] = (layout.from_block(half) for half in halves)
    weaker, stronger = (
        tuple(noise.amplified(1 + square) for noise in part.noises)
        for square in (ratio**2, ratio**-2)
    )
    return Halves(first, second, weaker, stronger)


def split(
    values: NDArray[Any],
    mean: NDArray[Any],
    noise: NoiseModel,
    seed: int,
    *,
    ratio: float = 1.0,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Split noisy values into two images with independent noise.

    Parameters
    ----------
    values
        Noisy values in the units of the noise model; Y and X are last. NaN stays NaN.
    mean
        A denoised image of the same shape, at which the standard deviation is evaluated. That of
        the noisy values would be larger at pixels that are bright by chance.
    noise
        The noise. Correlated noise is split by random numbers of the same correlation; the noise
        of clipped values is as small as clipping makes it.
    seed
        The same seed gives the same images.
    ratio
        As in :func:`fission`.

    Examples
    --------
    >>> from napari_dip.noise.poisson_gaussian import PoissonGaussian
    >>> mean = np.full((200, 200), 50.0)
    >>> noisy = mean + np.random.default_rng(0).normal(0, 5, mean.shape)
    >>> first, second = split(noisy, mean, PoissonGaussian(read=5.0), seed=0)
    >>> [round(float(half.std())) for half in (first, second)]
    [7, 7]
    """
    added = clipped_sigma(mean, noise) * unit_noise(values.shape, noise.correlation, seed)
    pair = values + ratio * added, values - added / ratio
    return pair[0].astype(np.float32), pair[1].astype(np.float32)


def clipped_sigma(mean: NDArray[Any], noise: NoiseModel) -> NDArray[np.float64]:
    """Return the standard deviation of clipped values, which is that of the noise far from limits.

    Parameters
    ----------
    mean
        Mean of the values before clipping.
    noise
        The noise, with the limits at which the sensor clips.

    Examples
    --------
    >>> from napari_dip.noise.poisson_gaussian import PoissonGaussian
    >>> clipped_sigma(np.array([0.0, 100.0]), PoissonGaussian(read=5.0, low=0.0)).round(2).tolist()
    [2.92, 5.0]
    """
    sigma = noise.sigma(mean)
    low, high = noise.limits
    if not np.isfinite([low, high]).any():
        return sigma
    safe = np.maximum(sigma, np.finfo(np.float32).tiny)
    # Moments of a normal distribution that is clipped at a and b, in units of sigma.
    a, b = (low - mean) / safe, (high - mean) / safe
    below, above = ndtr(a), ndtr(-b)
    inside = 1 - below - above
    low_density, high_density = (np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi) for z in (a, b))
    a, b = (np.where(np.isfinite(z), z, 0.0) for z in (a, b))
    first = a * below + b * above + low_density - high_density
    second = a**2 * below + b**2 * above + inside + a * low_density - b * high_density
    clipped: NDArray[np.float64] = sigma * np.sqrt(np.maximum(second - first**2, 0.0))
    return clipped
