"""Describe what is known of the noise, as a frozen value."""

from __future__ import annotations

import math
from numbers import Real
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from napari_dip.settings.frozen import Frozen

__all__ = ["Noise", "SensorNoise"]


_MIN_SQUARABLE, _MAX_SQUARABLE = 1e-150, 1e150
"""Limits of the numbers whose squares are float64."""


class SensorNoise(Frozen):
    """Known noise of a sensor: variance = gain * (y - offset) + read².

    ``gain`` is in grey values per photon, 0 for Gaussian noise alone. ``offset`` is the grey value
    without light. ``read`` is the standard deviation without light, in grey values, 0 for Poisson
    noise alone.

    Raises
    ------
    BadSettings
        If a number is out of range, or gain and read are both 0.

    Examples
    --------
    >>> SensorNoise(gain=2.1, offset=100, read=3.5).offset
    100.0
    """

    gain: float = Field(ge=0, le=_MAX_SQUARABLE)
    offset: float = Field(0.0, ge=-_MAX_SQUARABLE, le=_MAX_SQUARABLE)
    read: float = Field(0.0, ge=0, le=_MAX_SQUARABLE)

    @model_validator(mode="after")
    def _is_noise(self) -> Self:
        for name, value in (("gain", self.gain), ("read", self.read)):
            if 0 < value < _MIN_SQUARABLE:
                raise ValueError(
                    f"{name}={value!r} is too small to compute with; give 0, or at least "
                    f"{_MIN_SQUARABLE:g}"
                )
        if self.gain == self.read == 0:
            raise ValueError(
                "gain and read are both 0; give one of them a value, or use noise='none'"
            )
        return self


def _checked_noise(noise: Any) -> Any:
    if isinstance(noise, dict):
        return SensorNoise(**noise)  # here, because pydantic would list the errors of all choices
    word = isinstance(noise, str) and noise in ("auto", "gaussian", "none")
    number = isinstance(noise, Real) and not isinstance(noise, bool)
    try:
        value = float(noise) if number else math.nan
    except OverflowError:  # an integer of hundreds of digits
        value = math.inf
    positive = _MIN_SQUARABLE <= value <= _MAX_SQUARABLE
    if not (word or positive or isinstance(noise, SensorNoise)):
        raise ValueError(
            "choose 'auto', 'gaussian', 'none', a standard deviation above 0 in the image's units "
            f"({_MIN_SQUARABLE:g} to {_MAX_SQUARABLE:g}), or a sensor's gain, offset and read noise"
        )
    return value if number else noise


Noise = Annotated[
    Literal["auto", "gaussian", "none"] | float | SensorNoise, BeforeValidator(_checked_noise)
]
"""Estimated with or without dependence on the intensity, absent, a standard deviation, a sensor."""
