"""The light of a point in the image: the vectorial integral of diffraction.

Richards and Wolf, "Electromagnetic diffraction in optical systems II", Proc. R. Soc. A 253 (1959),
358-379, for unpolarised light, with the phase of a cover slip and a sample of another refractive
index: Gibson and Lanni, J. Opt. Soc. Am. A 8 (1991), 1601-1613; Aguet et al., Opt. Express 17
(2009), 6829-6848. The Born-Wolf integral is its limit for small apertures.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import jv

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Values = NDArray[np.float64]

__all__ = ["Pupil"]

NODES = 48  # of the quadrature, at least; more are taken where the phase varies faster
NODES_PER_RADIAN = 0.35  # of the phase over the pupil: 0.25 gives the same to 1e-6
LEAST_HARMONIC = 1e-5  # of the light at an angle: the strongest is 1; 1e-7 gives the same to 1e-5


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
    astigmatism
        Primary astigmatism in waves: the coefficient of √6 ρ² cos 2φ, of the same norm.

    Examples
    --------
    >>> pupil = Pupil(0.3, 0.5, 1.0)
    >>> first_zero = 0.61 * 0.5 / 0.3
    >>> bool(pupil.intensity(np.array([0, first_zero]), np.zeros(1))[0, 0, 1] < 0.01)
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
        astigmatism: float = 0.0,
    ) -> None:
        self.spherical, self.astigmatism = spherical, astigmatism
        self.aperture, self.ri = aperture, ri
        self.sample_ri = sample_ri or ri
        self.wavenumber = 2 * np.pi / wavelength
        self.depth = depth if self.sample_ri != ri else 0.0
        self._focus = self._best_focus() if self.depth else 0.0

    def intensity(self, radii: Values, heights: Values) -> Values:
        """Return the intensity of a point, relative to that in focus without astigmatism.

        Parameters
        ----------
        radii
            Distances from the axis in µm.
        heights
            Heights of the focal plane above the brightest one, away from the cover slip, in µm.

        Returns
        -------
        NDArray
            ``(heights, angles, radii)``. The angles divide half a turn, from φ = 0, evenly; the
            other half is the same. Without astigmatism there is one.
        """
        most = self._harmonics
        angles = np.arange(8 * most or 1) * np.pi / (8 * most or 1)
        rays = self._rays(np.asarray(heights, float) + self._focus, np.max(radii, initial=0))
        argument = self.wavenumber * np.outer(rays.sine, radii)
        bessel = [jv(order, argument).astype(complex) for order in range(2 * most + 3)]
        power = np.zeros((len(heights), len(angles), len(radii)))
        for turns, factor in enumerate(rays.factors):
            field = np.zeros(power.shape, complex)
            for harmonic in range(-most, most + 1):
                order = 2 * harmonic + turns
                # J of -n is (-1)^n times J of n.
                turn = 1j ** (order % 4) * (-1 if order < 0 and order % 2 else 1)
                share = turn * self._astigmatic_share(harmonic, rays.radius)
                part = (rays.values * (factor * share)) @ bessel[abs(order)]
                field += np.exp(1j * order * angles)[:, None] * part[:, None]
            power += np.abs(field) ** 2
        # That is the light of one circular polarisation; that of the other one is mirrored.
        power += power[:, -np.arange(len(angles))]
        (in_focus,) = np.abs(self._on_axis(np.array([self._focus]))) ** 2
        return np.asarray(power / (2 * in_focus))

    @property
    def _harmonics(self) -> int:
        """The highest angular harmonic that astigmatism gives the pupil, those of cos 2φ."""
        orders = np.arange(1, 40)
        strength = np.abs(jv(orders, 2 * np.pi * math.sqrt(6) * self.astigmatism))
        return int(orders[strength > LEAST_HARMONIC].max(initial=0))

    def _astigmatic_share(self, harmonic: int, radius: Values) -> NDArray[np.complex128]:
        """Return a harmonic of exp(i α cos 2φ), by Jacobi and Anger: i^m J_m(α)."""
        alpha = 2 * np.pi * math.sqrt(6) * self.astigmatism * radius**2
        return np.asarray(1j ** (harmonic % 4) * jv(harmonic, alpha))

    def _rays(self, heights: Values, reach: float) -> _Rays:
        """Return the light in the pupil for planes, at as many radii as a distance in µm needs."""
        far = self.wavenumber * self.aperture * max(reach, 1e-9)
        deep = self.wavenumber * self.ri * (np.abs(heights).max(initial=0) + self.depth)
        points, weights = np.polynomial.legendre.leggauss(
            NODES + int(NODES_PER_RADIAN * (far + deep))
        )
        radius = (points + 1) / 2
        zernike = math.sqrt(5) * (6 * radius**4 - 6 * radius**2 + 1)
        sine = radius * self.aperture
        inside, outside = (np.sqrt(n**2 - sine**2) for n in (self.sample_ri, self.ri))
        cosine = inside / self.sample_ri
        # dθ sinθ √cosθ, as a function of the sine: sine dsine / √cosine
        weights = weights / 2 * self.aperture * sine / np.sqrt(cosine)
        phase: NDArray[np.complex128] = np.exp(
            1j * self.wavenumber * (self.depth * (inside - outside) - np.outer(heights, outside))
            + 2j * np.pi * self.spherical * zernike
        )
        factors = (1 + cosine, math.sqrt(2) * sine / self.sample_ri, 1 - cosine)
        return _Rays(radius, sine, phase * weights, factors)

    def _on_axis(self, heights: Values) -> NDArray[np.complex128]:
        """Return the field on the axis without astigmatism."""
        rays = self._rays(heights, 0.0)
        return np.asarray(rays.values @ rays.factors[0])

    def _best_focus(self) -> float:
        """Return the height of the brightest focus on the axis: a cover slip moves it."""
        nominal = self.depth * (1 - self.ri / self.sample_ri)
        heights = nominal + self.depth * np.linspace(-0.6, 0.6, 601)
        on_axis = np.abs(self._on_axis(heights)) ** 2
        start, step = heights[on_axis.argmax()], heights[1] - heights[0]

        def darkness(height: float) -> float:
            return -float(np.abs(self._on_axis(np.array([height]))[0]) ** 2)

        found = minimize_scalar(darkness, bounds=(start - step, start + step), method="bounded")
        return float(found.x)


class _Rays(NamedTuple):
    """The light in the pupil: what interferes in a point.

    Attributes
    ----------
    radius
        In the pupil, from 0 to 1 at its edge, ``(nodes,)``.
    sine
        Of the angle, times the refractive index.
    values
        Phase and quadrature weight, ``(heights, nodes)``.
    factors
        Of the three components of circularly polarised light, whose phases turn by 0, 1 and 2
        times the angle around the axis.
    """

    radius: Values
    sine: Values
    values: NDArray[np.complex128]
    factors: tuple[Values, ...]
