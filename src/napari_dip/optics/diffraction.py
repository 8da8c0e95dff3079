"""The light of a point in the image: the vectorial integral of diffraction.

Richards and Wolf, "Electromagnetic diffraction in optical systems II", Proc. R. Soc. A 253 (1959),
358-379, for unpolarised light, with the phase of a cover slip and a sample of another refractive
index: Gibson and Lanni, J. Opt. Soc. Am. A 8 (1991), 1601-1613; Aguet et al., Opt. Express 17
(2009), 6829-6848. The Born-Wolf integral is its limit for small apertures.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import jv

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Values = NDArray[np.float64]

__all__ = ["Pupil"]

NODES = 48  # of the quadrature, at least; more are taken where the phase varies faster
NODES_PER_RADIAN = 0.35  # of the phase over the pupil: 0.25 gives the same to 1e-6


class Pupil:
    """The pupil of an objective for light of one wavelength.

    Parameters
    ----------
    aperture
        Numerical aperture, below both indices.
    wavelength
        In µm, in vacuum.
    ri, sample_ri
        Refractive indices of the immersion and of the sample.
    depth
        Of the point below the cover slip, in µm.
    spherical
        Primary spherical aberration in waves: the coefficient of the Zernike polynomial
        √5 (6 ρ⁴ − 6 ρ² + 1), whose root mean square over the pupil is 1.

    Examples
    --------
    >>> pupil = Pupil(0.3, 0.5, 1.0)
    >>> first_zero = 0.61 * 0.5 / 0.3
    >>> bool(pupil.intensity(np.array([0, first_zero]), np.zeros(1))[0, 1] < 0.01)
    True
    """

    def __init__(
        self,
        aperture: float,
        wavelength: float,
        ri: float,
        sample_ri: float | None = None,
        depth: float = 0.0,
        spherical: float = 0.0,
    ) -> None:
        self.spherical = spherical
        self.aperture, self.ri = aperture, ri
        self.sample_ri = sample_ri or ri
        self.wavenumber = 2 * np.pi / wavelength
        self.depth = depth if self.sample_ri != ri else 0.0
        self._focus = self._best_focus() if self.depth else 0.0

    def intensity(self, radii: Values, heights: Values) -> Values:
        """Return the intensity of a point, ``(heights, radii)``, relative to that in focus.

        ``radii`` are distances from the axis, and ``heights`` those of the focal plane from the
        brightest one, away from the cover slip, in µm.
        """
        parts = self._parts(np.asarray(radii, float), np.asarray(heights, float) + self._focus)
        (in_focus,) = self._parts(np.zeros(1), np.array([self._focus]))[0]
        power = sum(w * np.abs(part) ** 2 for w, part in zip((1, 2, 1), parts, strict=True))
        return np.asarray(power / np.abs(in_focus) ** 2)

    def _parts(self, radii: Values, heights: Values) -> list[NDArray[np.complex128]]:
        """Return the integrals I0, I1 and I2 of Richards and Wolf."""
        far = self.wavenumber * self.aperture * max(radii.max(initial=0), 1e-9)
        deep = self.wavenumber * self.ri * (np.abs(heights).max(initial=0) + self.depth)
        points, weights = np.polynomial.legendre.leggauss(
            NODES + int(NODES_PER_RADIAN * (far + deep))
        )
        radius = (points + 1) / 2  # in the pupil, 1 at its edge
        zernike = math.sqrt(5) * (6 * radius**4 - 6 * radius**2 + 1)
        sine = radius * self.aperture  # ri times the sine of the angle
        weights = weights / 2 * self.aperture
        inside, outside = (np.sqrt(n**2 - sine**2) for n in (self.sample_ri, self.ri))
        cosine = inside / self.sample_ri
        # dθ sinθ √cosθ, as a function of the sine: sine dsine / √cosine
        weights = weights * sine / np.sqrt(cosine)
        phase = np.exp(
            1j * self.wavenumber * (self.depth * (inside - outside) - np.outer(heights, outside))
            + 2j * np.pi * self.spherical * zernike
        )
        rays = phase * weights
        argument = self.wavenumber * np.outer(sine, radii)
        factors = (1 + cosine, sine / self.sample_ri, 1 - cosine)
        return [
            (rays * factor) @ jv(order, argument).astype(complex)
            for order, factor in enumerate(factors)
        ]

    def _best_focus(self) -> float:
        """Return the height of the brightest focus on the axis: a cover slip moves it."""
        nominal = self.depth * (1 - self.ri / self.sample_ri)
        heights = nominal + self.depth * np.linspace(-0.6, 0.6, 601)
        on_axis = np.abs(self._parts(np.zeros(1), heights)[0][:, 0]) ** 2
        start, step = heights[on_axis.argmax()], heights[1] - heights[0]

        def darkness(height: float) -> float:
            return -float(np.abs(self._parts(np.zeros(1), np.array([height]))[0][0, 0]) ** 2)

        found = minimize_scalar(darkness, bounds=(start - step, start + step), method="bounded")
        return float(found.x)
