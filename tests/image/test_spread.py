"""Several fits give a mean and its spread."""

import numpy as np
import pytest

from napari_dip import Settings, restore
from napari_dip.generators import finished

QUICK = {"device": "cpu", "iterations": 3}


def finish(restoration):
    snapshots = []
    return snapshots, finished(restoration, snapshots.append)


def test_several_fits_give_a_mean_and_spread(noisy):
    settings = Settings(members=3, preview_every_s=0, noise=0.1, **QUICK)
    snapshots, result = finish(restore(noisy, settings))
    (report,) = result.reports
    assert (report.members, report.iterations) == (3, 9)
    assert [s.iteration for s in snapshots] == [0, 0, *range(1, 10)]  # 0: the filter before the fit
    assert all(s.iterations == 9 for s in snapshots)
    assert result.spread.shape == noisy.shape
    assert result.spread.dtype == np.float32
    assert result.spread.mean() > 0
    _, single = finish(restore(noisy, Settings(noise=0.1, **QUICK)))
    assert single.spread is None


def test_the_spread_has_image_units(noisy):
    one, thousand = (
        finish(
            restore(scale * noisy, Settings(members=2, noise=scale * 0.1, refinement=0, **QUICK))
        )[1].spread
        for scale in (1, 1000)
    )
    assert thousand.mean() == pytest.approx(1000 * one.mean(), rel=0.05)


def test_the_spread_has_the_shape_of_rgba(noisy):
    rgba = (255 * np.stack([noisy] * 4, axis=-1)).clip(0, 255).astype(np.uint8)
    _, result = finish(restore(rgba, Settings(members=2, axes="YXS", **QUICK)))
    assert result.spread.shape == rgba.shape
    assert (result.spread[..., 3] == 0).all()


def test_stopping_in_the_second_fit_keeps_the_first(noisy):
    fits = []

    def see(stage, done):
        if stage == "fit":
            fits.append(done)

    run = restore(
        noisy,
        Settings(members=3, **QUICK),
        stop_requested=lambda: len(fits) == 2,
        report=see,
    )
    _, result = finish(run)
    assert result.stopped_by_user
    assert (result.reports[0].members, result.reports[0].iterations) == (2, 4)
    _, first = finish(restore(noisy, Settings(members=1, **QUICK)))
    assert np.array_equal(result.image, first.image)
    assert result.spread is None


def test_a_new_fit_does_not_degrade_the_preview(noisy):
    settings = Settings(members=2, preview_every_s=0, **QUICK)
    snapshots, _ = finish(restore(noisy, settings))
    _, first = finish(restore(noisy, settings.replace(members=1)))
    assert all(np.array_equal(snapshot.image, first.image) for snapshot in snapshots[5:])
