"""What was asked, as frozen values.

A :class:`Settings` says everything about a run but the arrays: it is written next to every result
and read back to repeat it. ``None`` means "as the preset has it" throughout.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
)

from napari_dip.errors import BadSettings

__all__ = [
    "Denoise",
    "Discrepancy",
    "Fixed",
    "HeldOut",
    "Hole",
    "Inpaint",
    "MovingVariance",
    "NetworkName",
    "PresetName",
    "Prior",
    "Settings",
    "Stopping",
    "SuperResolve",
    "Task",
    "WindowedVariance",
]

NetworkName = Literal[
    "skip",
    "skip-half",
    "hourglass",
    "encoder-decoder-2",
    "encoder-decoder-4",
    "encoder-decoder-6",
    "unet",
    "resnet",
    "pixels",
]
Hole = Literal["scratches", "hole", "large-hole", "pixels"]
PresetName = Literal["fast", "paper"]


class _Frozen(BaseModel):
    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    def __init__(self, **data: Any) -> None:
        try:
            super().__init__(**data)
        except ValidationError as error:
            raise BadSettings(_in_words(error)) from None


def _in_words(error: ValidationError) -> str:
    """Name each offending setting, its value and what it may be."""
    words = []
    for one in error.errors(include_url=False):
        reason = one["msg"].removeprefix("Value error, ")
        nested = isinstance(one.get("ctx", {}).get("error"), BadSettings)
        name = ".".join(map(str, one["loc"])) or "settings"
        words.append(reason if nested else f"{name}={one['input']!r}: {reason}")
    return "; ".join(words)


def _known_device(name: str) -> str:
    if not re.fullmatch(r"auto|cpu|mps|cuda(:\d+)?", name):
        raise ValueError("choose 'auto', 'cpu', 'cuda', 'cuda:N' or 'mps'")
    return name


def _noise_level(noise: Any) -> Any:
    if noise != "auto" and not (isinstance(noise, int | float) and 0 < noise < float("inf")):
        raise ValueError("choose 'auto', or a standard deviation above 0 in the image's units")
    return noise


def _known_axes(axes: str | None) -> str | None:
    if axes is None:
        return None
    axes = axes.upper()
    if set(axes) - set("TCZYXSQ"):
        raise ValueError("name each axis by one of the letters T, C, Z, Y, X, S and Q")
    if not {"Y", "X"} <= set(axes):
        raise ValueError("the axes Y and X must be among them")
    if any(axes.count(letter) > 1 for letter in "TCZYXS"):
        raise ValueError("each of T, C, Z, Y, X and S may stand but once")
    return axes


class Denoise(_Frozen):
    """Remove noise, or the blocks of JPEG compression: y = x + n."""

    kind: Literal["denoise"] = "denoise"
    artefact: Literal["noise", "jpeg"] = "noise"


class SuperResolve(_Frozen):
    """Undo a decimation by an integer factor: y = D x + n."""

    kind: Literal["super-resolve"] = "super-resolve"
    factor: int = Field(2, ge=2, le=8)
    downsampler: Literal["lanczos2", "lanczos3", "box", "gaussian"] = "lanczos2"


class Inpaint(_Frozen):
    """Fill in what a mask hides: y = m x.

    ``missing`` says what is missing, because the published network differs; ``auto`` tells it
    from the mask. ``keep_known`` returns the known pixels untouched, bit for bit.
    """

    kind: Literal["inpaint"] = "inpaint"
    missing: Literal["auto"] | Hole = "auto"
    keep_known: bool = True


Task = Annotated[Denoise | SuperResolve | Inpaint, Field(discriminator="kind")]


class Prior(_Frozen):
    """What to change in the preset's prior; ``None`` keeps the preset's choice.

    ``network="pixels"`` optimises the pixels themselves: with ``tv_weight=0`` there is no prior
    at all, with a weight the prior is total variation alone.
    """

    network: NetworkName | None = None
    code: Literal["noise", "meshgrid"] | None = None
    code_channels: int | None = Field(None, ge=1, le=512)
    code_noise: float | None = Field(None, ge=0, le=1)
    learning_rate: float | None = Field(None, gt=0, le=1)
    tv_weight: float | None = Field(None, ge=0)


class Fixed(_Frozen):
    """Stop after the given number of iterations."""

    rule: Literal["fixed"] = "fixed"


class WindowedVariance(_Frozen):
    """ES-WMV: the least variance of the last ``window`` outputs (Wang et al., 2021)."""

    rule: Literal["es-wmv"] = "es-wmv"
    window: int = Field(100, ge=2)
    patience: int = Field(1000, ge=1)


class MovingVariance(_Frozen):
    """ES-EMV: the same with exponentially weighted moments (Wang et al., 2021)."""

    rule: Literal["es-emv"] = "es-emv"
    alpha: float = Field(0.1, gt=0, lt=1)
    patience: int = Field(1000, ge=1)


class HeldOut(_Frozen):
    """The least error on known pixels that the loss never sees."""

    rule: Literal["held-out"] = "held-out"
    fraction: float = Field(0.03, gt=0, le=0.5)
    patience: int = Field(100, ge=1)


class Discrepancy(_Frozen):
    """Stop where the residual falls to ``tau`` times the variance of the noise."""

    rule: Literal["discrepancy"] = "discrepancy"
    tau: float = Field(1.0, gt=0)


def _by_name(field: str) -> BeforeValidator:
    """Let ``"held-out"`` stand for ``{"rule": "held-out"}``."""
    return BeforeValidator(lambda value: {field: value} if isinstance(value, str) else value)


Stopping = Annotated[
    Fixed | WindowedVariance | MovingVariance | HeldOut | Discrepancy,
    Field(discriminator="rule"),
]


class Settings(_Frozen):
    """Everything that was asked of a run, but for the arrays.

    Parameters
    ----------
    task
        :class:`Denoise`, :class:`SuperResolve` or :class:`Inpaint`; its name alone will do.
    preset
        ``"fast"`` stops by itself; ``"paper"`` is the method as published (Ulyanov, Vedaldi and
        Lempitsky, IJCV 2020), with its network, rates and numbers of iterations.
    iterations
        The most iterations of one plane; ``None`` is the preset's number for the task.
    noise
        ``"auto"`` estimates the noise from the image; a number is its standard deviation in
        the image's own units.
    prior, stopping, averaging
        What to change in the preset. ``averaging`` is the weight of the past in the exponential
        average of the outputs, 0 for none. ``prior`` takes a network's name, ``stopping`` a
        rule's.
    ndim
        2 restores plane by plane; 3 takes Z, Y and X as one volume.
    axes
        One letter of ``TCZYXSQ`` for each axis of the image; ``None`` guesses from the shape.
    dtype
        ``"keep"`` returns the input's dtype, ``"float32"`` spares the rounding.
    seed
        The same seed gives the same bytes on the same machine.
    device
        ``"auto"``, ``"cpu"``, ``"cuda"``, ``"cuda:N"`` or ``"mps"``.
    precision
        ``"float32"``, or ``"bfloat16"`` for the convolutions alone.
    preview_every_s
        The least time in seconds between two pictures of the unfinished result.

    Raises
    ------
    BadSettings
        If a value is out of range or a name is not known.

    Examples
    --------
    >>> settings = Settings(task=SuperResolve(factor=4), preset="paper", seed=1)
    >>> settings.replace(seed=2).seed
    2
    >>> Settings.from_json(settings.to_json()) == settings
    True
    """

    task: Annotated[Task, _by_name("kind")] = Denoise()
    preset: PresetName = "fast"
    iterations: int | None = Field(None, ge=1)
    noise: Annotated[Literal["auto"] | float, BeforeValidator(_noise_level)] = "auto"
    prior: Annotated[Prior, _by_name("network")] = Prior()
    stopping: Annotated[Stopping | None, _by_name("rule")] = None
    averaging: float | None = Field(None, ge=0, lt=1)
    ndim: Literal[2, 3] = 2
    axes: Annotated[str | None, AfterValidator(_known_axes)] = None
    dtype: Literal["keep", "float32"] = "keep"
    seed: int = Field(0, ge=0, lt=2**63)
    device: Annotated[str, AfterValidator(_known_device)] = "auto"
    precision: Literal["float32", "bfloat16"] | None = None
    preview_every_s: float = Field(1.0, ge=0)

    def replace(self, **changes: Any) -> Self:
        """Return a copy with some values changed, and checked."""
        return type(self)(**(dict(self) | changes))

    def to_json(self) -> str:
        """Write the settings as JSON text."""
        return self.model_dump_json(indent=2)

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Read what :meth:`to_json` wrote.

        Raises
        ------
        BadSettings
            If the text is no JSON, or a setting in it is not valid.
        """
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            raise BadSettings(_in_words(error)) from None
