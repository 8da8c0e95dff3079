"""Run fits concurrently: the same bytes as sequential fits, errors, stops, limits."""

import sys
import threading
import time

import numpy as np
import pytest
import torch

from napari_dip import Settings, restore
from napari_dip.compute import device
from napari_dip.compute.concurrency import in_fit_order, run_concurrently, threads_per_fit
from napari_dip.errors import NapariDipError
from napari_dip.generators import finished
from napari_dip.image import memory
from napari_dip.image.axes import Layout
from napari_dip.image.forecast import expected_bytes, expected_seconds
from napari_dip.image.layout_plan import choose_plan, make_layout, with_concurrency
from napari_dip.image.memory import choose_at_once, peak_bytes
from napari_dip.image.plan import Plan
from napari_dip.network.build import build_network
from napari_dip.network.input_code import make_code
from napari_dip.pipeline.presets import recipe

QUICK = Settings(device="cpu", iterations=12, stopping="fixed", preview_every_s=0, noise=0.1)
FRAMES = QUICK.replace(axes="TYX", share="none", at_once=3)


@pytest.fixture
def frames(noisy):
    return np.stack([noisy[:24, :24], noisy[8:32, 8:32], noisy[24:, 24:48], noisy[10:34, 30:54]])


@pytest.fixture
def two_threads():
    """Compute with two threads, whatever the number of the tests."""
    before = device.cpu_threads()
    device.set_cpu_threads(2)
    yield
    device.set_cpu_threads(before)


def counting(to, seen=None):
    for number in range(to):
        if seen is not None:
            seen.append(threading.current_thread().name)
        yield number
    return to


def finish(restoration):
    snapshots = []
    return snapshots, finished(restoration, snapshots.append)


@pytest.mark.parametrize("preset", ["fast", pytest.param("best", marks=pytest.mark.slow)])
def test_concurrent_planes_give_the_same_bytes(frames, preset):
    settings = FRAMES.replace(preset=preset, members=None if preset == "fast" else 2)
    alone = finished(restore(frames, settings.replace(at_once=1)))
    at_once = finished(restore(frames, settings))
    assert at_once.plan == alone.plan + ", 3 concurrent"
    assert np.array_equal(at_once.image, alone.image)
    assert at_once.reports == alone.reports
    if preset == "best":
        assert np.array_equal(at_once.uncertainty, alone.uncertainty)


def test_concurrent_fits_give_the_same_bytes(noisy):
    settings = QUICK.replace(preset="best", members=3)
    alone = finished(restore(noisy, settings.replace(at_once=1)))
    snapshots, at_once = finish(restore(noisy, settings.replace(at_once=2)))
    assert at_once.plan == "one plane in 2-D; 2 concurrent fits"
    assert np.array_equal(at_once.image, alone.image)
    assert np.array_equal(at_once.uncertainty, alone.uncertainty)
    assert at_once.reports == alone.reports
    iterations = [snapshot.iteration for snapshot in snapshots]
    assert iterations == sorted(iterations)
    # three members and two replicas of 12 iterations
    assert iterations[-1] <= snapshots[-1].iterations == 60


def test_no_step_is_computed_ahead():
    seen = []
    steps = run_concurrently([counting(5, seen), counting(5, seen)], 2, "cpu", lambda *_: None)
    next(steps)
    time.sleep(0.05)
    assert len(seen) == 2  # the first step of each, and no other
    steps.close()
    time.sleep(0.05)
    assert len(seen) == 2


def test_fits_start_when_a_place_is_free():
    begun, ends = [], {}

    def fits():
        for number in range(5):
            begun.append(number)
            yield counting(3)

    def end(number, result):
        ends[number] = result, threading.current_thread()

    for number, _ in run_concurrently(fits(), 2, "cpu", end):
        assert number in begun
        assert len(begun) - len(ends) <= 2
    assert ends == dict.fromkeys(range(5), (3, threading.current_thread()))


@pytest.mark.parametrize("at_once", [1, 2])
def test_error_of_one_fit_ends_all(at_once):
    closed = []

    def endless():
        try:
            while True:
                yield 0
        finally:
            closed.append("endless")

    def failing():
        yield 0
        raise NapariDipError("no convergence")

    steps = run_concurrently([failing(), endless()], at_once, "cpu", lambda *_: None)
    with pytest.raises(NapariDipError, match="no convergence"):
        for _ in range(100):
            next(steps)
    assert closed == ["endless"] * (at_once - 1)


def test_each_fit_has_its_share_of_threads(two_threads):
    def threads():
        yield torch.get_num_threads()
        new = []
        other = threading.Thread(target=lambda: new.append(torch.get_num_threads()))
        other.start()
        other.join()
        yield new[0]

    found = list(run_concurrently([threads(), threads()], 2, "cpu", lambda *_: None))
    assert sorted(found) == [(0, 1), (0, 2), (1, 1), (1, 2)]
    assert torch.get_num_threads() == 2
    assert [threads_per_fit(8, at_once) for at_once in (1, 2, 3, 9)] == [8, 4, 2, 1]


def test_report_contains_the_number_of_threads(frames, two_threads):
    quick = FRAMES.replace(iterations=2, precision="float32")
    for at_once, threads in ((1, 2), (2, 1)):
        result = finished(restore(frames[:2], quick.replace(at_once=at_once)))
        assert result.reports[0].arithmetic.endswith(f"threads: {threads}")


def test_concurrent_draws_do_not_change_weights():
    chosen = recipe(Settings())
    code = make_code(chosen.code, chosen.code_channels, (32, 32), 0)
    drawn = {}

    def draw(seed):
        drawn[seed] = build_network(chosen.network, code, 1, seed).state_dict()

    threads = [threading.Thread(target=draw, args=(seed,)) for seed in range(8)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    for seed in range(8):
        alone = build_network(chosen.network, code, 1, seed).state_dict()
        assert all(torch.equal(alone[name], drawn[seed][name]) for name in alone)


@pytest.mark.parametrize("settings", [FRAMES, QUICK.replace(axes="CYX", members=2, at_once=2)])
def test_progress_shows_one_fit_after_another(frames, settings):
    def numbers(snapshots):
        names = ("unit", "units", "index", "iteration", "iterations", "loss", "best_iteration")
        return [tuple(getattr(one, name) for name in names) for one in snapshots]

    image = frames[:1] if settings.members else frames
    together, _ = finish(restore(image, settings))
    alone, _ = finish(restore(image, settings.replace(at_once=1)))
    assert numbers(together) == numbers(alone)
    assert {one.index for one in together if one.image is not None} == {one.index for one in alone}
    assert together[0].remaining_s > together[-1].remaining_s == 0


def test_only_the_latest_waiting_preview_is_kept():
    done = {}

    def steps():
        yield from ((1, "A"), (1, "b"), (1, "C"), (0, "D"), (1, "e"))
        done[0] = "done"
        yield 1, "F"

    def lower(step):
        return step.lower() if step.isupper() else step

    ordered = list(in_fit_order(steps(), done, lower))
    assert ordered == [(0, "D"), (1, "a"), (1, "b"), (1, "C"), (1, "e"), (1, "F")]


def test_stop_keeps_the_best_of_started_fits(frames):
    calls = []

    def stop():
        calls.append(1)
        return len(calls) == 9  # once is enough

    result = finished(restore(frames, FRAMES.replace(at_once=2), stop_requested=stop))
    assert result.stopped_by_user
    assert [report.stopped_by_user for report in result.reports] == [True, True]
    assert np.isnan(result.image).any(axis=(1, 2)).tolist() == [False, False, True, True]
    assert "frame 1 stopped" in (coverage := result.coverage.in_words())
    assert "frame 2 stopped" in coverage


def test_pause_is_counted_once(frames):
    paused = []

    def stop():
        if len(paused) < 3:
            time.sleep(0.2)
            paused.append(0.2)
        return False

    began = time.monotonic()
    quick = FRAMES.replace(iterations=4, refinement=0)
    result = finished(restore(frames, quick, stop_requested=stop))
    spent = time.monotonic() - began
    assert sum(paused) <= spent - result.elapsed_s + 0.01
    assert result.elapsed_s > 0


def test_closing_ends_started_fits(frames):
    calls = []
    steps = restore(frames, FRAMES, stop_requested=lambda: bool(calls.append(1)))
    next(steps)
    steps.close()
    before = len(calls)
    time.sleep(0.1)
    assert len(calls) == before


LAYOUT = Layout("TYX", (40, 256, 256))


def at_once(**changed):
    settings = Settings(precision="float32", **changed)
    return choose_at_once(settings, LAYOUT, 1, "cpu", None, 40)


def test_threads_and_memory_limit_concurrency(monkeypatch):
    monkeypatch.setattr(device, "cpu_threads", lambda: 16)
    monkeypatch.setattr(device, "free_bytes", lambda name: 10**12)
    assert at_once() == 16
    assert at_once(at_once=3) == 3
    assert choose_at_once(Settings(), LAYOUT, 1, "cpu", None, 5) == 5
    assert choose_at_once(Settings(), LAYOUT, 1, "cpu", None, 1) == 1
    one = peak_bytes(Settings(), 1, (256, 256), "float32")
    monkeypatch.setattr(device, "free_bytes", lambda name: 5 * one)
    assert at_once() == 3
    monkeypatch.setattr(device, "free_bytes", lambda name: one)
    assert at_once() == 1
    monkeypatch.setattr(device, "free_bytes", lambda name: None)
    assert at_once() == 1


def test_gpu_gets_enough_fits(monkeypatch):
    monkeypatch.setattr(device, "free_bytes", lambda name: 10**12)
    sides = (128, 512, 1024, 2048)
    found = [
        choose_at_once(Settings(), Layout("TYX", (40, side, side)), 1, "cuda:0", None, 40)
        for side in sides
    ]
    assert found == [memory.MAX_FITS_ON_GPU, 4, 1, 1]
    assert choose_at_once(Settings(), LAYOUT, 1, "mps", None, 40) == 1


def test_worker_of_a_cluster_takes_one_unit(monkeypatch):
    monkeypatch.setattr(device, "cpu_threads", lambda: 4)
    settings = Settings(axes="TYX", share="none", precision="float32")
    layout = make_layout((40, 64, 64), settings)
    assert choose_plan(layout, settings, device="cpu")[0].at_once == 1
    assert choose_plan(layout, settings)[0].at_once == 4
    assert with_concurrency(Plan(layout), settings, "cpu").at_once == 4


def test_forecast_considers_concurrency(monkeypatch):
    settings = Settings(axes="TYX", share="none")
    alone, together = (Plan(LAYOUT, at_once=number) for number in (1, 4))
    seconds = [expected_seconds(plan, settings, "cpu") for plan in (alone, together)]
    assert 0.25 * seconds[0] < seconds[1] < 0.35 * seconds[0]
    parts = [expected_bytes(plan, settings, "cpu") for plan in (alone, together)]
    assert parts[1] == 4 * parts[0]
