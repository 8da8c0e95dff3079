"""Transform intensities into the domain in which a network is fitted, and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_dip.noise.constants import MIN_CHANNEL_VARIANCE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_dip.noise.model import NoiseModel

__all__ = ["ChannelDomain", "Domain"]


@dataclass(frozen=True)
class ChannelDomain:
    """Domain of one channel, whose intensities are about [0, 1].

    Parameters
    ----------
    noise
        Noise of the channel.
    stabilised
        Whether the domain is that of the variance-stabilising transform. It must not be behind an
        operator that mixes pixels, because that mixes intensities, not transformed ones.

    Examples
    --------
    >>> from napari_dip.noise.poisson_gaussian import PoissonGaussian
    >>> channel = ChannelDomain(PoissonGaussian(gain=0.02), stabilised=True)
    >>> channel.transform(np.array([0.0, 1.0], np.float32)).tolist()
    [0.0, 1.0]
    """

    noise: NoiseModel
    stabilised: bool

    def transform(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Transform intensities into the domain; 0 and 1 are kept."""
        if not self.stabilised:
            return values
        low, span = self._stabilised_range()
        return ((self.noise.stabilise(values) - low) / span).astype(np.float32)

    def inverse_transform(self, estimate: NDArray[np.float32]) -> NDArray[np.float32]:
        """Transform an estimate back to intensities, without bias."""
        if not self.stabilised:
            return estimate
        low, span = self._stabilised_range()
        return self.noise.unstabilise(estimate.astype(np.float64) * span + low).astype(np.float32)

    def sigma(self, values: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the standard deviation of the noise in the domain at each of the intensities."""
        if self.stabilised:
            return np.full(values.shape, 1 / self._stabilised_range()[1])
        return self.noise.sigma(values)

    def _stabilised_range(self) -> tuple[float, float]:
        """Return the stabilised value of 0, and the distance to that of 1."""
        low, high = self.noise.stabilise(np.array([0.0, 1.0]))
        return float(low), float(high - low)


@dataclass(frozen=True)
class Domain:
    """Domain of a block, ``(channels, *spatial)``: one domain for each channel.

    Examples
    --------
    >>> from napari_dip.noise.poisson_gaussian import PoissonGaussian
    >>> domain = Domain.of([PoissonGaussian(gain=0.02), PoissonGaussian(read=0.1)], stabilise=True)
    >>> block = np.random.default_rng(0).random((2, 8, 8)).astype(np.float32)
    >>> restored = domain.inverse_transform(domain.transform(block))
    >>> bool(np.allclose(restored[1], block[1]))
    True
    """

    channels: tuple[ChannelDomain, ...]

    @classmethod
    def of(cls, noises: Sequence[NoiseModel], *, stabilise: bool) -> Domain:
        """Make the domain of channels; ``stabilise`` applies to signal-dependent noise."""
        return cls(
            tuple(ChannelDomain(noise, stabilise and noise.signal_dependent) for noise in noises)
        )

    @property
    def is_stabilised(self) -> bool:
        """Whether the intensities of a channel are transformed."""
        return any(channel.stabilised for channel in self.channels)

    @property
    def uniform(self) -> bool:
        """Whether all channels have the same domain."""
        return len(set(self.channels)) == 1

    def transform(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Transform the intensities of the block into the domain."""
        pairs = zip(self.channels, values, strict=True)
        return np.stack([channel.transform(plane) for channel, plane in pairs])

    def inverse_transform(self, estimate: NDArray[np.float32]) -> NDArray[np.float32]:
        """Transform an estimate back to intensities, without bias."""
        pairs = zip(self.channels, estimate, strict=True)
        return np.stack([channel.inverse_transform(plane) for channel, plane in pairs])

    def sigma(self, values: NDArray[np.float32], known: NDArray[np.bool_]) -> float:
        """Return the root mean square sigma of the noise in the domain, over the known values."""
        if self.uniform and self.channels[0].stabilised:
            return float(self.channels[0].sigma(values.ravel()[:1])[0])
        each = zip(self.channels, values, known, strict=True)
        sigmas = np.concatenate([channel.sigma(plane[mask]) for channel, plane, mask in each])
        return float(np.sqrt(np.mean(sigmas**2)))

    def sigmas(self, values: NDArray[np.float32], known: NDArray[np.bool_]) -> tuple[float, ...]:
        """Return the root mean square sigma of the noise of each channel."""
        if self.uniform:
            return (self.sigma(values, known),) * len(self.channels)
        # In a tile, a channel may have no known pixel.
        known = np.where(known.any(axis=tuple(range(1, known.ndim)), keepdims=True), known, True)
        each = zip(self.channels, values, known, strict=True)
        return tuple(
            Domain((channel,)).sigma(plane[None], mask[None]) for channel, plane, mask in each
        )

    def channel_weights(
        self, values: NDArray[np.float32], known: NDArray[np.bool_]
    ) -> NDArray[np.float32] | None:
        """Return weights of the channels, the inverse of their variance; ``None`` if all are equal.

        All pixels of a channel have the same weight. With weights by their own noise, the few
        bright pixels would have the least, and would be fitted long after the others.
        """
        variance = np.square(self.sigmas(values, known))
        if self.uniform or not variance.any():
            return None
        precision = 1 / np.maximum(variance, MIN_CHANNEL_VARIANCE * variance.max())
        weights: NDArray[np.float32] = (precision / precision.mean()).astype(np.float32)
        return weights.reshape(-1, *[1] * (values.ndim - 1))
