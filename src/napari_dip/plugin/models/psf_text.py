"""Say in words what a point spread function is, and warn of coarse pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.interpolate import CubicSpline

from napari_dip.plugin.models.pixel_sizes import micrometres

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_dip.optics.psf import PSF
    from napari_dip.plugin.models.layer_input import LayerInput
    from napari_dip.settings import Optics, Settings

__all__ = ["aberrations_found", "describe_point_spread"]


def describe_point_spread(psf: PSF, source: LayerInput, settings: Settings) -> str:
    """Say how wide a point spread function is, and warn of coarse pixels; details below.

    Examples
    --------
    >>> from napari_dip.optics.psf import gaussian_psf
    >>> from napari.layers import Image
    >>> from napari_dip.plugin.models.layer_input import read_layer
    >>> from napari_dip.settings import Settings
    >>> source = read_layer(Image(np.zeros((32, 32))))
    >>> task = {"kind": "deconvolve", "fwhm": 3}
    >>> settings = Settings(task=task, axes="YX")
    >>> print(describe_point_spread(gaussian_psf((3, 3)), source, settings))
    PSF: Gaussian, 3 pixels wide.
    <BLANKLINE>
    Gaussian of 3 × 3 pixels (full width at half maximum), 13 × 13 pixels.
    """
    microscope, is_gaussian = settings.task.microscope, settings.task.gaussian_widths
    kind = "Gaussian" if is_gaussian(settings.spatial) else psf.source
    kind = kind if microscope is None else microscope.microscopy
    where = "first channel: " if psf.channels else ""
    lines = [f"PSF: {kind}, {where}{_widths(psf, source, settings)}."]
    if coarse := _below_nyquist(psf, settings):
        lines.append(f"Below Nyquist sampling ({coarse}).")
    details = [f"{psf.describe()}.", *psf.notes, *psf.losses]
    return " ".join(lines) + "\n\n" + "\n".join(details)


def aberrations_found(optics: Optics, name: str) -> str:
    """Say what was estimated from a layer.

    Examples
    --------
    >>> from napari_dip.settings import Optics
    >>> aberrations_found(Optics(spherical=0.12), "cells")
    "Estimated from 'cells': spherical aberration 0.12 waves. Show PSF shows its effect."
    """
    found = optics.describe_aberrations()
    if not found:
        return f"No aberration explains '{name}' certainly better than none."
    return f"Estimated from '{name}': {found}. Show PSF shows its effect."


def _widths(psf: PSF, source: LayerInput, settings: Settings) -> str:
    """Write the full widths at half maximum along X and Z, in µm if the pixel sizes are known."""
    widths = dict(zip(settings.spatial, _full_widths(psf, settings), strict=True))
    said = []
    for letter, unknown, where in (("X", "pixels", "wide"), ("Z", "planes", "along Z")):
        if letter in widths:
            size = micrometres(source, letter)
            length = f"{widths[letter] * (size or 1):.2g} {'µm' if size else unknown}"
            said.append(f"{length} {where}")
    return ", ".join(said)


def _full_widths(psf: PSF, settings: Settings) -> Sequence[float]:
    """Return the full width at half maximum of the line through the peak along each axis."""
    values = psf.values
    if known := settings.task.gaussian_widths(settings.spatial):
        return known
    peak = np.unravel_index(int(values.argmax()), values.shape)
    widths = []
    for axis in range(values.ndim):
        index = tuple(slice(None) if one == axis else peak[one] for one in range(values.ndim))
        line = np.pad(values[index], 1)
        height = CubicSpline(np.arange(len(line)), line - values[peak] / 2)
        crossings = height.roots(extrapolate=False)
        centre = peak[axis] + 1
        right = crossings[crossings > centre].min(initial=len(line) - 1)
        left = crossings[crossings < centre].max(initial=0)
        widths.append(float(right - left))
    return widths


def _below_nyquist(psf: PSF, settings: Settings) -> str:
    """Name the largest pixels and distances of planes, where those of the image are larger."""
    microscope = settings.task.microscope
    if microscope is None:
        return ""
    each = [microscope.of_channel(number) for number in range(microscope.channels)]
    finest = max(each, key=lambda one: one.cutoff)
    limits = {
        "pixels": f"{1 / (2 * finest.cutoff):.2g} µm",
        "planes": f"{1 / (2 * finest.axial_cutoff):.2g} µm along Z",
    }
    return ", ".join(
        limit
        for what, limit in limits.items()
        if any(loss.startswith(f"The {what} ") for loss in psf.losses)
    )
