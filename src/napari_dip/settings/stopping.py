"""Define the stopping rules, as frozen values."""

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
    """Stop after the given number of iterations.

    Examples
    --------
    >>> Fixed().rule
    'fixed'
    """

    rule: Literal["fixed"] = "fixed"


class WindowedVariance(Frozen):
    """ES-WMV: stop after the minimum of the variance of the last ``window`` outputs.

    ``patience`` is the number of iterations without a new minimum (Wang et al., 2021).

    Examples
    --------
    >>> WindowedVariance(window=50).patience
    1000
    """

    rule: Literal["es-wmv"] = "es-wmv"
    window: int = Field(100, ge=2, le=1000)
    patience: int = Field(1000, ge=1, le=10**7)


class MovingVariance(Frozen):
    """ES-EMV: stop after the minimum of an exponentially weighted variance of the outputs.

    ``alpha`` is the weight of the newest output, ``patience`` the number of iterations without a
    new minimum (Wang et al., 2021).

    Examples
    --------
    >>> MovingVariance(alpha=0.05).patience
    1000
    """

    rule: Literal["es-emv"] = "es-emv"
    alpha: float = Field(0.1, gt=0, lt=1)
    patience: int = Field(1000, ge=1, le=10**7)


class HeldOut(Frozen):
    """Stop after the minimum of the error on known pixels that are not in the loss.

    ``fraction`` of the known pixels is held out; ``patience`` is the number of iterations without a
    new minimum.

    Examples
    --------
    >>> HeldOut(fraction=0.1).patience
    100
    """

    rule: Literal["held-out"] = "held-out"
    fraction: float = Field(0.03, gt=0, le=0.5)
    patience: int = Field(100, ge=1, le=10**7)


class Consensus(Frozen):
    """Stop when two of three criteria agree.

    The criteria are the error on held-out pixels, the autocorrelation of the residual, and the
    variance of the outputs. ``fraction`` of the known pixels is held out. The variance is that of
    the last ``window`` outputs. A criterion is met ``patience`` iterations after its minimum, or
    ``share`` of the iterations before the minimum if these are more.

    Examples
    --------
    >>> Consensus(patience=20).window
    30
    """

    rule: Literal["consensus"] = "consensus"
    fraction: float = Field(0.05, gt=0, le=0.5)
    window: int = Field(30, ge=2, le=1000)
    patience: int = Field(10, ge=1, le=10**7)
    share: float = Field(0.15, ge=0, le=10)


class Discrepancy(Frozen):
    """Stop when the mean squared residual falls to ``tau`` times the variance of the noise.

    Examples
    --------
    >>> Discrepancy(tau=1.1).rule
    'discrepancy'
    """

    rule: Literal["discrepancy"] = "discrepancy"
    tau: float = Field(1.0, gt=0, le=1e6)


Stopping = Annotated[
    Fixed | WindowedVariance | MovingVariance | HeldOut | Discrepancy | Consensus,
    Field(discriminator="rule"),
]
