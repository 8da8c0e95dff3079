"""Test that invalid metadata values are ignored and listed."""

from __future__ import annotations

import math

import pytest

from napari_dip.files.tolerant_parsing import TolerantParser


@pytest.mark.parametrize(
    ("value", "expected"), [(None, None), ("0.25", 0.25), (3, 3.0), (-1, -1.0), (0, 0.0)]
)
def test_valid_number_is_parsed(value, expected):
    parser = TolerantParser()
    assert parser.number("size", value) == expected
    assert parser.notes() == ()


@pytest.mark.parametrize("value", ["0,25", "x", math.nan, math.inf, True, [1], {}, 10**400])
def test_invalid_number_is_ignored_with_a_note(value):
    parser = TolerantParser()
    assert parser.number("size", value) is None
    assert parser.notes()[0].startswith("Ignored invalid metadata: size=")


@pytest.mark.parametrize(("value", "ignored"), [(0, False), ("0.0", False), (-1, True)])
def test_size_is_above_zero(value, ignored):
    parser = TolerantParser()
    assert parser.size("size", value) is None
    assert bool(parser.notes()) == ignored


def test_unit_is_a_unit_of_measurement():
    parser = TolerantParser()
    assert parser.unit("unit", "micrometer") == "µm"
    assert parser.unit("unit", 3) is None
    assert "unit=3" in parser.notes()[0]


def test_long_values_are_shortened_in_notes():
    parser = TolerantParser()
    parser.number("size", "x" * 1000)
    assert len(parser.notes()[0]) < 120
