"""Stop a run while a filter is at work, and see how far it is."""

import numpy as np
import pytest

from napari_dip import Settings, restore
from napari_dip.generators import finished
from napari_dip.image import run_progress

SIGMA = 10.0


@pytest.fixture(scope="module")
def truth():
    rows, columns = np.indices((64, 60)) / 60
    return 100 + 40 * np.sin(9 * rows) * np.cos(7 * columns)


@pytest.fixture(scope="module")
def noisy(truth):
    return truth + np.random.default_rng(0).normal(0, SIGMA, truth.shape)


@pytest.fixture
def at_once(monkeypatch):
    """Filters have no time left after a stop."""
    monkeypatch.setattr(run_progress, "STOP_WITHIN_S", 0.0)


def stopped_after(calls, image, **options):
    """Restore, and request a stop after so many reports of the filter."""
    reports = []
    run = restore(
        image,
        Settings(device="cpu", noise=SIGMA, **options),
        stop_requested=lambda: len(reports) >= calls,
        report=lambda stage, done: reports.append((stage, done)),
    )
    return finished(run), reports


def mse(image, truth):
    return float(np.mean((np.asarray(image) - truth) ** 2))


def test_filter_tells_how_far_it_is(noisy):
    result, reports = stopped_after(10**6, noisy, iterations=2)
    assert not result.stopped_by_user
    before = reports[: reports.index(("fit", 0.0))]
    done = [part for _, part in before]
    assert len(done) >= 5
    assert done == sorted(done)
    assert 0.8 < done[-1] <= 1


def test_stop_at_once_keeps_the_first_look(noisy, truth, at_once):
    result, reports = stopped_after(1, noisy)
    assert len(reports) <= 3  # of about 8
    assert result.stopped_by_user
    assert mse(result.image, truth) < 0.4 * SIGMA**2
    assert result.coverage.parts[0].state == "partial"


def test_stop_in_the_filter_keeps_its_preview(noisy, truth, at_once):
    _, reports = stopped_after(10**6, noisy, iterations=1)
    in_last_pass = reports.index(("fit", 0.0)) - 1
    result, _ = stopped_after(in_last_pass, noisy)
    assert result.stopped_by_user
    assert mse(result.image, truth) < 0.2 * SIGMA**2


def test_stop_after_the_fit_keeps_its_estimate(noisy, truth, at_once):
    _, reports = stopped_after(10**6, noisy, iterations=4)
    result, _ = stopped_after(reports.index(("fit", 0.0)) + 2, noisy, iterations=4)
    assert result.stopped_by_user
    assert mse(result.image, truth) < 0.2 * SIGMA**2


def test_a_filter_may_finish_in_time(noisy):
    result, reports = stopped_after(1, noisy, iterations=2)
    assert result.stopped_by_user
    assert len(reports) > 5


@pytest.mark.parametrize("options", [{"axes": "ZYX"}, {"axes": "ZYX", "ndim": 3}], ids=str)
def test_stack_stops_within_its_first_filter(noisy, at_once, options):
    result, reports = stopped_after(2, np.stack([noisy] * 4), **options)
    assert len(reports) <= 4  # of about 12
    assert result.stopped_by_user
    assert result.image.shape == (4, *noisy.shape)


def test_inpainting_stops_while_gaps_are_filled(noisy, truth, at_once):
    holes = np.zeros(noisy.shape, bool)
    holes[::3, ::2] = True
    reports = []
    run = restore(
        np.where(holes, 0, truth),
        Settings(task="inpaint", device="cpu"),
        mask=holes,
        stop_requested=lambda: len(reports) >= 1,
        report=lambda stage, done: reports.append(stage),
    )
    result = finished(run)
    assert result.stopped_by_user
    assert np.abs(result.image - truth)[holes].mean() < 10


def test_stop_in_the_last_average_keeps_the_mean(truth, at_once):
    """The mean of the fits is in photons, and the first estimate was stabilised."""
    photons = np.random.default_rng(0).poisson(truth).astype(float)

    def best(stop_after):
        reports = []
        run = restore(
            photons,
            Settings(device="cpu", preset="best", members=2, at_once=1, iterations=2),
            stop_requested=lambda: len(reports) >= stop_after,
            report=lambda stage, done: reports.append(stage),
        )
        return finished(run), reports

    whole, reports = best(10**6)
    stopped, _ = best(len(reports) - 1)
    assert stopped.stopped_by_user
    assert mse(stopped.image, truth) < 2 * mse(whole.image, truth)


def test_tiles_stop_within_the_first_filter(noisy, at_once):
    result, _ = stopped_after(1, np.tile(noisy, (2, 2)), tile=64, overlap=8)
    assert result.stopped_by_user
    assert np.isnan(result.image).any()
    assert np.isfinite(result.image).any()


def test_a_stop_is_asked_for_only_once(noisy):
    """Afterwards the caller may block to pause, or answer anything."""
    answers = []

    def stop():
        answers.append(len(answers) == 2)
        return answers[-1]

    run = restore(noisy, Settings(device="cpu", noise=SIGMA), stop_requested=stop)
    assert finished(run).stopped_by_user
    assert answers == [False, False, True]


def test_colours_are_counted_as_one_image(noisy):
    _, reports = stopped_after(10**6, np.stack([noisy] * 3, axis=-1), axes="YXS", iterations=1)
    assert 0.8 < reports[reports.index(("fit", 0.0)) - 1][1] <= 1
