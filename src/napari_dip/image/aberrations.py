"""Replace unknown aberrations of the optics by those that explain the image."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.ndimage import gaussian_filter

from napari_dip.errors import BadImage, BadSettings
from napari_dip.noise.poisson_gaussian import PoissonGaussian
from napari_dip.optics.microscope_psf import optical_psf
from napari_dip.settings.optics import Optics

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_dip.image.axes import Index, Layout
    from napari_dip.image.observed import ObservedImage
    from napari_dip.noise.model import NoiseModel
    from napari_dip.settings import Settings

__all__ = ["check_estimable", "with_estimated_aberrations"]

MOST_SIDES = {"Z": 32, "Y": 128, "X": 128}  # pixels of the middle, which is enough; not measured
SMOOTH = 1.5  # pixels: standard deviation of a filter that removes most of the noise


def check_estimable(settings: Settings) -> None:
    """Refuse to estimate aberrations where the image does not tell them.

    Raises
    ------
    BadSettings
        If there is no microscope, it is no widefield one, or has several channels, or planes are
        restored one by one.
    """
    optics = settings.task.microscope
    if optics is None:
        raise BadSettings(
            "estimate_aberrations needs the numbers of the microscope; give na, ri and wavelength, "
            "or leave it out"
        )
    optics.checked()
    if optics.microscopy != "widefield":
        raise BadSettings(
            f"the aberrations of a {optics.microscopy} microscope cannot be told from its image; "
            "leave out estimate_aberrations, or measure the point spread function with a bead"
        )
    if optics.channels > 1:
        raise BadSettings(
            f"there are wavelengths of {optics.channels} channels, and aberrations are estimated "
            "for one; give one wavelength, and restore channel by channel"
        )
    if settings.ndim != 3:
        raise BadSettings(
            "a single plane does not tell aberrations from structure; estimate_aberrations needs a "
            "z-stack that is restored as a volume (ndim=3, --ndim 3)"
        )


def with_estimated_aberrations(
    observed: ObservedImage, layout: Layout, noises: Sequence[NoiseModel], settings: Settings
) -> Settings:
    """Return settings with the aberrations that explain the first volume best.

    Parameters
    ----------
    observed, layout
        The image.
    noises
        Noise of each channel, in units of the image.
    settings
        Those of a microscope, which :func:`check_estimable` accepts.

    Raises
    ------
    BadImage
        If the image is constant, has missing pixels, or no noise that could be predicted.
    """
    task: Any = settings.task
    told = task.microscope
    index = next(iter(layout.indices()))
    values, sigma = _middle_volume(observed, layout, index, noises[layout.channels_of(index)[0]])

    def kernel(waves: tuple[float, ...]) -> NDArray[np.float32]:
        return optical_psf(Optics(**dict(told) | _aberrations(waves)), values.shape).values

    # Here, because loading torch takes seconds.
    from napari_dip.pipeline.fit_aberrations import best_aberrations

    found = _aberrations(best_aberrations(values, sigma, kernel, count=3, seed=settings.seed))
    known = dict(task) | found | {"estimate_aberrations": False}
    return settings.replace(task=type(task)(**known))


def _aberrations(waves: tuple[float, ...]) -> dict[str, float]:
    """Return the fields of optics for coefficients of Zernike polynomials.

    They are those of √5 (6 ρ⁴ - 6 ρ² + 1), √6 ρ² cos 2φ and √6 ρ² sin 2φ.
    """
    spherical, cosine, sine = waves
    return {
        "spherical": spherical,
        "astigmatism": round(math.hypot(cosine, sine), 3),
        "astigmatism_angle": round(math.degrees(math.atan2(sine, cosine)) / 2 % 180, 1),
    }


def _middle_volume(
    observed: ObservedImage, layout: Layout, index: Index, noise: NoiseModel
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the values in the middle of a volume, 0 without light, and their noise."""
    whole = [*index, *[slice(None)] * (len(layout.axes) - len(index))]
    part = observed.read(
        tuple(
            _middle(size, MOST_SIDES[letter]) if letter in layout.spatial else place
            for letter, size, place in zip(layout.axes, layout.shape, whole, strict=True)
        )
    )
    values, known = (layout.colours(each)[0] for each in (part.values, part.known))
    values = values.astype(np.float64)
    sigma = noise.sigma(values.astype(np.float32))
    if not known.all() or not (sigma > 0).all() or np.ptp(values) == 0:
        raise BadImage(
            "the aberrations cannot be estimated from an image with missing pixels, without noise, "
            "or of equal values; give another part of it, or the noise (noise=, --noise)"
        )
    # The offset of an image without dark pixels is not certain, and no light is below 0.
    darkest = float(gaussian_filter(values, SMOOTH).min())
    dark = min(noise.offset, darkest) if isinstance(noise, PoissonGaussian) else darkest
    return (values - dark).astype(np.float32), sigma.astype(np.float32)


def _middle(size: int, most: int) -> slice:
    start = max(0, (size - most) // 2)
    return slice(start, start + most)
