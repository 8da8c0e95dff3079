"""The noise of a camera: photons and read noise, with its variance-stabilising transform.

A sensor counts photons and adds read noise: y = gain * Poisson((x - offset) / gain) +
Normal(0, read²). The variance of y is a straight line over the intensity x.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from napari_dip.noise.model import Correlation, NoiseModel

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["PoissonGaussian"]

NEGLIGIBLE = 1e-3  # of the gain, which is one photon: a smaller number is shown as 0


@dataclass(frozen=True)
class PoissonGaussian(NoiseModel):
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
    >>> noise = PoissonGaussian(gain=2.0, offset=100.0, read=3.0)
    >>> float(noise.sigma(108.0))
    5.0
    """

    kind: ClassVar[str] = "poisson-gaussian"
    gain: float = 0.0
    offset: float = 0.0
    read: float = 0.0
    low: float = -math.inf
    high: float = math.inf
    correlation: Correlation = ((), ())
    sure: bool = True

    @property
    def signal_dependent(self) -> bool:
        """Whether there is photon noise."""
        return self.gain > 0

    @property
    def is_none(self) -> bool:
        """Whether gain and read noise are both 0."""
        return self.gain == self.read == 0

    @property
    def limits(self) -> tuple[float, float]:
        """Grey values at which the sensor clips; infinite where it does not."""
        return self.low, self.high

    def sigma(self, x: NDArray[Any] | float) -> NDArray[np.float64]:
        """Return the standard deviation at the intensities ``x``."""
        photons = self.gain * np.maximum(np.asarray(x, np.float64) - self.offset, 0)
        return np.sqrt(photons + self.read**2)

    def rescaled(self, low: float, span: float) -> PoissonGaussian:
        """Return the model of the same noise in the intensities ``(y - low) / span``."""
        return replace(
            self,
            gain=self.gain / span,
            offset=(self.offset - low) / span,
            read=self.read / span,
            low=(self.low - low) / span,
            high=(self.high - low) / span,
        )

    def weakened(self, fraction: float) -> PoissonGaussian:
        """Return a model with this fraction of the variance, which is not sure."""
        return replace(self, **self._times(fraction), sure=False)

    def amplified(self, variance: float) -> PoissonGaussian:
        """Return the model of unclipped noise with ``variance`` times the variance.

        Examples
        --------
        >>> PoissonGaussian(gain=2.0, read=3.0, low=0.0).amplified(4)
        PoissonGaussian(gain=8.0, offset=0.0, read=6.0, low=-inf, high=inf, ...)
        """
        return replace(self, **self._times(variance), low=-math.inf, high=math.inf)

    def _times(self, variance: float) -> dict[str, Any]:
        return {"gain": variance * self.gain, "read": math.sqrt(variance) * self.read}

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
        >>> PoissonGaussian(read=12.0).describe()
        'Gaussian, standard deviation 12'
        >>> PoissonGaussian(gain=2.0, offset=100.0, read=3.0).describe()
        'Poisson-Gaussian, gain 2, offset 100, standard deviation 3 in the dark'
        >>> PoissonGaussian().describe()
        'none'
        """
        if self.is_none:
            return "none"
        description = f"Gaussian, standard deviation {self.read:.3g}"
        if self.gain:
            offset, read = (
                0.0 if abs(value) < NEGLIGIBLE * self.gain else value
                for value in (self.offset, self.read)
            )
            dark = f"standard deviation {read:.3g} in the dark"
            description = f"Poisson-Gaussian, gain {self.gain:.3g}, offset {offset:.4g}, {dark}"
        return f"{description}, correlated between neighbours" if self.correlated else description
