"""Draw random noise that a model describes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_dip.noise.model import Correlation, NoiseModel

__all__ = ["add_noise", "unit_noise"]


def unit_noise(shape: tuple[int, ...], correlation: Correlation, seed: int) -> NDArray[np.float32]:
    """Draw Gaussian noise of unit variance whose neighbours are correlated along Y and X.

    Parameters
    ----------
    shape
        Of the noise; Y and X are last. Other planes are independent.
    correlation
        Correlation at distance 1, 2, ... along Y and along X; empty for white noise.
    seed
        The same seed gives the same noise.

    Examples
    --------
    >>> noise = unit_noise((256, 256), ((), (0.4,)), seed=0)
    >>> round(float(noise.std()), 1), round(float((noise[:, 1:] * noise[:, :-1]).mean()), 1)
    (1.0, 0.4)
    """
    noise = np.random.default_rng(seed).standard_normal(shape, np.float32)
    for axis, along in zip((-2, -1), correlation, strict=True):
        if any(along):
            noise = _correlated(noise, axis, along)
    return noise


def add_noise(
    clean: NDArray[np.float32], model: NoiseModel, noise: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Add noise of a model to intensities without noise, and clip them as the sensor does.

    Parameters
    ----------
    clean
        The intensities, in the units of the model.
    model
        Its standard deviation may depend on the intensity.
    noise
        Of unit variance and of the same shape, from :func:`unit_noise`.

    Examples
    --------
    >>> from napari_dip.noise.poisson_gaussian import PoissonGaussian
    >>> clean = np.full((200, 200), 100.0, np.float32)
    >>> noisy = add_noise(clean, PoissonGaussian(gain=2.0), unit_noise(clean.shape, ((), ()), 0))
    >>> round(float(noisy.var()), -1)
    200.0
    """
    noisy: NDArray[Any] = np.clip(clean + model.sigma(clean) * noise, *model.limits)
    return noisy.astype(np.float32)


def _correlated(
    noise: NDArray[np.float32], axis: int, along: Sequence[float]
) -> NDArray[np.float32]:
    """Filter white noise along an axis to a correlation; both ends of the axis are neighbours."""
    size = noise.shape[axis]
    reach = min(len(along), (size - 1) // 2)
    covariance = np.zeros(size)
    covariance[0] = 1
    for distance in range(1, reach + 1):
        covariance[[distance, -distance]] = along[distance - 1]
    # An estimated correlation may be no correlation of any noise: its spectrum is clipped.
    power = np.maximum(np.fft.fft(covariance).real, 0)
    gain = np.sqrt(power / power.mean())
    sides = [1] * noise.ndim
    sides[axis] = size
    spectrum = np.fft.fft(noise, axis=axis) * gain.reshape(sides)
    return np.fft.ifft(spectrum, axis=axis).real.astype(np.float32)
