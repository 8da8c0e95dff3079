"""Point spread functions, in pixels of the image that they blur."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.ndimage import map_coordinates
from scipy.signal import fftconvolve

from napari_dip.errors import BadSettings
from napari_dip.optics.diffraction import Pupil

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from napari_dip.settings import Optics

__all__ = ["PSF", "gaussian_psf", "kernel_sides", "optical_psf"]

SUBPIXELS = 5  # along Y and X: the integral over a pixel is their mean
RADIUS = 10.0  # Airy radii: 98.3 % of the light in focus
SHARE_OF_SIDE = 0.25  # of the image: the largest half side of a kernel along Y and X
SHARE_OF_DEPTH = 0.5  # of the stack: the largest half side along Z
RADII_STEP = 0.2  # pixels: of the table of the radial integral
ANGLES_AROUND = 8  # angles: the weights of a cubic spline fall by 3.7 from one to the next
SIGMAS = 4.0  # of a Gaussian: half of its side
FWHM = math.sqrt(8 * math.log(2))  # standard deviations in the full width at half maximum
MARGIN_LIGHT = 0.95  # of the light: the overlap of tiles includes it
MARGIN = 1.02  # by how much the sampling may be coarser before a note: pixel sizes are rounded


@dataclass(frozen=True)
class PSF:
    """A point spread function: what the microscope makes of a point.

    Parameters
    ----------
    values
        float32, one axis for each spatial axis, each of an odd length; their sum is 1.
    source
        What it is, in words.
    notes
        Sentences about what was done.
    losses
        Sentences about detail that the image cannot show, as its pixels are too large.
    file
        Where it was read from; empty if it was not.
    channels
        Those of all channels, if they differ; ``values`` are those of the first.

    Examples
    --------
    >>> print(gaussian_psf((2.5, 2.5)).describe())
    Gaussian of 2.5 × 2.5 pixels (full width at half maximum), 11 × 11 pixels
    """

    values: NDArray[np.float32]
    source: str
    notes: tuple[str, ...] = ()
    losses: tuple[str, ...] = ()
    file: str = ""
    channels: tuple[PSF, ...] = ()

    @classmethod
    def of_channels(cls, channels: Sequence[PSF]) -> PSF:
        """Combine those of several channels."""
        losses = dict.fromkeys(loss for each in channels for loss in each.losses)
        return replace(channels[0], losses=tuple(losses), channels=tuple(channels))

    def of_channel(self, number: int) -> PSF:
        """Return that of one channel, from 0."""
        return self.channels[number] if self.channels else self

    @property
    def digest(self) -> str:
        """A number of the values, the same for the same values."""
        each = [one.values.tobytes() for one in self.channels or [self]]
        return hashlib.blake2b(b"".join(each), digest_size=16).hexdigest()

    @property
    def margin(self) -> int:
        """Distance along Y and X in pixels within which most of the light is."""
        if self.channels:
            return max(one.margin for one in self.channels)
        centre = [size // 2 for size in self.values.shape[-2:]]
        plane = self.values.reshape(-1, *self.values.shape[-2:]).sum(axis=0)
        for margin in range(max(centre)):
            part = [slice(max(0, c - margin), c + margin + 1) for c in centre]
            if plane[tuple(part)].sum() >= MARGIN_LIGHT:
                return margin
        return int(max(centre))

    def record(self) -> dict[str, Any]:
        """Return what identifies it, as values that JSON can hold."""
        return {
            "description": self.describe(),
            "notes": [*self.notes, *self.losses],
            "file": self.file,
            "shape": list(self.values.shape),
            "digest": self.digest,
        }

    def describe(self) -> str:
        """Describe it for the plan of a restoration."""
        if self.channels:
            each = enumerate(self.channels, start=1)
            return "; ".join(f"channel {number}: {one.describe()}" for number, one in each)
        where = f" ({self.file})" if self.file else ""
        return f"{self.source}{where}, {_times(self.values.shape)} pixels"

    def __array__(
        self, dtype: np.dtype | None = None, copy: bool | None = None
    ) -> NDArray[np.generic]:
        """Return the values."""
        return np.array(self.values, dtype=dtype)


def gaussian_psf(fwhm: Sequence[float]) -> PSF:
    """Return a Gaussian with these full widths at half maximum, in pixels.

    It is the integral over each pixel of a Gaussian, cut at four standard deviations.

    Examples
    --------
    >>> psf = gaussian_psf((3.0, 2.0))
    >>> psf.values.shape, round(float(psf.values.sum()), 5)
    ((13, 9), 1.0)
    """
    from scipy.special import ndtr

    values = np.ones(())
    for width in fwhm:
        sigma = width / FWHM
        half = max(1, math.ceil(SIGMAS * sigma))
        edges = (np.arange(-half, half + 2) - 0.5) / sigma
        values = np.multiply.outer(values, np.diff(ndtr(edges)))
    source = f"Gaussian of {_times(fwhm)} pixels (full width at half maximum)"
    return PSF(_normalised(values), source)


def optical_psf(optics: Optics, sides: Sequence[int]) -> PSF:
    """Compute the point spread function of a microscope.

    Parameters
    ----------
    optics
        The microscope, with the size of the pixels.
    sides
        Of the image, ``(Y, X)`` or ``(Z, Y, X)`` in pixels. The kernel reaches 10 Airy radii and
        the cone of the light out of focus, but not farther than a quarter of the image along Y and
        X, and half of the stack along Z. A single plane is in focus.

    Raises
    ------
    BadSettings
        If a number that is needed is unknown, or there are several wavelengths.

    Examples
    --------
    >>> from napari_dip.settings import Optics
    >>> optics = Optics(na=0.8, ri=1.0, wavelength=500, pixel_size=0.15)
    >>> psf = optical_psf(optics, (128, 128))
    >>> psf.values.shape
    (53, 53)
    >>> print(psf.describe())
    widefield, NA 0.8, 500 nm, refractive index 1, pixels of 0.15 µm, 53 × 53 pixels
    """
    optics = optics.checked()
    if optics.channels > 1:
        raise BadSettings(
            f"the optics have wavelengths of {optics.channels} channels, and a point spread "
            "function has one; take that of a channel, such as optics.of_channel(0)"
        )
    if optics.pixel_size is None or (len(sides) == 3 and optics.z_step is None):
        lacking = "pixel size" if optics.pixel_size is None else "distance of the planes"
        cure = (
            "pixel_size=0.1 (--pixel-size 0.1"
            if lacking == "pixel size"
            else ("z_step=0.3 (--z-step 0.3")
        )
        raise BadSettings(
            f"the {lacking} is unknown, and the point spread function needs it; give {cure}, in µm)"
        )
    step = optics.z_step if len(sides) == 3 else None
    shape = _half_sides(optics, sides)
    values = _light(optics, shape)
    source = f"{optics.describe()}, pixels of {optics.pixel_size:.4g}"
    source += f" µm, planes {step:.4g} µm apart" if step else " µm"
    return PSF(_normalised(values), source, losses=_coarse_sampling(optics, step))


def kernel_sides(optics: Optics, sides: Sequence[int]) -> tuple[int, ...]:
    """Return the sides that :func:`optical_psf` gives a kernel, without computing it.

    They are empty while a number is unknown; of several channels they are the largest.

    Examples
    --------
    >>> from napari_dip.settings import Optics
    >>> kernel_sides(Optics(na=0.8, ri=1.0, wavelength=500, pixel_size=0.15), (128, 128))
    (53, 53)
    """
    known = not optics.lacking and optics.pixel_size is not None
    if not known or (len(sides) == 3 and optics.z_step is None):
        return ()
    each = [_half_sides(optics.of_channel(number), sides) for number in range(optics.channels)]
    return tuple(2 * max(halves) + 1 for halves in zip(*each, strict=True))


def _half_sides(optics: Optics, sides: Sequence[int]) -> tuple[int, ...]:
    """Return half of the odd sides of a kernel."""
    assert optics.pixel_size is not None
    light = optics.excited_at if optics.microscopy == "two-photon" else optics.emitted_at
    assert optics.ri is not None
    radius = RADIUS * 0.61 * light / 1000 / optics.aperture
    depth: tuple[int, ...] = ()
    if len(sides) == 3:
        assert optics.z_step is not None
        planes = max(1, int(SHARE_OF_DEPTH * sides[0]))
        depth = (planes,)
        if optics.microscopy in ("widefield", "light-sheet"):
            tangent = math.tan(math.asin(min(0.95, optics.aperture / optics.ri)))
            radius += planes * optics.z_step * tangent
    wanted = math.ceil(radius / optics.pixel_size)
    lateral = [max(2, min(wanted, int(SHARE_OF_SIDE * side))) for side in sides[-2:]]
    return (*depth, *lateral)


def _light(optics: Optics, half: Sequence[int]) -> NDArray[np.float64]:
    """Return the intensities over the pixels of a kernel."""
    planes = half[0] if len(half) == 3 else 0
    heights = (optics.z_step or 0.0) * np.arange(-planes, planes + 1.0)
    lateral = tuple(half[-2:])
    rows, columns = (2 * each + 1 for each in lateral)
    fine = _seen(optics, heights, lateral)
    shape = (rows, SUBPIXELS, columns, SUBPIXELS)
    values = np.stack([plane.reshape(shape).mean(axis=(1, 3)) for plane in fine])
    return values if len(half) == 3 else values[0]


def _seen(
    optics: Optics, heights: NDArray[np.float64], half: tuple[int, ...]
) -> Iterator[NDArray[np.float64]]:
    """Yield the intensities that the microscope detects at the points inside the pixels."""
    if optics.microscopy == "two-photon":
        for excited in _fine(optics, optics.excited_at, heights, half):
            yield excited**2
        return
    emitted = _fine(optics, optics.emitted_at, heights, half)
    if optics.microscopy == "confocal":
        pinhole = _pinhole(optics)
        excitation = _fine(optics, optics.excited_at, heights, half)
        for plane, excited in zip(emitted, excitation, strict=True):
            yield fftconvolve(plane, pinhole, mode="same").clip(0) * excited
    elif optics.microscopy == "light-sheet":
        assert optics.sheet is not None
        lit = np.exp(-4 * math.log(2) * (heights / optics.sheet) ** 2)
        for plane, light in zip(emitted, lit, strict=True):
            yield plane * light
    else:
        yield from emitted


def _fine(
    optics: Optics, wavelength: float, heights: NDArray[np.float64], half: tuple[int, ...]
) -> Iterator[NDArray[np.float64]]:
    """Yield the intensities at the points inside the pixels, for light of a wavelength in nm."""
    assert optics.pixel_size is not None
    assert optics.ri is not None
    pupil = Pupil(
        optics.aperture,
        wavelength / 1000,
        optics.ri,
        optics.sample_ri,
        optics.depth,
        optics.spherical,
        optics.astigmatism,
    )
    y, x = (
        (np.arange(SUBPIXELS * (2 * each + 1)) - (SUBPIXELS * (2 * each + 1) - 1) / 2) / SUBPIXELS
        for each in half
    )
    distance = np.hypot(y[:, None], x) / RADII_STEP
    radii = np.arange(math.ceil(distance.max()) + 3) * RADII_STEP * optics.pixel_size
    table = pupil.intensity(radii, heights)
    angles = table.shape[1]
    if angles == 1:
        for line in table[:, 0]:
            yield map_coordinates(line, [distance], order=3, mode="mirror")
        return
    turned = np.arctan2(y[:, None], x) - math.radians(optics.astigmatism_angle)
    angle = turned / np.pi % 1 * angles
    for plane in table:
        # The spline needs some of the angles before the first and after the last one.
        around = np.pad(plane, [(ANGLES_AROUND, ANGLES_AROUND), (0, 0)], mode="wrap")
        yield map_coordinates(around, [angle + ANGLES_AROUND, distance], order=3, mode="mirror")


def _pinhole(optics: Optics) -> NDArray[np.float64]:
    """Return the disc of the pinhole at the points inside the pixels."""
    assert optics.pixel_size is not None
    airy_unit = 1.22 * optics.emitted_at / 1000 / optics.aperture
    radius = optics.pinhole * airy_unit / 2 / optics.pixel_size * SUBPIXELS
    side = np.arange(-math.ceil(radius), math.ceil(radius) + 1)
    return (np.hypot(side[:, None], side) <= radius).astype(float)


def _coarse_sampling(optics: Optics, step: float | None) -> tuple[str, ...]:
    """Note pixels and planes that are farther apart than the sampling theorem allows."""
    sizes = [("pixels", optics.pixel_size, optics.cutoff)]
    sizes += [("planes", step, optics.axial_cutoff)] if step else []
    return tuple(
        f"The {name} are {size:.3g} µm apart, and more than {1 / (2 * cutoff):.3g} µm (Nyquist) "
        "lose detail that no deconvolution recovers."
        for name, size, cutoff in sizes
        if size is not None and size > MARGIN / (2 * cutoff)
    )


def _normalised(values: NDArray[np.float64]) -> NDArray[np.float32]:
    values = values.clip(0)
    return np.ascontiguousarray(values / values.sum(), np.float32)


def _times(numbers: Sequence[float]) -> str:
    return " × ".join(f"{number:.4g}" for number in numbers)
