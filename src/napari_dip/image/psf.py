"""Find the point spread function of a restoration: given, or computed for its task."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import center_of_mass

from napari_dip.errors import BadImage, BadSettings
from napari_dip.image.arrays import as_array, masked_to_nan
from napari_dip.image.axis_names import named_axes
from napari_dip.optics.microscope_psf import kernel_sides, optical_psf
from napari_dip.optics.psf import PSF, gaussian_psf
from napari_dip.plaintext import shortened

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from napari_dip.image.axes import Layout
    from napari_dip.settings import Optics, Settings

OFF_CENTRE = 0.75  # pixels: a smaller distance from the middle is not told
MOST_BACKGROUND = 0.2  # of the light: what is out of focus is less at the border of a kernel
LEAST_CONTRAST = 0.2  # of the brightest pixel: a darker background is not that of a uniform blur
MOST_NEGATIVE = 0.01  # of the sum: what rounding and interpolation leave is clipped

__all__ = ["expected_kernel", "normalised_psf", "psf_of", "refuse_two_psfs"]


def psf_of(
    psf: ArrayLike | PSF | None, axes: str | None, layout: Layout, settings: Settings
) -> PSF | None:
    """Return the given point spread function, or that of the task; ``None`` for no blur.

    Raises
    ------
    BadImage
        If the given one does not fit the image.
    BadSettings
        If the task needs one, and it is unknown.
    """
    task = settings.task
    kernel = normalised_psf(psf, layout, axes)
    if kernel is not None:
        if isinstance(psf, PSF):
            return replace(psf, values=kernel)
        return PSF(kernel, "given", _doubts(kernel, layout.spatial))
    if not task.spec.needs_psf:
        return None
    if widths := task.gaussian_widths(layout.spatial):
        found = gaussian_psf(widths)
        normalised_psf(found.values, layout, layout.spatial)  # raises if it is too large
        return found
    if (optics := task.microscope) is None:
        raise BadSettings(
            f"{task.kind} needs a point spread function; give the numbers of the microscope, such "
            "as na=1.4, ri=1.518, wavelength=520 (--na 1.4 --ri 1.518 --wavelength 520), or "
            "fwhm='0.25 µm' (--fwhm), or psf (--psf FILE)"
        )
    if optics.channels == 1:
        return optical_psf(optics, layout.spatial_shape)
    _check_channels(optics, layout)
    each = (optics.of_channel(number) for number in range(optics.channels))
    return PSF.of_channels([optical_psf(one, layout.spatial_shape) for one in each])


def _doubts(kernel: NDArray[np.float32], spatial: str) -> tuple[str, ...]:
    """Say what is unusual in a given point spread function: it is used as it is."""
    doubts = []
    centre = center_of_mass(kernel * (kernel > kernel.max() / 2))
    off = [c - size // 2 for c, size in zip(centre, kernel.shape, strict=True)]
    if max(map(abs, off)) > OFF_CENTRE:
        by = ", ".join(f"{each:.1f} along {axis}" for each, axis in zip(off, spatial, strict=True))
        doubts.append(
            f"The psf is not in the middle of its array ({by} pixels), which moves the result; "
            "napari_dip.measured_psf(psf) centres it."
        )
    flat = float(kernel.min()) * kernel.size
    if flat > MOST_BACKGROUND and kernel.min() < LEAST_CONTRAST * kernel.max():
        doubts.append(
            f"A constant background has {flat:.0%} of the light of the psf; "
            "napari_dip.measured_psf(psf) subtracts it."
        )
    return tuple(doubts)


def _check_channels(optics: Optics, layout: Layout) -> None:
    """Refuse wavelengths of channels that the image has not, or that are restored together."""
    if optics.channels != layout.channels:
        raise BadSettings(
            f"there are wavelengths of {optics.channels} channels, and the image has "
            f"{layout.channels} (axes {layout.axes}); give one wavelength, or one for each channel "
            "(--wavelength 461,520), or name the axis of the channels C (--axes)"
        )
    if layout.shared == "C":
        raise BadSettings(
            "channels that are restored together (share='C') have one point spread function; give "
            "one wavelength, or choose share='none' (--share none)"
        )


def expected_kernel(settings: Settings, layout: Layout) -> tuple[int, ...]:
    """Return the sides of the point spread function that a task describes; empty if unknown."""
    task = settings.task
    try:
        if widths := task.gaussian_widths(layout.spatial):
            return gaussian_psf(widths).values.shape
    except BadSettings:
        return ()  # said by what computes it
    return () if task.microscope is None else kernel_sides(task.microscope, layout.spatial_shape)


def refuse_two_psfs(settings: Settings) -> None:
    """Refuse a given point spread function if the task describes another one.

    Raises
    ------
    BadSettings
        If it does.
    """
    if settings.task.describes_psf:
        raise BadSettings(
            f"psf is given, and {settings.task.kind} has numbers of a microscope or fwhm too; "
            "leave out one of both"
        )


def normalised_psf(
    psf: ArrayLike | None, layout: Layout, axes: str | None
) -> NDArray[np.float32] | None:
    """Return a point spread function with a sum of 1 and the spatial axes of the layout.

    Parameters
    ----------
    psf
        Array with an odd size along each axis; ``None`` for no blur.
    layout
        Layout of the image.
    axes
        Letters of the axes of the psf; ``None`` for named dimensions, or the order of the image.

    Raises
    ------
    BadImage
        If the psf does not fit the image, or has no positive sum.

    Examples
    --------
    >>> from napari_dip.image.axes import Layout
    >>> normalised_psf(np.ones((1, 3)), Layout("YX", (8, 9)), "XY").shape
    (3, 1)
    """
    bad_axes = BadImage(f"psf_axes={axes!r}: give letters, such as 'YX', and a psf with these axes")
    if not isinstance(axes, str | None):
        raise bad_axes
    if psf is None:
        if axes is not None:
            raise bad_axes
        return None
    given = as_array(psf, "psf", BadImage)
    if given.dtype.kind not in "buif":
        raise BadImage(f"psf={shortened(repr(psf), 80)}: not numbers; give an array of numbers")
    names = axes or named_axes(psf) or "".join(a for a in layout.axes if a in layout.spatial)
    names = names.upper()
    if given.ndim != len(layout.spatial) or sorted(names) != sorted(layout.spatial):
        named = f" and the axes {names!r}" if axes else ""
        raise BadImage(
            f"the psf has shape {given.shape}{named}; give one axis for each of {layout.spatial}, "
            "each of an odd size, and name them with psf_axes if their order differs from that of "
            "the image"
        )
    kernel = masked_to_nan(given).astype(np.float64)
    kernel = kernel.transpose([names.index(letter) for letter in layout.spatial])
    if any(size % 2 == 0 for size in kernel.shape):
        raise BadImage(f"the psf has shape {kernel.shape}; give an odd size along each axis")
    if any(k > 2 * s for k, s in zip(kernel.shape, layout.spatial_shape, strict=True)):
        raise BadImage(f"the psf of shape {kernel.shape} is larger than the image; crop it")
    if not np.isfinite(kernel).all() or kernel.sum() <= 0:
        raise BadImage(
            "the psf has values that are not finite, or no positive sum; give finite values with a "
            "positive sum"
        )
    if kernel.clip(max=0).sum() < -MOST_NEGATIVE * kernel.sum():
        raise BadImage(
            f"the psf has negative values (the least is {kernel.min():.3g}), and light has none; "
            "subtract its background and clip it, as napari_dip.measured_psf(psf) does"
        )
    kernel = kernel.clip(0)
    return np.ascontiguousarray(kernel / kernel.sum(), np.float32)
