"""The three tasks as functions: an array in, an array out."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from napari_dip.errors import PlanesUnchanged
from napari_dip.generators import finished
from napari_dip.image.axis_names import with_axes
from napari_dip.image.mask_values import warn_of_grey_levels
from napari_dip.image.problem import make_problem
from napari_dip.image.restore import run
from napari_dip.image.sink import InMemory
from napari_dip.settings import Denoise, Inpaint, Settings, SuperResolve

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["denoise", "inpaint", "super_resolve"]


def denoise(image: ArrayLike, **settings: Any) -> NDArray[Any]:
    """Remove noise from an image.

    Parameters
    ----------
    image
        Two axes or more, any real dtype and range; NaN pixels are filled in. It is not modified.
        Planes of which no pixel is known are returned as they are, with a warning.
    **settings
        ``artefact="jpeg"`` for compression artefacts; ``preset``, ``iterations``, ``seed``,
        ``device``, ``axes``, ``noise``, ``dtype`` and all else that
        :class:`~napari_dip.settings.Settings` takes; ``mask``, ``mask_axes``, ``psf`` and
        ``psf_axes`` as in :func:`restore`.

    Returns
    -------
    ndarray
        Of the shape and dtype of the image; also of a masked array it is a plain one, in which
        masked pixels are filled in.

    Warns
    -----
    AxesGuessed
        If ``axes`` is not given, and the last axis may be channels or colours.
    PlanesUnchanged
        If no pixel of some planes is known.

    Examples
    --------
    >>> import numpy as np
    >>> noisy = np.random.default_rng(0).poisson(20, (24, 24)).astype(np.uint16)
    >>> denoise(noisy, iterations=20, device="cpu").dtype
    dtype('uint16')
    """
    return _finished(image, Denoise, settings)


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
        ``factor * j + factor - 1`` of the result. ``"isotropic"`` refines Z by what brings the
        ``voxel``, sizes along Z, Y and X, nearest to a cube.
    **settings
        ``axis="Z"`` refines Z alone. ``downsampler`` says how the coarse pixels came about:
        ``"lanczos2"``, ``"lanczos3"``, ``"box"`` (camera binning, or sections that were cut) or
        ``"gaussian"``, the usual one along Z. The rest as in :func:`denoise`.

    Returns
    -------
    ndarray
        Of the dtype of the image, the refined axes ``factor`` times as long.

    Raises
    ------
    BadSettings, BadImage
        If the voxel is not known, is a cube already or too long for one; if there are no planes.

    Examples
    --------
    >>> import numpy as np
    >>> super_resolve(np.eye(16), factor=3, iterations=10, device="cpu").shape
    (48, 48)
    >>> stack = np.random.default_rng(0).random((4, 8, 16))
    >>> asked = {"axes": "ZYX", "voxel": (3, 1, 1), "device": "cpu"}
    >>> super_resolve(stack, "isotropic", iterations=5, **asked).shape
    (12, 8, 16)
    """
    return _finished(image, SuperResolve, settings | {"factor": factor})


def inpaint(image: ArrayLike, mask: ArrayLike, **settings: Any) -> NDArray[Any]:
    """Fill in what a mask hides.

    Parameters
    ----------
    image
        Two axes or more, any real dtype and range. It is not modified.
    mask
        True (or not 0) where a pixel is missing; of the image's shape or of some of its axes, Y and
        X among them. ``mask_axes`` names them, such as ``"CYX"``, where that is not clear from the
        lengths.
    **settings
        ``missing`` says what the mask hides (``"scratches"``, ``"hole"``, ``"large-hole"``,
        ``"pixels"``; by default told from the mask); ``keep_known=False`` smooths the known
        pixels too. The rest as in :func:`denoise`.

    Returns
    -------
    ndarray
        Of the shape and dtype of the image.

    Warns
    -----
    MaskHasGreyLevels
        If the mask seems to be one of grey levels: all but 0 counts.

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
    return _finished(image, Inpaint, settings | {"mask": mask})


def _finished(
    image: ArrayLike,
    task: type[Denoise | SuperResolve | Inpaint],
    keywords: dict[str, Any],
) -> NDArray[Any]:
    """Sort the keywords into the task's, the arrays and the settings, and run to the end."""
    of_task = {name: keywords.pop(name) for name in [*keywords] if name in task.model_fields}
    arrays = {
        name: keywords.pop(name)
        for name in ("mask", "psf", "mask_axes", "psf_axes")
        if name in keywords
    }
    settings = with_axes(image, Settings(task=task(**of_task), **keywords), stacklevel=4)
    warn_of_grey_levels(arrays.get("mask"), stacklevel=4)
    problem = make_problem(
        image, settings, arrays.pop("mask", None), arrays.pop("psf", None), **arrays
    )
    result = finished(run(problem, InMemory(problem)))
    if result.unchanged and result.coverage is not None:
        warnings.warn(result.coverage.in_words(), PlanesUnchanged, stacklevel=3)
    for said in {report.reason for report in result.reports if "unchanged" in report.reason}:
        warnings.warn(said, PlanesUnchanged, stacklevel=3)
    return np.asarray(result.image)
