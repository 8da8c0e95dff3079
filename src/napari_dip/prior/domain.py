"""The intensities that a network fits: those of the image, or those that the noise makes even."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import uniform_filter

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_dip.prior.noise import NoiseModel

__all__ = ["Domain"]

_SMOOTH = 5
"""Side in pixels of the mean from which a pixel's noise is told."""


@dataclass(frozen=True)
class Domain:
    """Where a block, with intensities of about [0, 1], is fitted.

    Parameters
    ----------
    noise
        Of the block.
    stabilised
        Whether its intensities are transformed so that the noise is as strong everywhere. That
        is no good behind an operator that mixes pixels, for it mixes intensities, not their
        transforms.
    """

    noise: NoiseModel
    stabilised: bool

    def enter(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Bring the values of the block in; [0, 1] becomes [0, 1]."""
        if not self.stabilised:
            return values
        low, span = self._ends()
        return ((self.noise.stabilise(values) - low) / span).astype(np.float32)

    def leave(self, estimate: NDArray[np.float32]) -> NDArray[np.float32]:
        """Bring an estimate back, without bias."""
        if not self.stabilised:
            return estimate
        low, span = self._ends()
        return self.noise.unstabilise(estimate * span + low).astype(np.float32)

    def sigma(self, values: NDArray[np.float32]) -> float:
        """Tell the standard deviation of the noise in the domain, typical of the values."""
        if self.stabilised:
            return 1 / self._ends()[1]
        return float(np.sqrt(np.mean(self.noise.sigma(values) ** 2)))

    def weight(self, values: NDArray[np.float32]) -> NDArray[np.float32] | None:
        """Weigh the pixels by the inverse of their variance; ``None`` where all are alike."""
        if self.stabilised or not self.noise.gain:
            return None
        size = (1, *[min(_SMOOTH, side) for side in values.shape[1:]])
        variance = self.noise.sigma(uniform_filter(values, size)) ** 2
        variance = np.maximum(variance, 1e-3 * variance.max())
        weight: NDArray[np.float32] = 1 / (variance * np.mean(1 / variance))
        return weight.astype(np.float32, copy=False)

    def _ends(self) -> tuple[float, float]:
        low, high = self.noise.stabilise(np.array([0.0, 1.0]))
        return float(low), float(high - low)
