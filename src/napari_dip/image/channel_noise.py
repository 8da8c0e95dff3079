"""The noise of a channel: as the settings give it, or estimated from its planes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_dip.errors import BadImage, BadSettings
from napari_dip.noise.estimate import estimate_noise
from napari_dip.noise.jpeg import jpeg_error
from napari_dip.noise.model import NoiseModel
from napari_dip.pipeline.conditions import uses_noise_model
from napari_dip.settings import Denoise, SensorNoise, Settings

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_dip.image.axes import Layout
    from napari_dip.image.intensity import Scale
    from napari_dip.image.observed import ObservedPart

__all__ = ["channel_noise", "without_alpha"]

_NEGLIGIBLE = 1e-9
"""Of the range of values: weaker noise that was told is none, for the fits compute in float32."""

_STRONGEST = 100
"""Ranges of the image that noise which was told may have: more is a mistake in the unit."""

_JPEG_STRENGTH = 1.4
"""Standard deviation of the assumed noise, in root mean squares of JPEG's error: the best of 0.7,
1.2, 1.5 and 2.0 on four images at qualities 10 and 40 (benchmarks/NOTES.md, "JPEG artefacts")."""

_JPEG_PLANES = 4
"""Planes of a channel from which the error is estimated: one quality for all is the rule."""

_LUMA = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in the luminance of JPEG (ITU-R BT.601)."""


def _check_unit(given: float | str | SensorNoise, scale: Scale | None) -> None:
    """Refuse noise that was told in another unit than the image has.

    Raises
    ------
    BadSettings
        If it is stronger than all that is to be seen.
    """
    if isinstance(given, str) or scale is None:
        return
    if isinstance(given, SensorNoise):
        told = {"gain": given.gain, "read": given.read}
    else:
        told = {"noise": given}
    span = float(scale.span)
    for name, value in told.items():
        if value > _STRONGEST * span:
            raise BadSettings(
                f"{name}={value:g} is far more than all values of the image span, {span:g}; "
                "give it in the units of the image"
            )


def _told(noise: NoiseModel, scale: Scale | None) -> NoiseModel:
    """Check noise that was told against the range of the image.

    Raises
    ------
    BadSettings
        If its offset is so far below the image that it would drown all that is to be seen.
    """
    if scale is None:
        return noise
    sigma, span = float(noise.sigma(float(scale.high))), float(scale.span)
    if sigma > _STRONGEST * span:
        raise BadSettings(
            f"gain={noise.gain:g} and offset={noise.offset:g} make noise of {sigma:g} at the "
            f"brightest pixel, {float(scale.high):g}: far more than all values of the image span, "
            f"{span:g}; give the offset as the grey value of the dark"
        )
    if sigma <= _NEGLIGIBLE * span:
        return NoiseModel()
    photons = noise.gain * max(float(scale.high) - noise.offset, 0.0)
    # With next to no photon noise, the transform that makes it even has no digits left.
    return replace(noise, gain=0.0) if photons < _NEGLIGIBLE * noise.read**2 else noise


def channel_noise(
    samples: list[ObservedPart], scale: Scale | None, layout: Layout, settings: Settings
) -> NoiseModel:
    """Return the noise of a channel: what the settings give, or an estimate.

    Parameters
    ----------
    samples
        Planes of the channel; without any there is nothing to estimate from.
    scale
        Of the channel, ``None`` where all its known values are alike.
    layout, settings
        Of the image.

    Raises
    ------
    BadImage, BadSettings
        If the noise that is given does not fit the image, or if blocks of JPEG are to be removed
        and there are none.
    """
    given = settings.noise
    _check_unit(given, scale)
    if isinstance(given, SensorNoise):
        if given.gain and scale is not None and given.offset >= scale.high:
            raise BadImage(
                f"the noise's offset={given.offset:g} is not below the brightest pixel, "
                f"{scale.high:g}; give the grey value of the dark"
            )
        return _told(NoiseModel(given.gain, given.offset, given.read), scale)
    if not isinstance(given, str):
        return _told(NoiseModel(read=given), scale)
    if given == "none" or not samples:
        return NoiseModel()
    if uses_noise_model(settings) and settings.task == Denoise(artefact="jpeg"):
        return NoiseModel() if scale is None else _error_of_jpeg(samples, layout)
    values, known = (
        np.concatenate(parts)
        for parts in zip(*(without_alpha(s, layout) for s in samples), strict=True)
    )
    decimated = settings.task.decimates
    return estimate_noise(values, known, signal_dependent=given == "auto", decimated=decimated)


def _error_of_jpeg(samples: list[ObservedPart], layout: Layout) -> NoiseModel:
    """Treat the error of JPEG as white noise, which was better than any other model tried."""
    squares = [jpeg_error(_luma(seen, layout)) ** 2 for seen in samples[:_JPEG_PLANES]]
    return NoiseModel(read=_JPEG_STRENGTH * float(np.sqrt(np.mean(squares))))


def _luma(seen: ObservedPart, layout: Layout) -> NDArray[np.float64]:
    """Return a plane as JPEG stores its luminance; 0 where it is not known."""
    values, known = without_alpha(seen, layout)
    planes = np.where(known, values, 0).astype(np.float64)
    weights = _LUMA if len(planes) == len(_LUMA) else (1.0,)
    luma: NDArray[np.float64] = np.tensordot(weights, planes[: len(weights)], 1)
    return luma if luma.ndim == 2 else luma[len(luma) // 2]


def without_alpha(seen: ObservedPart, layout: Layout) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Return values and known pixels as blocks, without alpha."""
    return layout.colours(seen.values), layout.colours(seen.known)
