"""Stopping rules check their own values."""

from typing import get_args

import pytest

from napari_dip.errors import BadSettings
from napari_dip.settings import (
    Consensus,
    Discrepancy,
    HeldOut,
    MovingVariance,
    Settings,
    Stopping,
    WindowedVariance,
)


@pytest.mark.parametrize("rule", get_args(get_args(Stopping)[0]))
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
