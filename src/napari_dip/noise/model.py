"""Describe the noise of a sensor, and transform intensities so that its variance is constant.

A sensor counts photons and adds read noise: y = gain * Poisson((x - offset) / gain) +
Normal(0, read²). The variance of y is a straight line over the intensity x.
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
"""Correlation of pixels at distance 1, 2, ... along Y and along X; empty for white noise."""


@dataclass(frozen=True)
class NoiseModel:
    """Poisson-Gaussian noise of a sensor with a limited range.

    Parameters
    ----------
    gain
        Grey values per photon; 0 for Gaussian noise.
    offset
        Grey value without light.
    read
        Standard deviation without light, in grey values.
    low, high
        Grey values at which the sensor clips; infinite where it does not.
    correlation
        Correlation of pixels at distance 1, 2, ... along Y and along X; empty for white noise.
        Scanned, scaled and compressed images have correlated noise. For pixels apart along both
        axes the correlation is the product.
    sure
        False if texture may have been taken for noise. Only estimates from decimated images, whose
        texture is aliased, can be unsure.

    Examples
    --------
    >>> noise = NoiseModel(gain=2.0, offset=100.0, read=3.0)
    >>> float(noise.sigma(108.0))
    5.0
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
        """Whether the noise of neighbours is correlated."""
        return any(self.correlation)

    def sigma(self, x: NDArray[Any] | float) -> NDArray[np.float64]:
        """Return the standard deviation at the intensities ``x``."""
        photons = self.gain * np.maximum(np.asarray(x, np.float64) - self.offset, 0)
        return np.sqrt(photons + self.read**2)

    def rescaled(self, low: float, span: float) -> NoiseModel:
        """Return the model of the same noise in the intensities ``(y - low) / span``."""
        return replace(
            self,
            gain=self.gain / span,
            offset=(self.offset - low) / span,
            read=self.read / span,
            low=(self.low - low) / span,
            high=(self.high - low) / span,
        )

    def weakened(self, fraction: float) -> NoiseModel:
        """Return a model with this fraction of the variance, which is not sure."""
        return replace(
            self, gain=fraction * self.gain, read=math.sqrt(fraction) * self.read, sure=False
        )

    def stabilise(self, y: NDArray[Any]) -> NDArray[np.float64]:
        """Apply the variance-stabilising transform: the noise has unit variance after it.

        It is the generalised Anscombe transform of Starck, Murtagh and Bijaoui, "Image Processing
        and Data Analysis", Cambridge 1998, Equation (2.34). The gain must be above 0.
        """
        # In float64: with few photons a pixel, the values differ in their last digits.
        inside = (
            self.gain * (np.asarray(y, np.float64) - self.offset)
            + 0.375 * self.gain**2
            + self.read**2
        )
        return 2 / self.gain * np.sqrt(np.maximum(inside, 0))

    def unstabilise(self, d: NDArray[Any]) -> NDArray[np.float64]:
        """Invert :meth:`stabilise` for a mean of stabilised values, without bias.

        It is the closed form of the exact unbiased inverse of Mäkitalo and Foi, IEEE TIP 22 (2013).
        The algebraic inverse would be too dark where photons are few.
        """
        d = np.maximum(np.asarray(d, np.float64), 2 * math.sqrt(0.375))
        root = math.sqrt(1.5)
        photons = d**2 / 4 + root / 4 / d - 11 / 8 / d**2 + 5 / 8 * root / d**3 - 1 / 8
        return self.gain * photons - self.read**2 / self.gain + self.offset

    def describe(self) -> str:
        """Describe the noise in words, in the units of the intensities.

        Examples
        --------
        >>> NoiseModel(read=12.0).describe()
        'Gaussian, standard deviation 12'
        >>> NoiseModel(gain=2.0, offset=100.0, read=3.0).describe()
        'Poisson-Gaussian, gain 2, offset 100, standard deviation 3 in the dark'
        >>> NoiseModel().describe()
        'none'
        """
        if not self.gain and not self.read:
            return "none"
        said = f"Gaussian, standard deviation {self.read:.3g}"
        if self.gain:
            dark = f"standard deviation {self.read:.3g} in the dark"
            said = f"Poisson-Gaussian, gain {self.gain:.3g}, offset {self.offset:.4g}, {dark}"
        return f"{said}, correlated between neighbours" if self.correlated else said

    def as_dict(self) -> dict[str, Any]:
        """Return the fields for JSON, with ``None`` in place of infinity."""
        return {
            name: None if isinstance(value, float) and math.isinf(value) else value
            for name, value in asdict(self).items()
        }
