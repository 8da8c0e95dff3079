"""The stopping rules that can be asked for, as frozen values."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from napari_dip.settings.frozen import Frozen

__all__ = [
    "Consensus",
    "Discrepancy",
    "Fixed",
    "HeldOut",
    "MovingVariance",
    "Stopping",
    "WindowedVariance",
]


class Fixed(Frozen):
    """Stop after the given number of iterations."""

    rule: Literal["fixed"] = "fixed"


class WindowedVariance(Frozen):
    """ES-WMV: the least variance of the last ``window`` outputs (Wang et al., 2021)."""

    rule: Literal["es-wmv"] = "es-wmv"
    window: int = Field(100, ge=2, le=1000)
    patience: int = Field(1000, ge=1, le=10**7)


class MovingVariance(Frozen):
    """ES-EMV: the same with exponentially weighted moments (Wang et al., 2021)."""

    rule: Literal["es-emv"] = "es-emv"
    alpha: float = Field(0.1, gt=0, lt=1)
    patience: int = Field(1000, ge=1, le=10**7)


class HeldOut(Frozen):
    """The least error on known pixels that the loss never sees."""

    rule: Literal["held-out"] = "held-out"
    fraction: float = Field(0.03, gt=0, le=0.5)
    patience: int = Field(100, ge=1, le=10**7)


class Consensus(Frozen):
    """Two of three: pixels held out, whiteness of the residual, variance of the outputs.

    ``fraction`` of the known pixels is held out; the variance is that of the last ``window``
    outputs; each signal waits ``patience`` iterations for a new minimum, or that ``share`` of
    those it took to the last.
    """

    rule: Literal["consensus"] = "consensus"
    fraction: float = Field(0.05, gt=0, le=0.5)
    window: int = Field(30, ge=2, le=1000)
    patience: int = Field(10, ge=1, le=10**7)
    share: float = Field(0.15, ge=0, le=10)


class Discrepancy(Frozen):
    """Stop where the residual falls to ``tau`` times the variance of the noise."""

    rule: Literal["discrepancy"] = "discrepancy"
    tau: float = Field(1.0, gt=0, le=1e6)


Stopping = Annotated[
    Fixed | WindowedVariance | MovingVariance | HeldOut | Discrepancy | Consensus,
    Field(discriminator="rule"),
]
