"""Check the arguments of a Python call, and make them a problem."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from napari_dip.errors import BadSettings, DoubtfulPsf, Undersampled
from napari_dip.image.axis_names import with_axes
from napari_dip.image.mask_values import warn_of_grey_levels
from napari_dip.image.problem import Problem, make_problem
from napari_dip.image.psf import refuse_two_psfs
from napari_dip.optics.psf import PSF
from napari_dip.plaintext import shortened
from napari_dip.settings import Settings

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["problem", "problem_from_python"]


def problem(
    image: ArrayLike,
    settings: Settings | None = None,
    *,
    mask: ArrayLike | None = None,
    psf: ArrayLike | None = None,
    axes: str | None = None,
    mask_axes: str | None = None,
    psf_axes: str | None = None,
) -> Problem:
    """Check an image and the settings of a run, and survey the image; nothing is restored.

    The functions of :mod:`napari_dip.assess` take the problem and its result.

    Parameters
    ----------
    image, settings, mask, psf, axes, mask_axes, psf_axes
        As in :func:`~napari_dip.image.restore.restore`.

    Raises
    ------
    BadImage, BadMask, BadSettings, DeviceUnavailable
        As :func:`~napari_dip.image.restore.restore`.

    Examples
    --------
    >>> import numpy as np
    >>> noisy = np.random.default_rng(0).normal(100, 5, (64, 64))
    >>> problem(noisy, Settings(noise=5.0)).survey.noises[0].describe()
    'Gaussian, standard deviation 5'
    """
    return problem_from_python(
        image,
        settings or Settings(),
        mask=mask,
        psf=psf,
        axes=axes,
        mask_axes=mask_axes,
        psf_axes=psf_axes,
        stacklevel=3,
    )


def problem_from_python(
    image: ArrayLike,
    settings: Settings,
    *,
    mask: ArrayLike | None = None,
    psf: ArrayLike | None = None,
    axes: str | None = None,
    mask_axes: str | None = None,
    psf_axes: str | None = None,
    stacklevel: int,
) -> Problem:
    """Check the arguments of a Python function, and warn of guesses.

    Parameters
    ----------
    image, settings, mask, psf, axes, mask_axes, psf_axes
        As in :func:`~napari_dip.image.restore.restore`.
    stacklevel
        The frame to which a warning points; 2 is the caller of this function.

    Raises
    ------
    BadImage, BadMask, BadSettings, DeviceUnavailable
        As :func:`~napari_dip.image.problem.make_problem`; also if ``settings`` are no settings.
    """
    if not isinstance(settings, Settings):
        raise BadSettings(
            f"settings={shortened(settings, 80)}: give napari_dip.Settings, such as "
            "Settings(task=Denoise(), iterations=300)"
        )
    if axes is not None:
        settings = settings.replace(axes=axes)
    settings = with_axes(image, settings, stacklevel=stacklevel + 1)
    warn_of_grey_levels(mask, stacklevel=stacklevel + 1)
    if psf is not None:
        refuse_two_psfs(settings)
    problem = make_problem(image, settings, mask, psf, mask_axes=mask_axes, psf_axes=psf_axes)
    if psf is not None and not isinstance(psf, PSF) and problem.blur is not None:
        for doubt in problem.blur.notes:
            warnings.warn(doubt, DoubtfulPsf, stacklevel=stacklevel)
    for loss in () if problem.blur is None else problem.blur.losses:
        warnings.warn(loss, Undersampled, stacklevel=stacklevel)
    return problem
