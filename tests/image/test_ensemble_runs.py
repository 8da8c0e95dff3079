"""Several fits give their mean, and a stop keeps those that have ended."""

import numpy as np

from napari_dip import Settings, restore
from napari_dip.generators import finished

QUICK = {"device": "cpu", "iterations": 3}


def finish(restoration):
    snapshots = []
    return snapshots, finished(restoration, snapshots.append)


def test_several_fits_give_their_mean(noisy):
    settings = Settings(members=3, preview_every_s=0, noise=0.1, **QUICK)
    snapshots, result = finish(restore(noisy, settings))
    (report,) = result.reports
    assert (report.members, report.iterations) == (3, 9)
    assert [s.iteration for s in snapshots] == [0, 0, 0, *range(1, 10)]  # 0: before the fit
    assert all(s.iterations == 9 for s in snapshots)
    _, single = finish(restore(noisy, Settings(noise=0.1, **QUICK)))
    assert not np.array_equal(result.image, single.image)


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


def test_a_new_fit_does_not_degrade_the_preview(noisy):
    settings = Settings(members=2, preview_every_s=0, **QUICK)
    snapshots, _ = finish(restore(noisy, settings))
    _, first = finish(restore(noisy, settings.replace(members=1)))
    assert all(np.array_equal(snapshot.image, first.image) for snapshot in snapshots[6:])
