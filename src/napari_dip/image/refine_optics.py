"""Estimate an aberration of the microscope from an image that it made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_dip.errors import BadImage, BadSettings
from napari_dip.image.arguments import problem_from_python
from napari_dip.optics.psf import optical_psf
from napari_dip.settings import Deconvolve, Optics, Settings

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["refine_optics"]

CANDIDATES = (0.04, 0.08, 0.12, 0.16, 0.2, 0.24)  # waves, of both signs (NOTES, "Deconvolution")
MOST_PIXELS = 128  # along Y and X: the middle of the image is enough; not measured


def refine_optics(image: ArrayLike, optics: Optics, **settings: Any) -> Optics:
    """Estimate the spherical aberration of a widefield microscope from a z-stack.

    Optics whose indices or cover slip do not fit blur more than their numbers tell. The first
    volume is sharpened with several aberrations, and the one that predicts an independent
    observation best is chosen. Planes and other microscopes are refused: there the estimate was
    wrong too often.

    Parameters
    ----------
    image
        A z-stack of three axes or more, as in :func:`deconvolve`.
    optics
        The microscope, with the sizes of the voxels; its ``spherical`` is replaced. A measured or
        Gaussian point spread function has none.
    **settings
        Fields of :class:`Settings`, such as ``axes``, ``noise`` and ``seed``.

    Returns
    -------
    Optics
        For :func:`deconvolve` and :func:`optical_psf`. The aberration is 0 if none explains the
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
    >>> refine_optics(flat, optics, axes="ZYX").spherical
    0.0
    """
    from napari_dip.pipeline.fit_aberration import best_candidate

    if not isinstance(optics, Optics):
        raise BadSettings(f"optics={optics!r}: give napari_dip.Optics, such as Optics(na=1.4)")
    if optics.channels > 1:
        raise BadSettings(
            f"optics has wavelengths of {optics.channels} channels; refine those of a channel, "
            "such as optics.of_channel(0), with the image of that channel"
        )
    if optics.microscopy != "widefield":
        raise BadSettings(
            f"the aberration of a {optics.microscopy} microscope cannot be told from its image; "
            "give that of a widefield one, or measure the point spread function with a bead"
        )
    plain = {name: value for name, value in optics if name != "spherical"}
    task = Deconvolve(**plain)
    asked = Settings(**{"task": task, "share": "none", "ndim": 3} | settings)
    if asked.ndim != 3:
        raise BadSettings(
            f"ndim={asked.ndim}: a single plane does not tell an aberration from structure; give a "
            "z-stack (ndim=3)"
        )
    found = problem_from_python(image, asked, stacklevel=3)
    unit = found.plan.units[0]
    observed = found.observed.read(unit.input_index)
    values = found.layout.colours(observed.values)[0].astype(np.float64)
    known = found.layout.colours(observed.known)[0]
    inside = tuple(
        slice(max(0, (n - MOST_PIXELS) // 2), max(0, (n - MOST_PIXELS) // 2) + MOST_PIXELS)
        for n in values.shape[-2:]
    )
    values, known = values[(..., *inside)], known[(..., *inside)]
    noise = found.noises(unit)[0]
    sigma = noise.sigma(values.astype(np.float32))
    if not known.all() or not (sigma > 0).all() or np.ptp(values) == 0:
        raise BadImage(
            "the aberration cannot be estimated from an image with missing pixels, without noise, "
            "or of equal values; give another part of it, or the noise (noise=)"
        )
    offset = getattr(noise, "offset", 0.0) if noise.signal_dependent else float(values.min())

    def psf_of(spherical: float) -> Any:
        return optical_psf(Optics(**plain, spherical=spherical), values.shape).values

    best = best_candidate(
        (values - offset).astype(np.float32),
        sigma.astype(np.float32),
        [0.0, *(sign * each for each in CANDIDATES for sign in (1, -1))],
        psf_of,
        asked.seed,
    )
    return Optics(**plain, spherical=best)
