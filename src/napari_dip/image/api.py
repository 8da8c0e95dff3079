"""The tasks as functions from an array to an array."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from napari_dip.errors import BadSettings, PlanesUnchanged
from napari_dip.generators import finished
from napari_dip.image.arguments import problem_from_python
from napari_dip.image.restore import run
from napari_dip.image.sink import InMemory
from napari_dip.settings import Deconvolve, Denoise, Inpaint, Optics, Settings, SuperResolve, Task

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from napari_dip.optics.psf import PSF

__all__ = ["deconvolve", "denoise", "inpaint", "run_task", "super_resolve"]


def denoise(image: ArrayLike, **settings: Any) -> NDArray[Any]:
    """Remove noise from an image.

    Parameters
    ----------
    image
        Two axes or more, any real dtype and range. It is not modified. NaN pixels are filled.
        Planes without a known pixel are returned unchanged, with a warning.
    **settings
        ``artefact="jpeg"`` for compression artefacts; all fields of
        :class:`~napari_dip.settings.Settings`, such as ``preset``, ``iterations``, ``seed``,
        ``device``, ``axes``, ``noise`` and ``dtype``; ``mask``, ``mask_axes``, ``psf`` and
        ``psf_axes`` as in :func:`restore`.

    Returns
    -------
    ndarray
        Of the shape and dtype of the image. It is no masked array: masked pixels are filled.

    Warns
    -----
    AxesGuessed
        If ``axes`` is not given and the last axis may be channels or colours.
    PlanesUnchanged
        If some planes have no known pixel.

    Examples
    --------
    >>> import numpy as np
    >>> noisy = np.random.default_rng(0).poisson(20, (24, 24)).astype(np.uint16)
    >>> denoise(noisy, iterations=20, device="cpu").dtype
    dtype('uint16')
    """
    return run_task(image, Denoise, settings)


def super_resolve(
    image: ArrayLike, factor: int | Literal["isotropic"] = 2, **settings: Any
) -> NDArray[Any]:
    """Refine an image by an integer factor along Y and X, or a z-stack along Z.

    Parameters
    ----------
    image
        Two axes or more, any real dtype and range. It is not modified.
    factor
        From 2 to 8. Pixel j of the image covers the pixels ``factor * j`` to
        ``factor * j + factor - 1`` of the result. ``"isotropic"`` refines Z until the ``voxel``,
        its sizes along Z, Y and X, is closest to a cube.
    **settings
        ``axis="Z"`` refines Z alone. ``downsampler`` is the low-pass filter of the decimation:
        ``"lanczos2"``, ``"lanczos3"``, ``"box"`` (camera binning, cut sections) or
        ``"gaussian"``, the default along Z. The rest as in :func:`denoise`.

    Returns
    -------
    ndarray
        Of the dtype of the image, the refined axes ``factor`` times as long.

    Raises
    ------
    BadSettings, BadImage
        If the voxel is not known, or if no factor makes it a cube; if there are no planes.

    Examples
    --------
    >>> import numpy as np
    >>> super_resolve(np.eye(16), factor=3, iterations=10, device="cpu").shape
    (48, 48)
    >>> stack = np.random.default_rng(0).random((4, 8, 16))
    >>> keywords = {"axes": "ZYX", "voxel": (3, 1, 1), "device": "cpu"}
    >>> super_resolve(stack, "isotropic", iterations=5, **keywords).shape
    (12, 8, 16)
    """
    return run_task(image, SuperResolve, settings | {"factor": factor})


def inpaint(image: ArrayLike, mask: ArrayLike, **settings: Any) -> NDArray[Any]:
    """Fill the missing pixels that a mask marks.

    Parameters
    ----------
    image
        Two axes or more, any real dtype and range. It is not modified.
    mask
        True (or not 0) where a pixel is missing. It has all axes of the image, or some of them with
        Y and X; ``mask_axes`` names them, such as ``"CYX"``, if the lengths are ambiguous.
    **settings
        ``missing`` is the type of the gaps (``"scratches"``, ``"hole"``, ``"large-hole"``,
        ``"pixels"``; by default found from the mask). ``keep_known=False`` denoises the known
        pixels too. ``match_noise=True`` adds noise like that of the image to the filled pixels; the
        seed decides which. The rest as in :func:`denoise`.

    Returns
    -------
    ndarray
        Of the shape and dtype of the image.

    Warns
    -----
    MaskHasGreyLevels
        If the mask seems to have grey levels: all values but 0 count.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.tile(np.arange(16.0), (16, 1))
    >>> mask = np.zeros((16, 16), dtype=bool)
    >>> mask[5:8, 5:8] = True
    >>> filled = inpaint(image, mask, iterations=10, device="cpu")
    >>> bool((filled == image)[~mask].all())
    True
    """
    return run_task(image, Inpaint, settings | {"mask": mask})


def deconvolve(
    image: ArrayLike,
    psf: ArrayLike | PSF | None = None,
    *,
    optics: Optics | None = None,
    **settings: Any,
) -> NDArray[Any]:
    """Remove the blur of the microscope, and the noise.

    Parameters
    ----------
    image
        Two axes or more, any real dtype and range. It is not modified. With ``ndim=3`` a z-stack is
        deconvolved as a volume, otherwise each plane.
    psf
        Point spread function: an array with odd sides in pixels of the image, or a :class:`PSF`
        from :func:`optical_psf`, :func:`gaussian_psf` or :func:`measured_psf`.
    optics
        The microscope, in place of a ``psf``.
    **settings
        The fields of :class:`Optics`, such as ``na=1.4, ri=1.518, wavelength=520,
        pixel_size=0.065``; or ``fwhm``, the full width at half maximum of a Gaussian. The rest as
        in :func:`denoise`. Sharp points are brighter than their blur: ``dtype="float32"`` keeps
        what an integer type cannot hold.

    Returns
    -------
    ndarray
        Of the shape and dtype of the image.

    Raises
    ------
    BadSettings
        If no point spread function is described, or more than one.

    Warns
    -----
    DoubtfulPsf
        If an array is not in its middle, or has a background.
    Undersampled
        If the pixels are larger than the resolution of the optics allows.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.ndimage import gaussian_filter
    >>> sharp = np.full((64, 64), 20.0)
    >>> sharp[20:28, 30:50] = 400
    >>> blurred = np.random.default_rng(0).poisson(gaussian_filter(sharp, 1.5))
    >>> found = deconvolve(blurred, fwhm=3.5, device="cpu")
    >>> bool(np.abs(found - sharp).mean() < 0.5 * np.abs(blurred - sharp).mean())
    True
    """
    if optics is not None:
        if not isinstance(optics, Optics):
            raise BadSettings(f"optics={optics!r}: give napari_dip.Optics, such as Optics(na=1.4)")
        settings = optics.model_dump(exclude_unset=True) | settings
    if psf is not None:
        settings["psf"] = psf
    return run_task(image, Deconvolve, settings)


def run_task(image: ArrayLike, task: type[Task], keywords: dict[str, Any]) -> NDArray[Any]:
    """Restore an image to the end, for the function of a task.

    Parameters
    ----------
    image
        As in :func:`denoise`.
    task
        The settings of the task.
    keywords
        The keywords of the function: settings of the task, other settings, and arrays.
    """
    keywords = dict(keywords)
    of_task = {name: keywords.pop(name) for name in [*keywords] if name in task.model_fields}
    arrays = {
        name: keywords.pop(name)
        for name in ("mask", "psf", "mask_axes", "psf_axes")
        if name in keywords
    }
    settings = Settings(task=task(**of_task), **keywords)
    problem = problem_from_python(image, settings, **arrays, stacklevel=4)
    result = finished(run(problem, InMemory(problem)))
    if result.unchanged and result.coverage is not None:
        warnings.warn(result.coverage.in_words(), PlanesUnchanged, stacklevel=3)
    for reason in {report.reason for report in result.reports if "unchanged" in report.reason}:
        warnings.warn(reason, PlanesUnchanged, stacklevel=3)
    return np.asarray(result.image)
