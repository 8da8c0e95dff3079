"""Build the noise model of a channel from noise that is given in the settings."""

from __future__ import annotations

from dataclasses import replace
from functools import singledispatch
from typing import TYPE_CHECKING

from napari_dip.errors import BadImage, BadSettings
from napari_dip.noise.constants import MAX_GIVEN_NOISE, NEGLIGIBLE_NOISE
from napari_dip.noise.poisson_gaussian import PoissonGaussian
from napari_dip.settings import SensorNoise

if TYPE_CHECKING:
    from napari_dip.noise.model import NoiseModel

__all__ = ["Limits", "given_noise", "noise_model"]

Limits = tuple[float, float] | None
"""Lowest and highest intensity of a channel; ``None`` if all its known values are equal."""


def given_noise(given: object, limits: Limits) -> NoiseModel:
    """Build the noise model of a channel, and check it against the intensities.

    Parameters
    ----------
    given
        A standard deviation, or a value of the settings for whose class :func:`noise_model` has an
        entry.
    limits
        Lowest and highest intensity of the channel; ``None`` if all its known values are equal.

    Returns
    -------
    NoiseModel
        No noise if the given noise is negligible.

    Raises
    ------
    BadImage, BadSettings
        If the given noise does not fit the image.

    Examples
    --------
    >>> given_noise(12.0, (0.0, 255.0)).describe()
    'Gaussian, standard deviation 12'
    """
    model = noise_model(given, limits)
    if limits is None:
        return model
    low, high = limits
    sigma, span = float(model.sigma(high)), high - low
    if not sigma <= MAX_GIVEN_NOISE * span:
        raise BadSettings(
            f"noise={given!r} is {sigma:g} at the brightest pixel, {high:g}: far more than the "
            f"intensity range of the image, {span:g}; give it in the units of the image"
        )
    return PoissonGaussian() if sigma <= NEGLIGIBLE_NOISE * span else model


@singledispatch
def noise_model(given: object, limits: Limits) -> NoiseModel:
    """Build the noise model of a value of the settings.

    Noise of your own registers a function for its class here; see ``docs/architecture.md``.

    Parameters
    ----------
    given, limits
        As for :func:`given_noise`.

    Raises
    ------
    BadSettings
        If no function is registered for the class.
    """
    raise BadSettings(
        f"noise={given!r}: no noise model is registered for {type(given).__name__}; decorate a "
        "function that builds it with napari_dip.noise.given.noise_model.register"
    )


@noise_model.register
def _(given: float, limits: Limits) -> PoissonGaussian:
    _check_unit({"noise": given}, limits)
    return PoissonGaussian(read=given)


@noise_model.register
def _(given: SensorNoise, limits: Limits) -> PoissonGaussian:
    model = PoissonGaussian(given.gain, given.offset, given.read)
    if limits is None:
        return model
    _check_unit({"gain": given.gain, "read": given.read}, limits)
    low, high = limits
    if given.gain and given.offset >= high:
        raise BadImage(
            f"the noise's offset={given.offset:g} is not below the brightest pixel, {high:g}; give "
            "the grey value of a dark image"
        )
    sigma, span = float(model.sigma(high)), high - low
    if sigma > MAX_GIVEN_NOISE * span:
        raise BadSettings(
            f"gain={given.gain:g} and offset={given.offset:g} give noise of {sigma:g} at the "
            f"brightest pixel, {high:g}: far more than the intensity range of the image, "
            f"{span:g}; give the grey value of a dark image as the offset"
        )
    photons = given.gain * max(high - given.offset, 0.0)
    # With very weak photon noise, the variance-stabilising transform loses its precision.
    return replace(model, gain=0.0) if photons < NEGLIGIBLE_NOISE * given.read**2 else model


def _check_unit(levels: dict[str, float], limits: Limits) -> None:
    """Raise BadSettings if a number of the noise is far above the intensity range."""
    if limits is None:
        return
    span = limits[1] - limits[0]
    for name, value in levels.items():
        if value > MAX_GIVEN_NOISE * span:
            raise BadSettings(
                f"{name}={value:g} is far more than the intensity range of the image, {span:g}; "
                "give it in the units of the image"
            )
