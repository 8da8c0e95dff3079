"""Compute the point spread function of a microscope."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import map_coordinates
from scipy.signal import fftconvolve

from napari_dip.errors import BadSettings
from napari_dip.optics.diffraction import Pupil
from napari_dip.optics.psf import PSF, normalised

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from napari_dip.settings import Optics

__all__ = ["kernel_sides", "optical_psf"]

SUBPIXELS = 5  # along Y and X: the integral over a pixel is their mean
RADIUS = 10.0  # Airy radii: 98.3 % of the light in focus
SHARE_OF_SIDE = 0.25  # of the image: the largest half side of a kernel along Y and X
SHARE_OF_DEPTH = 0.5  # of the stack: the largest half side along Z
RADII_STEP = 0.2  # pixels: of the table of the radial integral
ANGLES_AROUND = 8  # angles: the weights of a cubic spline fall by 3.7 from one to the next
MARGIN = 1.02  # by how much the sampling may be coarser before a note: pixel sizes are rounded


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
    return PSF(normalised(values), source, losses=_coarse_sampling(optics, step))


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
