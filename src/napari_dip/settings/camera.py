"""Describe what is known of the noise, as a frozen value."""

from __future__ import annotations

import math
from numbers import Real
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, SerializeAsAny, model_validator

from napari_dip.extensions import is_registered
from napari_dip.settings.frozen import Frozen

__all__ = ["GivenNoise", "Noise", "SensorNoise"]

_MIN_SQUARABLE, _MAX_SQUARABLE = 1e-150, 1e150
"""Limits of the numbers whose squares are float64."""

_CLASSES: dict[str, type[GivenNoise]] = {}
"""Class of each kind of given noise, for JSON."""


class GivenNoise(Frozen):
    """Known noise; the base class of :class:`SensorNoise` and of noise of your own.

    A subclass has a field ``kind: Literal["..."] = "..."``, by which JSON names its class, and a
    function that builds its noise model (``napari_dip.noise.given.noise_model.register``).
    """

    @classmethod
    def __pydantic_init_subclass__(cls, **keywords: Any) -> None:
        super().__pydantic_init_subclass__(**keywords)
        if "kind" in cls.model_fields:
            _CLASSES[cls.model_fields["kind"].default] = cls


class SensorNoise(GivenNoise):
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

    # Files leave the kind out, as they did when there was no other.
    kind: Literal["sensor"] = Field("sensor", exclude=True, repr=False)
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

    def __str__(self) -> str:
        return f"of gain {self.gain:g}, offset {self.offset:g}, read noise {self.read:g}"


def _from_fields(fields: dict[str, Any]) -> GivenNoise:
    """Make given noise of the class that the kind names."""
    kind = fields.get("kind", "sensor")
    if not is_registered(kind, _CLASSES):
        raise ValueError(
            f"noise of kind {kind!r} is unknown; choose {', '.join(map(repr, _CLASSES))}, or "
            "install the package that defines it"
        )
    return _CLASSES[kind](**fields)


def _checked_noise(noise: Any) -> Any:
    if isinstance(noise, dict):
        return _from_fields(noise)  # here, because pydantic would list the errors of all choices
    word = isinstance(noise, str) and noise in ("auto", "gaussian", "none")
    number = isinstance(noise, Real) and not isinstance(noise, bool)
    try:
        value = float(noise) if number else math.nan
    except OverflowError:  # an integer of hundreds of digits
        value = math.inf
    positive = _MIN_SQUARABLE <= value <= _MAX_SQUARABLE
    if not (word or positive or isinstance(noise, GivenNoise)):
        raise ValueError(
            "choose 'auto', 'gaussian', 'none', a standard deviation above 0 in the image's units "
            f"({_MIN_SQUARABLE:g} to {_MAX_SQUARABLE:g}), or a sensor's gain, offset and read noise"
        )
    return value if number else noise


Noise = Annotated[
    Literal["auto", "gaussian", "none"] | float | SerializeAsAny[GivenNoise],
    BeforeValidator(_checked_noise),
]
"""Estimated with or without dependence on the intensity, absent, a standard deviation, or given."""
