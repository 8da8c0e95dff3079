"""Define the settings of the stopping rules, and list the rules by their names."""

from __future__ import annotations

from typing import Any, ClassVar, Literal, TypeVar

from pydantic import Field

from napari_dip.errors import BadSettings
from napari_dip.extensions import is_registered
from napari_dip.settings.frozen import Frozen

__all__ = [
    "RULES",
    "Consensus",
    "Discrepancy",
    "Fixed",
    "HeldOut",
    "MovingVariance",
    "Stopping",
    "WindowedVariance",
    "read_rule",
    "register_rule",
]


class Stopping(Frozen):
    """Base of the settings of the stopping rules.

    ``napari_dip.dip.choose_rule.make_rule`` builds the rule from them.

    Parameters
    ----------
    rule
        Name of the rule: the default of each class.

    Attributes
    ----------
    label
        Name of the rule in the panel; if empty, it is ``rule``.
    stops_early
        Whether the rule can stop a fit before the last iteration.
    """

    rule: str
    label: ClassVar[str] = ""
    stops_early: ClassVar[bool] = True


RULES: dict[str, type[Stopping]] = {}
"""The settings of the rules by their names; :func:`register_rule` adds one."""

Rule = TypeVar("Rule", bound=Stopping)


def register_rule(settings: type[Rule]) -> type[Rule]:
    """Make a stopping rule known by the default of its field ``rule``.

    Parameters
    ----------
    settings
        Class of the settings of the rule.

    Raises
    ------
    BadSettings
        If another module has registered the name.

    Examples
    --------
    >>> @register_rule
    ... class Budget(Stopping):
    ...     rule: Literal["budget"] = "budget"
    ...     seconds: float = 60
    >>> read_rule("budget")
    Budget(rule='budget', seconds=60)
    >>> del RULES["budget"]
    """
    name = settings.model_fields["rule"].default
    if name in RULES and RULES[name].__module__ != settings.__module__:
        raise BadSettings(f"the stopping rule {name!r} exists; choose another name")
    RULES[name] = settings
    return settings


def read_rule(value: Any) -> Any:
    """Return the settings of a rule from its name or fields; other values as they are.

    Raises
    ------
    ValueError
        If the rule is not registered.
    BadSettings
        If a field is not valid.

    Examples
    --------
    >>> read_rule({"rule": "es-wmv", "window": 50}).window
    50
    """
    if isinstance(value, Stopping):
        if type(value) is not RULES.get(value.rule):
            raise ValueError("this class is not registered; decorate it with register_rule")
        return value
    fields = {"rule": value} if isinstance(value, str) else value
    if not isinstance(fields, dict):
        return value
    name = fields.get("rule")
    if name is None:
        raise ValueError("give its 'rule'")
    if not is_registered(name, RULES):
        raise ValueError(f"choose one of {', '.join(map(repr, RULES))}")
    return RULES[name](**fields)


@register_rule
class Consensus(Stopping):
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
    label: ClassVar[str] = "automatic"
    fraction: float = Field(0.05, gt=0, le=0.5)
    window: int = Field(30, ge=2, le=1000)
    patience: int = Field(10, ge=1, le=10**7)
    share: float = Field(0.15, ge=0, le=10)


@register_rule
class HeldOut(Stopping):
    """Stop after the minimum of the error on known pixels that are not in the loss.

    ``fraction`` of the known pixels is held out; ``patience`` is the number of iterations without a
    new minimum.

    Examples
    --------
    >>> HeldOut(fraction=0.1).patience
    100
    """

    rule: Literal["held-out"] = "held-out"
    label: ClassVar[str] = "held-out pixels"
    fraction: float = Field(0.03, gt=0, le=0.5)
    patience: int = Field(100, ge=1, le=10**7)


@register_rule
class WindowedVariance(Stopping):
    """ES-WMV: stop after the minimum of the variance of the last ``window`` outputs.

    ``patience`` is the number of iterations without a new minimum (Wang et al., 2021).

    Examples
    --------
    >>> WindowedVariance(window=50).patience
    1000
    """

    rule: Literal["es-wmv"] = "es-wmv"
    label: ClassVar[str] = "output variance (ES-WMV)"
    window: int = Field(100, ge=2, le=1000)
    patience: int = Field(1000, ge=1, le=10**7)


@register_rule
class MovingVariance(Stopping):
    """ES-EMV: stop after the minimum of an exponentially weighted variance of the outputs.

    ``alpha`` is the weight of the newest output, ``patience`` the number of iterations without a
    new minimum (Wang et al., 2021).

    Examples
    --------
    >>> MovingVariance(alpha=0.05).patience
    1000
    """

    rule: Literal["es-emv"] = "es-emv"
    label: ClassVar[str] = "output variance (ES-EMV)"
    alpha: float = Field(0.1, gt=0, lt=1)
    patience: int = Field(1000, ge=1, le=10**7)


@register_rule
class Discrepancy(Stopping):
    """Stop when the mean squared residual falls to ``tau`` times the variance of the noise.

    Examples
    --------
    >>> Discrepancy(tau=1.1).rule
    'discrepancy'
    """

    rule: Literal["discrepancy"] = "discrepancy"
    label: ClassVar[str] = "residual is noise"
    tau: float = Field(1.0, gt=0, le=1e6)


@register_rule
class Fixed(Stopping):
    """Stop after the given number of iterations.

    Examples
    --------
    >>> Fixed().rule
    'fixed'
    """

    rule: Literal["fixed"] = "fixed"
    label: ClassVar[str] = "after all iterations"
    stops_early: ClassVar[bool] = False
