"""Stopping rules check their own values."""

from typing import Literal

import pytest

from napari_dip.errors import BadSettings
from napari_dip.settings import (
    RULES,
    Consensus,
    Discrepancy,
    HeldOut,
    MovingVariance,
    Settings,
    Stopping,
    WindowedVariance,
    register_rule,
)


@pytest.mark.parametrize("rule", RULES.values())
def test_rule_is_read_from_its_json(rule):
    assert Settings(stopping=rule().model_dump()).stopping == rule()


@pytest.mark.parametrize(
    ("rule", "keywords"),
    [
        (WindowedVariance, {"window": 1}),
        (WindowedVariance, {"patience": 0}),
        (MovingVariance, {"alpha": 1}),
        (HeldOut, {"fraction": 0}),
        (HeldOut, {"fraction": 0.6}),
        (Consensus, {"share": -1}),
        (Discrepancy, {"tau": 0}),
    ],
)
def test_value_out_of_range_is_named(rule, keywords):
    ((name, value),) = keywords.items()
    with pytest.raises(BadSettings, match=f"^{name}={value}: "):
        rule(**keywords)


class Other(Stopping):
    rule: Literal["fixed"] = "fixed"


def test_a_known_rule_is_not_replaced():
    known = RULES["fixed"]
    with pytest.raises(BadSettings, match="'fixed' exists; choose another name"):
        register_rule(Other)
    assert RULES["fixed"] is known


def test_a_class_that_is_not_registered_is_refused():
    with pytest.raises(BadSettings, match=r"stopping=.*not registered; decorate it"):
        Settings(stopping=Other())


@pytest.mark.parametrize("value", [3, ["fixed"], {}, {"rule": 3}, {"rule": ["fixed"]}])
def test_what_is_no_rule_is_named(value):
    with pytest.raises(BadSettings, match=r"^stopping="):
        Settings(stopping=value)


def test_only_the_fixed_rule_never_stops_early():
    assert [name for name, rule in RULES.items() if not rule.stops_early] == ["fixed"]
