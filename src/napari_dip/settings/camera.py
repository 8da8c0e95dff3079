"""What may be known of the noise, as a frozen value."""

from __future__ import annotations

import math
from numbers import Real
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from napari_dip.settings.frozen import Frozen

__all__ = ["Noise", "SensorNoise"]


_LEAST, _MOST = 1e-150, 1e150
"""Of numbers whose squares a float64 can hold."""


class SensorNoise(Frozen):
    """Noise of a sensor that is known: variance = gain * (y - offset) + read².

    ``gain`` is in grey values a photon, 0 for Gaussian noise alone; ``offset`` is the grey value of
    the dark, ``read`` the standard deviation in the dark, 0 for Poisson noise alone.
    """

    gain: float = Field(ge=0, le=_MOST)
    offset: float = Field(0.0, ge=-_MOST, le=_MOST)
    read: float = Field(0.0, ge=0, le=_MOST)

    @model_validator(mode="after")
    def _is_noise(self) -> Self:
        for name, value in (("gain", self.gain), ("read", self.read)):
            if 0 < value < _LEAST:
                raise ValueError(
                    f"{name}={value!r} is too near to 0 to compute with; give 0, or at least "
                    f"{_LEAST:g}"
                )
        if self.gain == self.read == 0:
            raise ValueError("gain and read are both 0, which is no noise; give one of them")
        return self


def _known_noise(noise: Any) -> Any:
    if isinstance(noise, dict):
        return SensorNoise(**noise)  # here, for its errors are clearer than those of all choices
    word = isinstance(noise, str) and noise in ("auto", "gaussian", "none")
    number = isinstance(noise, Real) and not isinstance(noise, bool)
    try:
        value = float(noise) if number else math.nan
    except OverflowError:  # a whole number of hundreds of digits
        value = math.inf
    positive = _LEAST <= value <= _MOST
    if not (word or positive or isinstance(noise, SensorNoise)):
        raise ValueError(
            "choose 'auto', 'gaussian', 'none', a standard deviation above 0 in the image's units "
            f"({_LEAST:g} to {_MOST:g}), or a sensor's gain, offset and read noise"
        )
    return value if number else noise


Noise = Annotated[
    Literal["auto", "gaussian", "none"] | float | SensorNoise, BeforeValidator(_known_noise)
]
"""To be estimated, the same everywhere, absent, of this standard deviation, or of this sensor."""
