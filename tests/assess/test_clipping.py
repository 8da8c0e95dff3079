"""Clipped values are told from values that are only high or low."""

import numpy as np
import pytest

from napari_dip.assess.clipping import grey_step, lowest_fraction, saturated_fraction

VALUES = np.random.default_rng(0).poisson(100, 10_000)


def test_clipped_values_are_counted():
    clipped = VALUES.clip(95, 105)
    fraction, top = saturated_fraction(clipped)
    assert top == 105
    assert fraction == pytest.approx((VALUES >= 105).mean())
    assert lowest_fraction(clipped) == pytest.approx((VALUES <= 95).mean())


def test_highest_of_ordinary_values_is_no_limit():
    assert saturated_fraction(VALUES) == (0.0, VALUES.max())


def test_end_of_the_type_is_a_limit():
    values = np.r_[VALUES, 254, 255, 255].astype(np.uint8)
    assert saturated_fraction(values) == (2 / values.size, 255)


def test_constant_has_neither_limit_nor_step():
    constant = np.full(9, 7)
    assert saturated_fraction(constant) == (0.0, 7.0)
    assert grey_step(constant) == np.inf
    assert grey_step(4 * VALUES) == 4
