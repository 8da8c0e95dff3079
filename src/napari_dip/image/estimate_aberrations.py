"""Estimate aberrations of a microscope from an image that it made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_dip.errors import BadSettings
from napari_dip.image.arguments import problem_from_python
from napari_dip.settings import Deconvolve, Optics, Settings
from napari_dip.settings.optics import ABERRATIONS

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["estimate_aberrations"]


def estimate_aberrations(image: ArrayLike, optics: Optics, **settings: Any) -> Optics:
    """Estimate the spherical aberration and the astigmatism of a widefield microscope.

    Optics whose indices or cover slip do not fit, or that are tilted, blur more than their numbers
    tell. The middle of the first z-stack is sharpened with several aberrations, and those that
    predict an independent observation best are chosen. Planes and other microscopes are refused:
    there the estimate was wrong too often. A defocus would move the whole stack along Z.

    ``deconvolve(..., estimate_aberrations=True)`` does both in one.

    Parameters
    ----------
    image
        A z-stack of three axes or more, as in :func:`deconvolve`.
    optics
        The microscope, with the sizes of the voxels; its aberrations are replaced.
    **settings
        Fields of :class:`Settings`, such as ``axes``, ``noise`` and ``seed``.

    Returns
    -------
    Optics
        For :func:`deconvolve` and :func:`optical_psf`. The aberrations are 0 if none explain the
        image certainly better.

    Raises
    ------
    BadImage
        If the image is constant, or has no noise that could be predicted.
    BadSettings
        If ``optics`` are no optics, those of another microscope, or of several channels.

    Examples
    --------
    >>> import numpy as np
    >>> flat = np.random.default_rng(0).poisson(50, (6, 32, 32))
    >>> optics = Optics(na=0.8, ri=1.0, wavelength=520, pixel_size=0.15, z_step=0.4)
    >>> estimate_aberrations(flat, optics, axes="ZYX").spherical
    0.0
    """
    if not isinstance(optics, Optics):
        raise BadSettings(f"optics={optics!r}: give napari_dip.Optics, such as Optics(na=1.4)")
    told = {name: value for name, value in optics if name not in ABERRATIONS}
    task = Deconvolve(**told, estimate_aberrations=True)
    asked = Settings(**{"task": task, "share": "none", "ndim": 3} | settings)
    found = problem_from_python(image, asked, stacklevel=3).settings.task.microscope
    assert found is not None
    return found
