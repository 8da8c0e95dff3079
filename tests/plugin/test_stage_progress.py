"""The stage and the bar of a run follow its reports, and the time is told when it is known."""

import math

import pytest

from napari_dip.plugin.models.stage_progress import RemainingTime, StageProgress
from napari_dip.progress import Snapshot


def snapshots(seconds=0.5, start=3.0, unit=0, units=1, iterations=100):
    """Return the snapshots of a fit of constant speed that starts late."""
    return [
        Snapshot(unit=unit, units=units, iteration=n, iterations=iterations, elapsed_s=at)
        for n in range(1, iterations + 1)
        for at in [start + n * seconds]
    ]


def test_stages_move_the_bar_only_forwards():
    progress, fractions, names = StageProgress(), [], []
    for stage, done in [
        ("reading", math.nan),
        ("noise", math.nan),
        ("filter", 0.0),
        ("filter", 0.5),
        ("filter", 0.2),
        ("fit", 0.0),
        ("fit", 1.0),
        ("filter", 0.5),
        ("saving", math.nan),
    ]:
        progress.report(stage, done)
        fractions.append(progress.now().fraction)
        names.append(progress.now().in_words())
    assert fractions == sorted(fractions)
    assert len({*fractions}) == 6
    assert fractions[-1] <= 1
    assert names[:4] == ["Reading", "Measuring the noise", "Filtering", "Filtering"]


def test_the_fit_takes_the_place_of_skipped_stages():
    progress = StageProgress()
    progress.report("fit", 0.0)
    assert progress.now().fraction == 0
    progress.report("fit", 0.5)
    assert 0.4 < progress.now().fraction < 0.5


def test_a_fit_goes_on_after_a_second_filter():
    progress = StageProgress()
    for stage, done in (("filter", 1.0), ("fit", 0.25), ("filter", 0.5)):
        progress.report(stage, done)
    before = progress.now().fraction
    progress.report("fit", 0.5)
    assert 0.6 < before < progress.now().fraction < 0.8


def test_planes_are_counted():
    progress = StageProgress()
    progress.begin("plane 1 of 4", 4, at_once=1)
    progress.report("filter", 1.0)
    assert progress.now().in_words() == "Filtering · plane 1 of 4"
    progress.add(Snapshot(unit=0, units=4, iteration=9, iterations=9, part="plane 1 of 4"))
    progress.report("filter", 0.5)
    assert progress.now().in_words() == "Filtering · plane 1 of 4"
    progress.add(Snapshot(unit=1, units=4, iteration=0, iterations=9, part="plane 2 of 4"))
    assert progress.now().in_words() == "Filtering · plane 2 of 4"
    assert progress.now().fraction >= 0.25


def test_a_preview_before_the_fit_is_no_fit():
    progress = StageProgress()
    progress.report("filter", 0.1)
    before = progress.now()
    progress.add(Snapshot(iteration=0, iterations=9))
    assert progress.now().stage == "filter"
    assert progress.now().fraction == before.fraction


def test_planes_at_once_share_one_stage():
    progress = StageProgress()
    progress.begin("plane 1 of 4", 4, at_once=2)
    for stage in ("filter", "fit", "filter"):
        progress.report(stage, 0.0)
        assert progress.now().in_words() == "Restoring · plane 1 of 4"


def test_no_time_is_told_before_ten_iterations():
    remaining, told = RemainingTime(), []
    for snapshot in snapshots():
        remaining.add(snapshot)
        told.append(remaining.after(snapshot.elapsed_s))
    assert told[:10] == [None] * 10
    assert told[10:] == pytest.approx([0.5 * left for left in range(89, -1, -1)])


def test_one_slow_iteration_hardly_changes_the_time():
    remaining = RemainingTime()
    for snapshot in snapshots()[:50]:
        remaining.add(snapshot)
    before = remaining.after(28.0)
    remaining.add(Snapshot(iteration=51, iterations=100, elapsed_s=38.0))
    assert before <= remaining.after(28.0) < 1.3 * before


def test_planes_are_expected_to_take_equally_long():
    remaining = RemainingTime()
    first = snapshots(units=4)
    for snapshot in first:
        remaining.add(snapshot)
    assert remaining.after(first[-1].elapsed_s) == pytest.approx(3 * first[-1].elapsed_s, rel=0.05)


def test_planes_that_stop_early_shorten_the_time():
    remaining = RemainingTime()
    for unit in range(3):
        for snapshot in snapshots(start=13 * unit + 3.0, unit=unit, units=4)[:20]:
            remaining.add(snapshot)
    assert remaining.after(39.0) < 30
