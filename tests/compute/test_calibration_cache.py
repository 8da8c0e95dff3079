"""Measure once, store the record, and measure again where that is needed."""

import json
from types import SimpleNamespace

import pytest
import torch

from napari_dip.compute import calibration_cache
from napari_dip.compute.calibration_cache import cached_measurement, describe_machine

CPU = torch.device("cpu")


class Measurement:
    """Count the calls, and return a new number each time."""

    def __init__(self):
        self.earlier = []

    def __call__(self, earlier, busy):
        self.earlier.append(earlier)
        return {"value": len(self.earlier)}


@pytest.fixture
def cache(monkeypatch, tmp_path):
    """Return the file of an empty cache on an idle machine."""
    path = tmp_path / "folder" / "calibration.json"
    monkeypatch.setattr(calibration_cache, "_cache_file", lambda: path)
    monkeypatch.setattr(calibration_cache, "_measured_while_busy", {})
    monkeypatch.setattr(calibration_cache, "_is_busy", lambda: False)
    return path


def recall(measure, key="speed", device=CPU):
    return cached_measurement(key, device, measure, lambda record: record["value"])


def new_process(monkeypatch):
    monkeypatch.setattr(calibration_cache, "_measured_while_busy", {})


def test_second_call_uses_the_stored_record(cache):
    measure = Measurement()
    assert recall(measure) == (1, False)
    assert recall(measure) == (1, True)
    assert json.loads(cache.read_text())["speed"] == {"value": 1, "busy": False}


def test_keys_are_stored_beside_each_other(cache):
    measure = Measurement()
    assert recall(measure, "one") == (1, False)
    assert recall(measure, "two") == (2, False)
    assert recall(measure, "one") == (1, True)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"speed": null}', '{"speed": {"other": 1}}'])
def test_damaged_record_is_measured_again(cache, content):
    cache.parent.mkdir()
    cache.write_text(content)
    assert recall(Measurement()) == (1, False)
    assert recall(Measurement()) == (1, True)


def test_busy_machine_is_measured_again_when_idle(cache, monkeypatch):
    measure = Measurement()
    monkeypatch.setattr(calibration_cache, "_is_busy", lambda: True)
    assert recall(measure) == (1, False)
    assert recall(measure) == (1, True)  # the same process
    new_process(monkeypatch)
    assert recall(measure) == (1, True)  # still busy
    monkeypatch.setattr(calibration_cache, "_is_busy", pytest.fail)
    assert recall(measure) == (1, True)  # without another look at the load
    new_process(monkeypatch)
    monkeypatch.setattr(calibration_cache, "_is_busy", lambda: False)
    assert recall(measure) == (2, False)
    assert measure.earlier == [{}, {"value": 1, "busy": True}]
    assert recall(measure) == (2, True)


def test_cpu_load_does_not_concern_a_gpu(cache, monkeypatch):
    monkeypatch.setattr(calibration_cache, "_is_busy", lambda: True)
    recall(Measurement(), device=torch.device("cuda"))
    assert json.loads(cache.read_text())["speed"]["busy"] is False


def test_cache_that_cannot_be_written_is_no_error(cache, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(calibration_cache, "_cache_file", lambda: tmp_path / "file" / "cache.json")
    measure = Measurement()
    assert recall(measure) == (1, False)
    assert recall(measure) == (2, False)


@pytest.mark.parametrize(
    ("total", "own", "busy"),
    [(50.0, 190.0, False), (50.0, 100.0, True), (5.0, 0.0, False)],
    ids=["own", "others", "idle"],
)
def test_load_of_others_makes_the_machine_busy(monkeypatch, total, own, busy):
    """Percent of four cores, and percent of one core by this process."""
    process = SimpleNamespace(cpu_percent=lambda: own)
    monkeypatch.setattr(calibration_cache.psutil, "cpu_count", lambda: 4)
    monkeypatch.setattr(calibration_cache.psutil, "Process", lambda: process)
    monkeypatch.setattr(calibration_cache.psutil, "cpu_percent", lambda interval: total)
    assert calibration_cache._is_busy() == busy


def test_number_of_threads_is_part_of_the_machine():
    threads = torch.get_num_threads()
    try:
        names = []
        for number in (1, 2):
            torch.set_num_threads(number)
            names.append(describe_machine(CPU))
    finally:
        torch.set_num_threads(threads)
    assert names[0] != names[1]
    assert all(name.startswith("cpu") and torch.__version__ in name for name in names)
