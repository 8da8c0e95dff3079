"""The intensities that a network fits: those of the image, or those that the noise makes even."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_dip.noise.model import NoiseModel

__all__ = ["ChannelDomain", "Domain"]


@dataclass(frozen=True)
class ChannelDomain:
    """Where one channel, with intensities of about [0, 1], is fitted.

    Parameters
    ----------
    noise
        Of the channel.
    stabilised
        Whether its intensities are transformed so that the noise is as strong everywhere. That
        is no good behind an operator that mixes pixels, for it mixes intensities, not their
        transforms.
    """

    noise: NoiseModel
    stabilised: bool

    def transform(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Bring values in; [0, 1] becomes [0, 1]."""
        if not self.stabilised:
            return values
        low, span = self._ends()
        return ((self.noise.stabilise(values) - low) / span).astype(np.float32)

    def inverse_transform(self, estimate: NDArray[np.float32]) -> NDArray[np.float32]:
        """Bring an estimate back, without bias."""
        if not self.stabilised:
            return estimate
        low, span = self._ends()
        return self.noise.unstabilise(estimate.astype(np.float64) * span + low).astype(np.float32)

    def sigma(self, values: NDArray[np.float32]) -> NDArray[np.float64]:
        """Give the standard deviation of the noise in the domain at each of the values."""
        if self.stabilised:
            return np.full(values.shape, 1 / self._ends()[1])
        return self.noise.sigma(values)

    def _ends(self) -> tuple[float, float]:
        low, high = self.noise.stabilise(np.array([0.0, 1.0]))
        return float(low), float(high - low)


@dataclass(frozen=True)
class Domain:
    """Where a block is fitted: each of its channels in intensities of its own."""

    channels: tuple[ChannelDomain, ...]

    @property
    def alike(self) -> bool:
        """Whether all channels have the same noise."""
        return len(set(self.channels)) == 1

    def transform(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Bring the values of the block in."""
        return np.stack(
            [own.transform(one) for own, one in zip(self.channels, values, strict=True)]
        )

    def inverse_transform(self, estimate: NDArray[np.float32]) -> NDArray[np.float32]:
        """Bring an estimate back, without bias."""
        return np.stack(
            [own.inverse_transform(one) for own, one in zip(self.channels, estimate, strict=True)]
        )

    def sigma(self, values: NDArray[np.float32], known: NDArray[np.bool_]) -> float:
        """Tell the standard deviation of the noise in the domain, typical of the known values."""
        if self.alike and self.channels[0].stabilised:
            return float(self.channels[0].sigma(values.ravel()[:1])[0])
        each = zip(self.channels, values, known, strict=True)
        sigmas = np.concatenate([own.sigma(one[there]) for own, one, there in each])
        return float(np.sqrt(np.mean(sigmas**2)))

    def sigmas(self, values: NDArray[np.float32], known: NDArray[np.bool_]) -> tuple[float, ...]:
        """Tell it of each channel."""
        if self.alike:
            return (self.sigma(values, known),) * len(self.channels)
        # In a tile nothing at all may be known of a channel.
        sure = np.where(known.any(axis=tuple(range(1, known.ndim)), keepdims=True), known, True)
        each = zip(self.channels, values, sure, strict=True)
        return tuple(Domain((own,)).sigma(one[None], there[None]) for own, one, there in each)

    def channel_weights(
        self, values: NDArray[np.float32], known: NDArray[np.bool_]
    ) -> NDArray[np.float32] | None:
        """Weigh the channels by the inverse of their variance; ``None`` where all are alike.

        The pixels of a channel count alike: weighed by their noise, the bright ones, which are few
        and would weigh least, are fitted long after the others.
        """
        variance = np.square(self.sigmas(values, known))
        if self.alike or not variance.any():
            return None
        precision = 1 / np.maximum(variance, 1e-3 * variance.max())
        weight: NDArray[np.float32] = (precision / precision.mean()).astype(np.float32)
        return weight.reshape(-1, *[1] * (values.ndim - 1))
