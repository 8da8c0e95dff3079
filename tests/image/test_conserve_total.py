"""The total intensity of each plane is that of the image if the settings say so."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_dip import Settings, SuperResolve, denoise, restore, super_resolve
from napari_dip.generators import finished
from napari_dip.image.conserve_total import Total, with_total

QUICK = {"device": "cpu", "iterations": 15, "conserve_total": True}
RNG = np.random.default_rng(0)


def photons(*shape):
    return RNG.poisson(np.linspace(2, 40, shape[-1]) * np.ones(shape)).astype(np.uint16)


@given(st.integers(0, 2**31), st.floats(-3, 3), st.booleans())
def test_sum_is_that_of_the_target(seed, change, integer):
    values = np.random.default_rng(seed).normal(50, 20, (9, 11)).clip(0, 100)
    counted = np.random.default_rng(seed).random(values.shape) < 0.7
    target = float(values[counted].sum()) + change * counted.sum()
    shifted = with_total(values, Total(counted, target), 0.0, 100.0, integer=integer)
    expected = round(target) if integer else target
    assert shifted[counted].sum() == pytest.approx(expected, abs=1e-6)
    np.testing.assert_array_equal(shifted[~counted], values[~counted])
    assert shifted.min() >= 0
    assert shifted.max() <= 100


@pytest.mark.parametrize(
    ("axes", "shape"),
    [("YX", (32, 40)), ("ZYX", (3, 24, 28)), ("YXC", (24, 28, 2)), ("YXS", (24, 28, 3))],
)
def test_integer_planes_have_the_exact_sum(axes, shape):
    image = photons(*shape[:-1], 28) if axes == "ZYX" else RNG.poisson(30, shape).astype(np.uint16)
    result = denoise(image, axes=axes, **QUICK)
    spatial = tuple(axes.index(letter) for letter in "YX")
    totals = [each.sum(axis=spatial, dtype=np.int64).tolist() for each in (result, image)]
    assert totals[0] == totals[1]


def test_float_sum_is_conserved_to_rounding():
    image = RNG.normal(1000, 50, (32, 32)).astype(np.float32)
    result = denoise(image, **QUICK)
    assert result.mean(dtype=np.float64) == pytest.approx(image.mean(dtype=np.float64), rel=1e-7)


def test_finer_pixels_have_the_same_mean():
    image = RNG.normal(100, 5, (24, 24))
    assert super_resolve(image, 2, **QUICK).mean() == pytest.approx(image.mean(), rel=1e-9)


def test_missing_pixels_do_not_count():
    image = photons(32, 40)
    mask = np.zeros(image.shape, bool)
    mask[5:12, 8:20] = True
    damaged = np.where(mask, 60000, image).astype(np.uint16)
    result = denoise(damaged, mask=mask, **QUICK)
    assert result[~mask].sum() == image[~mask].sum()
    assert result[mask].max() < 200


def test_step_is_reported_and_off_by_default():
    assert not Settings().conserve_total
    asked = Settings(task=SuperResolve(), **QUICK)
    (report,) = finished(restore(RNG.normal(100, 5, (24, 24)), asked)).reports
    assert "total intensity" in report.steps[-1]
