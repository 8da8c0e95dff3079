"""The uncertainty of a result is half the width of its 90 % intervals, for every task."""

import numpy as np
import pytest
from skimage import data

from napari_dip import Settings, restore
from napari_dip.generators import finished

QUICK = {"device": "cpu", "iterations": 3, "uncertainty": True}


def finish(image, mask=None, **settings):
    return finished(restore(image, Settings(**settings), mask=mask))


@pytest.fixture(scope="module")
def photograph():
    """A part of the cameraman, as it is and with noise of 20 grey values."""
    clean = data.camera()[100:228, 150:278].astype(np.float32)
    noise = np.random.default_rng(0).normal(0, 20, clean.shape).astype(np.float32)
    return clean, clean + noise


def test_most_intervals_hold_the_truth(photograph):
    clean, noisy = photograph
    result = finish(noisy, device="cpu", uncertainty=True)
    covered = np.abs(result.image - clean) <= result.uncertainty
    assert 0.82 < covered.mean() < 0.96
    edges = np.hypot(*np.gradient(clean)) > 30
    assert result.uncertainty[edges].mean() > 1.3 * result.uncertainty[~edges].mean()


def test_the_image_does_not_depend_on_it(photograph):
    noisy = photograph[1][:48, :48]
    without = finish(noisy, **QUICK | {"uncertainty": False})
    result = finish(noisy, **QUICK)
    np.testing.assert_array_equal(result.image, without.image)
    assert without.uncertainty is None
    (report,), (shorter,) = result.reports, without.reports
    assert report.steps[:-1] == shorter.steps
    assert (report.iterations, report.loss) == (shorter.iterations, shorter.loss)
    again = finish(noisy, **QUICK)
    np.testing.assert_array_equal(result.uncertainty, again.uncertainty)


def test_it_has_the_units_of_the_image(noisy):
    one, thousand = (
        finish(factor * noisy, noise=factor * 0.1, refinement=0, **QUICK).uncertainty
        for factor in (1, 1000)
    )
    assert thousand.dtype == np.float32
    assert thousand.mean() == pytest.approx(1000 * one.mean(), rel=0.05)


def test_alpha_is_certain(noisy):
    rgba = (255 * np.stack([noisy] * 4, axis=-1)).clip(0, 255).astype(np.uint8)
    result = finish(rgba, axes="YXS", **QUICK)
    assert result.uncertainty.shape == rgba.shape
    assert (result.uncertainty[..., 3] == 0).all()
    assert (result.uncertainty[..., :3] > 0).all()


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"axes": "ZYX", "noise": 0.1}, id="stack"),
        pytest.param({"axes": "CYX", "share": "C", "noise": 0.1}, id="channels"),
        pytest.param({"axes": "ZYX", "ndim": 3, "noise": 0.1}, id="volume"),
        pytest.param({"axes": "ZYX", "tile": 64, "overlap": 8, "noise": 0.1}, id="tiles"),
        pytest.param({"axes": "ZYX", "task": "super-resolve", "noise": 0.1}, id="finer pixels"),
        pytest.param({"axes": "ZYX", "preset": "paper", "noise": 0.1}, id="paper"),
        pytest.param({"axes": "ZYX", "noise": "none"}, id="no noise"),
    ],
)
def test_every_restored_pixel_has_one(noisy, options):
    rows = 72 if "tile" in options else 24
    stack = np.stack([noisy[:rows, :24]] * 3)
    result = finish(stack, **QUICK | options)
    assert result.uncertainty.shape == result.image.shape
    assert np.isfinite(result.uncertainty).all()
    assert (result.uncertainty > 0).mean() > 0.99


def test_filled_gaps_are_less_certain_than_pixels(photograph):
    noisy = photograph[1][24:72, 24:72]
    missing = np.zeros(noisy.shape, bool)
    missing[18:30, 18:30] = True
    result = finish(noisy, mask=missing, device="cpu", uncertainty=True, iterations=20)
    around = np.zeros(noisy.shape, bool)
    around[8:40, 8:40] = True
    assert result.uncertainty[missing].mean() > result.uncertainty[around & ~missing].mean()


def test_known_pixels_have_the_error_of_their_noise(photograph):
    noisy = photograph[1][:40, :40]
    missing = np.zeros(noisy.shape, bool)
    missing[10:14, 10:30] = True
    result = finish(noisy, mask=missing, task="inpaint", noise=20.0, **QUICK)
    assert result.uncertainty[~missing] == pytest.approx(1.645 * 20)


def test_constant_planes_are_certain(noisy):
    stack = np.stack([noisy[:32, :32], np.full((32, 32), 0.5)])
    result = finish(stack, axes="CYX", **QUICK)
    assert (result.uncertainty[1] == 0).all()
    assert (result.uncertainty[0] > 0).all()


def test_a_stop_in_a_replica_leaves_it_unknown(noisy):
    seen = []
    run = restore(noisy, Settings(noise=0.1, **QUICK), stop_requested=lambda: len(seen) > 4)
    result = finished(run, seen.append)
    assert result.stopped_by_user
    assert "before its uncertainty" in result.reports[0].reason
    assert np.isfinite(result.image).all()
    assert np.isnan(result.uncertainty).all()


def test_progress_counts_the_replicas(noisy):
    snapshots = []
    finished(restore(noisy, Settings(noise=0.1, **QUICK)), snapshots.append)
    iterations = [one.iteration for one in snapshots]
    assert iterations[-1] == snapshots[-1].iterations == 9
    assert iterations == sorted(iterations)


def test_a_continued_fit_has_its_own(noisy):
    settings = Settings(noise=0.1, **QUICK)
    first = finished(restore(noisy, settings, keep_network=True))
    longer = finished(first.continued(3))
    assert np.isfinite(longer.uncertainty).all()
    assert not longer.stopped_by_user
    assert longer.reports[0].iterations == 6
