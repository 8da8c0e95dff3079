"""The intensities that a network fits: those of the image, or those that the noise makes even."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import uniform_filter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_dip.prior.noise import NoiseModel

__all__ = ["Channel", "Domain", "make_domain"]

_SMOOTH = 5
"""Side in pixels of the mean from which a pixel's noise is told."""


@dataclass(frozen=True)
class Channel:
    """Where one channel, with intensities of about [0, 1], is fitted.

    Parameters
    ----------
    noise
        Of the channel.
    stabilised
        Whether its intensities are transformed so that the noise is as strong everywhere.
    part
        Of [0, 1], about its middle, that the channel takes.
    """

    noise: NoiseModel
    stabilised: bool
    part: float = 1.0

    @property
    def span(self) -> float:
        """How much of the transformed intensities makes 1."""
        return self._ends()[1]

    def enter(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Bring values in; [0, 1] becomes the part of it that the channel takes."""
        low, span = self._ends()
        transformed = self.noise.stabilise(values) if self.stabilised else values
        return ((transformed - low) / span).astype(np.float32)

    def leave(self, estimate: NDArray[np.float32]) -> NDArray[np.float32]:
        """Bring an estimate back, without bias."""
        low, span = self._ends()
        mean = estimate * span + low
        return (self.noise.unstabilise(mean) if self.stabilised else mean).astype(np.float32)

    def sigma(self, values: NDArray[np.float32]) -> NDArray[np.float64]:
        """Give the standard deviation of the noise in the domain at each of the values."""
        if self.stabilised:
            return np.full(values.shape, 1 / self.span)
        return self.noise.sigma(values) / self.span

    def clips(self) -> tuple[float, float]:
        """Tell where the sensor clips, in the domain; where noise is stabilised it is let be."""
        low, span = self._ends()
        if self.noise.gain:
            return -np.inf, np.inf
        return (self.noise.low - low) / span, (self.noise.high - low) / span

    def _ends(self) -> tuple[float, float]:
        low, high = self.noise.stabilise(np.array([0.0, 1.0])) if self.stabilised else (0.0, 1.0)
        span = float(high - low) / self.part
        return float(low) - (1 - self.part) / 2 * span, span


@dataclass(frozen=True)
class Domain:
    """Where a block of several channels is fitted, with noise of one strength in all of them."""

    channels: tuple[Channel, ...]

    def enter(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Bring the values of the block in."""
        return np.stack([own.enter(one) for own, one in zip(self.channels, values, strict=True)])

    def leave(self, estimate: NDArray[np.float32]) -> NDArray[np.float32]:
        """Bring an estimate back, without bias."""
        return np.stack([own.leave(one) for own, one in zip(self.channels, estimate, strict=True)])

    def sigma(self, values: NDArray[np.float32], known: NDArray[np.bool_]) -> float:
        """Tell the standard deviation of the noise in the domain, typical of the known values."""
        if all(own.stabilised for own in self.channels):
            return 1 / self.channels[0].span
        each = zip(self.channels, values, known, strict=True)
        sigmas = np.concatenate([own.sigma(one[there]) for own, one, there in each])
        return float(np.sqrt(np.mean(sigmas**2)))

    def weight(self, values: NDArray[np.float32]) -> NDArray[np.float32] | None:
        """Weigh the pixels by the inverse of their variance; ``None`` where all are alike."""
        if not any(own.noise.gain and not own.stabilised for own in self.channels):
            return None
        size = (1, *[min(_SMOOTH, side) for side in values.shape[1:]])
        smooth = zip(self.channels, uniform_filter(values, size), strict=True)
        variance = np.stack([own.sigma(one) ** 2 for own, one in smooth])
        variance = np.maximum(variance, 1e-3 * variance.max())
        weight: NDArray[np.float32] = 1 / (variance * np.mean(1 / variance))
        return weight.astype(np.float32, copy=False)


def make_domain(
    noises: Sequence[NoiseModel],
    values: NDArray[np.float32],
    known: NDArray[np.bool_],
    *,
    stabilised: bool,
) -> Domain:
    """Settle the domain of a block, given the noise of each of its channels.

    What is ``stabilised`` is, where the noise depends on the intensity, transformed so that it does
    not. That is no good behind an operator that mixes pixels, for it mixes intensities, not their
    transforms. Of channels that differ in their noise the least noisy one takes all of [0, 1] and
    each other a part, so that an error counts in each by the noise that it is hidden in.
    """
    channels = tuple(Channel(noise, stabilised and noise.gain > 0) for noise in noises)
    if len(set(noises)) == 1:
        return Domain(channels)
    each = zip(channels, values, known, strict=True)
    sigmas = [Domain((own,)).sigma(one[None], there[None]) for own, one, there in each]
    least = min(sigmas)
    parts = [least / sigma if least else 1.0 for sigma in sigmas]
    return Domain(tuple(replace(own, part=part) for own, part in zip(channels, parts, strict=True)))
