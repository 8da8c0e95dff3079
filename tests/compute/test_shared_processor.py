"""Other programs get the cores that they need."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from napari_dip import denoise
from napari_dip.compute import shared_processor
from napari_dip.compute.device import cpu_threads, set_cpu_threads
from napari_dip.compute.shared_processor import LoadAwareThreads, free_cores


@pytest.mark.parametrize(
    ("busy", "own", "cores", "free"),
    [
        pytest.param(2.0, 2.0, 2, 2, id="alone"),
        pytest.param(2.0, 1.8, 2, 2, id="a viewer"),
        pytest.param(2.0, 1.4, 2, 1, id="a busy program"),
        pytest.param(8.0, 0.5, 2, 1, id="many programs"),
        pytest.param(8.0, 5.0, 8, 5, id="three of eight cores"),
        pytest.param(1.0, 2.0, 2, 2, id="in Python code"),
    ],
)
def test_busy_cores_are_left_to_others(busy, own, cores, free):
    assert free_cores(busy, own, cores) == free


@pytest.fixture
def threads_as_before():
    before = cpu_threads()
    yield
    set_cpu_threads(before)


@pytest.fixture
def two_threads(threads_as_before):
    set_cpu_threads(2)


@pytest.fixture
def load(monkeypatch):
    """A machine of two cores on which the test is the clock."""
    now = SimpleNamespace(clock=0.0, cores=0.0, thread=0.0)
    times = SimpleNamespace(now=lambda: SimpleNamespace(**vars(now)))
    monkeypatch.setattr(shared_processor, "_Times", times)
    monkeypatch.setattr(shared_processor.time, "monotonic", lambda: now.clock)
    monkeypatch.setattr(shared_processor.psutil, "cpu_count", lambda: 2)

    def pass_second(busy, thread):
        now.clock, now.cores, now.thread = now.clock + 1, now.cores + busy, now.thread + thread

    return pass_second


@pytest.mark.usefixtures("two_threads")
def test_threads_follow_the_load_and_come_back(load):
    threads = LoadAwareThreads()
    load(busy=2, thread=0.7)
    threads.adjust()
    assert cpu_threads() == 1
    threads.adjust()  # too early to measure again
    load(busy=1, thread=1)
    threads.adjust()
    assert cpu_threads() == 2
    load(busy=2, thread=0.7)
    threads.adjust()
    threads.reset()
    assert cpu_threads() == 2


@pytest.mark.usefixtures("threads_as_before")
@pytest.mark.parametrize(
    ("axes", "shape"), [("YX", (49, 51)), ("YXS", (40, 43, 3)), ("ZYX", (4, 33, 35))]
)
def test_filters_give_the_same_bytes_with_any_threads(axes, shape):
    noisy = np.random.default_rng(0).normal(100, 10, shape)
    results = []
    for threads in (1, 2, 3):
        set_cpu_threads(threads)
        results.append(denoise(noisy, axes=axes, prior="none", device="cpu").tobytes())
    assert len({*results}) == 1
