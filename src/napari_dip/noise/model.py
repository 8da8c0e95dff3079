"""A model of the noise of a sensor, and what makes it even.

A sensor counts photons and adds noise of its own, y = gain * Poisson((x - offset) / gain) +
Normal(0, read²), so that the variance of y is a straight line over the intensity x.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Correlation", "NoiseModel"]

Correlation = tuple[tuple[float, ...], tuple[float, ...]]
"""Of pixels 1, 2, ... apart along Y, and along X; empty where there is none."""


@dataclass(frozen=True)
class NoiseModel:
    """Poisson-Gaussian noise, clipped at the ends of the sensor's range.

    Parameters
    ----------
    gain
        Grey values a photon makes; 0 for Gaussian noise.
    offset
        Grey value of the dark.
    read
        Standard deviation in the dark.
    low, high
        Where the sensor clips; infinite where it does not.
    correlation
        Of the noise of pixels 1, 2, ... apart along Y, and along X; empty where it is white. Images
        that were scanned, scaled or compressed have noise that neighbours share. For pixels apart
        along both axes it is the product.
    sure
        Whether it is noise, and no texture that passes for it. Only of images with large pixels, in
        which texture is folded over, is that asked.
    """

    gain: float = 0.0
    offset: float = 0.0
    read: float = 0.0
    low: float = -math.inf
    high: float = math.inf
    correlation: Correlation = ((), ())
    sure: bool = True

    @property
    def correlated(self) -> bool:
        """Whether neighbours share noise: then they tell that of a pixel."""
        return any(self.correlation)

    def sigma(self, x: NDArray[Any] | float) -> NDArray[np.float64]:
        """Give the standard deviation at the intensities ``x``."""
        photons = self.gain * np.maximum(np.asarray(x, np.float64) - self.offset, 0)
        return np.sqrt(photons + self.read**2)

    def rescaled(self, low: float, span: float) -> NoiseModel:
        """Describe the same noise of ``(y - low) / span``."""
        return replace(
            self,
            gain=self.gain / span,
            offset=(self.offset - low) / span,
            read=self.read / span,
            low=(self.low - low) / span,
            high=(self.high - low) / span,
        )

    def weakened(self, part: float) -> NoiseModel:
        """Describe noise of so much of the variance, of which nobody is sure."""
        return replace(self, gain=part * self.gain, read=math.sqrt(part) * self.read, sure=False)

    def stabilise(self, y: NDArray[Any]) -> NDArray[np.float64]:
        """Transform to noise of unit variance, by the generalised Anscombe transform.

        Starck, Murtagh and Bijaoui, "Image Processing and Data Analysis", Cambridge 1998,
        Equation (2.34). Needs a gain above 0.
        """
        # In float64: where photons are next to nothing, the transform is nearly its own constant.
        inside = (
            self.gain * (np.asarray(y, np.float64) - self.offset)
            + 0.375 * self.gain**2
            + self.read**2
        )
        return 2 / self.gain * np.sqrt(np.maximum(inside, 0))

    def unstabilise(self, d: NDArray[Any]) -> NDArray[np.float64]:
        """Invert :meth:`stabilise` for the mean of stabilised values, without bias.

        The closed form of the exact unbiased inverse of Mäkitalo and Foi, IEEE TIP 22 (2013);
        the plain inverse would be too dark where photons are few.
        """
        d = np.maximum(np.asarray(d, np.float64), 2 * math.sqrt(0.375))
        root = math.sqrt(1.5)
        photons = d**2 / 4 + root / 4 / d - 11 / 8 / d**2 + 5 / 8 * root / d**3 - 1 / 8
        return self.gain * photons - self.read**2 / self.gain + self.offset

    def as_dict(self) -> dict[str, Any]:
        """Give its numbers for a report; JSON has no infinity."""
        return {
            name: None if isinstance(value, float) and math.isinf(value) else value
            for name, value in asdict(self).items()
        }
