"""Test that the fastest arithmetic is measured once and cached."""

import json
import math
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import torch

from napari_dip import Settings, restore
from napari_dip.compute import calibration_cache as measured
from napari_dip.errors import BadSettings
from napari_dip.pipeline import precision as module
from napari_dip.pipeline.precision import Arithmetic, calibrate, choose_arithmetic
from napari_dip.pipeline.presets import recipe

CPU = torch.device("cpu")
real_is_busy = measured._is_busy


@pytest.fixture(autouse=True)
def quiet(monkeypatch):
    """Simulate a machine on which nothing else runs."""
    monkeypatch.setattr(measured, "_is_busy", lambda: False)
    monkeypatch.setattr(measured, "_measured_while_busy", {})


@pytest.fixture
def cache(tmp_path, monkeypatch):
    path = tmp_path / "cache" / "calibration.json"
    monkeypatch.setattr(measured, "_cache_file", lambda: path)
    return path


@pytest.fixture
def clock(monkeypatch):
    """Set the time of each arithmetic, and list the measurements."""
    seconds = {"float32, channels first": 3.0, "float32, channels last": 2.0}
    measurements = []

    def measure(arithmetic, device, best):
        measurements.append(str(arithmetic))
        time.sleep(0.001)  # lets other threads run
        return seconds.get(str(arithmetic), 1.0)

    monkeypatch.setattr(module, "_measure", measure)
    return seconds, measurements


def test_the_fastest_is_chosen_and_cached(cache, clock):
    first, second = calibrate(CPU), calibrate(CPU)
    assert first.arithmetic == second.arithmetic == Arithmetic("bfloat16", channels_last=True)
    assert (first.cached, second.cached) == (False, True)
    assert first.milliseconds == second.milliseconds
    assert len(clock[1]) == 3


def test_a_far_slower_candidate_is_called_twice(cache, monkeypatch):
    calls = []
    monkeypatch.setattr(module, "benchmark_side", lambda device: 16)
    monkeypatch.setattr(module.time, "thread_time", lambda: calls.append(0) or float(len(calls)))
    module._measure(Arithmetic(), CPU)
    usual = len(calls)
    calls.clear()
    assert module._measure(Arithmetic(), CPU, best=0.1) == 1
    assert usual == 16
    assert len(calls) == 4


def test_a_small_gain_does_not_justify_rounding(cache, clock):
    clock[0].update({"float32, channels first": 1.05, "float32, channels last": 1.2})
    assert calibrate(CPU).arithmetic == Arithmetic()


@pytest.mark.parametrize("content", ["", "[]", '{"cpu": 3}', "{", '{"x": {"arithmetic": {}}}'])
def test_a_damaged_cache_is_measured_again(cache, clock, content):
    cache.parent.mkdir()
    cache.write_text(content)
    assert not calibrate(CPU).cached
    assert calibrate(CPU).cached
    assert isinstance(json.loads(cache.read_text()), dict)


def test_an_unwritable_cache_is_ignored(clock, monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setattr(measured, "_cache_file", lambda: tmp_path / "file" / "no" / "folder.json")
    assert not calibrate(CPU).cached


def test_times_of_a_busy_machine_are_measured_again(cache, clock, monkeypatch):
    seconds, measurements = clock
    monkeypatch.setattr(measured, "_is_busy", lambda: True)
    assert not calibrate(CPU).cached
    assert calibrate(CPU).milliseconds["float32, channels last"] == 2000
    assert len(measurements) == 3
    monkeypatch.setattr(measured, "_measured_while_busy", {})  # the next process
    assert calibrate(CPU).cached
    assert len(measurements) == 3
    monkeypatch.setattr(measured, "_measured_while_busy", {})  # another process
    monkeypatch.setattr(measured, "_is_busy", lambda: False)
    seconds.update({"float32, channels first": 0.1, "float32, channels last": 0.2})
    again = calibrate(CPU)
    assert again.arithmetic == Arithmetic("bfloat16", channels_last=True)
    assert again.milliseconds["float32, channels last"] == 200
    assert calibrate(CPU).cached
    assert len(measurements) == 6


def test_one_thread_compares_on_a_busy_machine(cache, monkeypatch):
    threads = []

    def measure(*_):
        threads.append(torch.get_num_threads())
        return 1.0

    monkeypatch.setattr(module, "_measure", measure)
    monkeypatch.setattr(measured, "_is_busy", lambda: True)
    calibrate(CPU)
    assert threads == [1, 1, 1]


def test_another_busy_program_is_detected():
    busy_loop = [sys.executable, "-c", "while True: pass"]
    with subprocess.Popen(busy_loop) as other:
        try:
            assert real_is_busy()
        finally:
            other.kill()


def test_another_number_of_threads_is_measured_separately(cache, clock, monkeypatch):
    calibrate(CPU)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 77)
    assert not calibrate(CPU).cached


def test_concurrent_calibrations_agree(cache, clock):
    with ThreadPoolExecutor(4) as pool:
        found = [*pool.map(lambda _: calibrate(CPU), range(4))]
    assert len(clock[1]) == 3
    assert sorted(one.cached for one in found) == [False, True, True, True]


def test_time_of_other_programs_does_not_count(cache, monkeypatch):
    build, pause_s = module.build_network, 0.1

    def interrupted(*args, **keywords):
        network = build(*args, **keywords)
        network.register_forward_hook(lambda *_: time.sleep(pause_s))
        return network

    monkeypatch.setattr(module, "build_network", interrupted)
    monkeypatch.setattr(module, "benchmark_side", lambda device: 32)
    monkeypatch.setattr(module, "_REPEATS", 2)
    assert all(each < 1000 * pause_s for each in calibrate(CPU).milliseconds.values())


def test_the_right_network_size_is_timed(cache, monkeypatch):
    build, timed = module.build_network, set()
    small = replace(recipe(Settings()).network, down=(4,), up=(4,), skip=(0,))

    def noted(network, *args, **keywords):
        timed.add(network)
        return build(small, *args, **keywords)

    monkeypatch.setattr(module, "build_network", noted)
    monkeypatch.setattr(module, "benchmark_side", lambda device: 512)
    calibrate(CPU)
    assert timed == {recipe(Settings(), side=512).network}
    assert timed != {recipe(Settings()).network}


def test_a_given_precision_is_kept(cache, clock):
    assert choose_arithmetic("float32", CPU) == Arithmetic()
    assert choose_arithmetic("bfloat16", CPU).precision == "bfloat16"
    assert not clock[1]
    assert choose_arithmetic("auto", CPU).precision == "bfloat16"


def test_a_real_measurement_is_in_milliseconds(cache):
    found = calibrate(CPU)
    assert found.chosen in found.milliseconds
    assert all(0.1 < each < 60_000 for each in found.milliseconds.values())


@pytest.mark.parametrize(
    ("shape", "precision"),
    [
        ((5, 12, 13), None),
        ((5, 12, 13), "float32"),
        ((12, 13), "bfloat16"),
        ((9, 33), "bfloat16"),
    ],
    ids=str,
)
def test_every_arithmetic_restores_small_images(shape, precision):
    noisy = np.random.default_rng(0).random(shape)
    for seed in range(6):
        settings = Settings(
            ndim=len(shape),
            axes="ZYX"[-len(shape) :],
            precision=precision,
            seed=seed,
            iterations=3,
            device="cpu",
        )
        losses = [now.loss for now in restore(noisy, settings) if now.iteration]
        assert losses
        assert all(map(math.isfinite, losses))


def test_bfloat16_volumes_are_refused_on_the_cpu():
    settings = Settings(ndim=3, axes="ZYX", precision="bfloat16", device="cpu")
    with pytest.raises(BadSettings, match="choose precision='float32'"):
        restore(np.random.default_rng(0).random((5, 12, 13)), settings)
