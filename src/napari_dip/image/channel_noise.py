"""Find the noise model of a channel: given in the settings, or estimated from its planes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_dip.noise.estimate import estimate_noise
from napari_dip.noise.given import given_noise
from napari_dip.noise.jpeg import jpeg_error
from napari_dip.noise.poisson_gaussian import PoissonGaussian
from napari_dip.pipeline.conditions import uses_noise_model

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_dip.image.axes import Layout
    from napari_dip.image.intensity import Scale
    from napari_dip.image.observed import ObservedPart
    from napari_dip.noise.model import NoiseModel
    from napari_dip.settings import Settings

__all__ = ["channel_noise", "without_alpha"]

JPEG_NOISE = 1.4
"""Standard deviation of the assumed noise, as a multiple of the root mean square error of JPEG:
near the best of 0.7, 1.2, 1.5 and 2.0 (benchmarks/NOTES.md, "JPEG artefacts")."""

MAX_JPEG_PLANES = 4
"""Planes of a channel for the estimate of the JPEG error: all planes usually have one quality."""

LUMA_WEIGHTS = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in the luma of JPEG (ITU-R BT.601)."""


def channel_noise(
    samples: list[ObservedPart], scale: Scale | None, layout: Layout, settings: Settings
) -> NoiseModel:
    """Return the noise model of a channel: from the settings, or estimated.

    Parameters
    ----------
    samples
        Planes of the channel for the estimate; without any, the noise is none.
    scale
        Intensity scale of the channel; ``None`` where all its known values are equal.
    layout, settings
        Layout of the image, and settings of the run.

    Raises
    ------
    BadImage, BadSettings
        If the given noise does not fit the image, or if the task is to remove blocks of JPEG and
        the image has none.
    """
    given = settings.noise
    if not isinstance(given, str):
        limits = None if scale is None else (float(scale.low), float(scale.high))
        return given_noise(given, limits)
    if given == "none" or not samples:
        return PoissonGaussian()
    if uses_noise_model(settings) and settings.task.removes_jpeg:
        return PoissonGaussian() if scale is None else _jpeg_noise(samples, layout)
    values, known = (
        np.concatenate(parts)
        for parts in zip(*(without_alpha(s, layout) for s in samples), strict=True)
    )
    decimated = settings.task.decimates
    return estimate_noise(values, known, signal_dependent=given == "auto", decimated=decimated)


def _jpeg_noise(samples: list[ObservedPart], layout: Layout) -> NoiseModel:
    """Estimate the error of JPEG as white noise."""
    squares = [jpeg_error(_luma(sample, layout)) ** 2 for sample in samples[:MAX_JPEG_PLANES]]
    return PoissonGaussian(read=JPEG_NOISE * float(np.sqrt(np.mean(squares))))


def _luma(plane: ObservedPart, layout: Layout) -> NDArray[np.float64]:
    """Return the luma of a plane as JPEG stores it; 0 where pixels are missing."""
    values, known = without_alpha(plane, layout)
    planes = np.where(known, values, 0).astype(np.float64)
    weights = LUMA_WEIGHTS if len(planes) == len(LUMA_WEIGHTS) else (1.0,)
    luma: NDArray[np.float64] = np.tensordot(weights, planes[: len(weights)], 1)
    return luma if luma.ndim == 2 else luma[len(luma) // 2]


def without_alpha(part: ObservedPart, layout: Layout) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Return the values and the mask of a part as blocks, without alpha."""
    return layout.colours(part.values), layout.colours(part.known)
