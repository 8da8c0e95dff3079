"""Test that the costs of a machine are measured once and cached."""

import subprocess
import sys

import pytest
import torch

from napari_dip.compute import calibration_cache as measured
from napari_dip.pipeline import costs as module
from napari_dip.pipeline.costs import Costs, measure_costs
from napari_dip.pipeline.precision import BASELINE, Calibration

CPU = torch.device("cpu")


@pytest.fixture
def small(tmp_path, monkeypatch):
    """Use small images, one arithmetic and an empty cache."""
    baseline = Calibration(BASELINE, str(BASELINE), {str(BASELINE): 1.0}, cached=True)
    monkeypatch.setattr(module, "benchmark_side", lambda device: 32)
    monkeypatch.setattr(module, "calibrate", lambda device, threads=None: baseline)
    monkeypatch.setattr(measured, "_cache_file", lambda: tmp_path / "calibration.json")
    monkeypatch.setattr(measured, "_is_busy", lambda: False)
    monkeypatch.setattr(measured, "_measured_while_busy", {})


def test_real_costs_are_measured_once(small, monkeypatch):
    costs = measure_costs(CPU)
    assert 1e-4 < costs.iteration_s + 64**2 * costs.pixel_s < 60
    assert 0 < costs.filter_s < 1
    monkeypatch.setattr(module, "_measure", None)  # a second measurement would fail
    assert measure_costs("cpu") == costs


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"iteration_s": 1}', '{"pixel_s": []}'])
def test_a_damaged_record_is_measured_again(small, monkeypatch, content, tmp_path):
    key = f"costs: x, 32 pixels, {BASELINE}"
    (tmp_path / "calibration.json").write_text(f'{{"{key}": {content or "null"}}}')
    monkeypatch.setattr(module, "describe_machine", lambda device: "x")
    monkeypatch.setattr(module, "_measure", lambda device: Costs(1.0, 2.0, 3.0, 4.0))
    assert measure_costs(CPU) == Costs(1.0, 2.0, 3.0, 4.0)


def test_costs_cannot_be_negative(small, monkeypatch):
    times = iter([0.5, 0.1])  # the larger image is faster on a busy machine
    monkeypatch.setattr(module, "_iteration_s", lambda member, device: next(times))
    monkeypatch.setattr(module, "_least_s", lambda work, device, repeats: 1.0)
    assert measure_costs(CPU).pixel_s == 0
    assert measure_costs(CPU).iteration_s == 0.5


def test_one_thread_measures_a_busy_machine(small, monkeypatch):
    threads = []

    def measure(device):
        threads.append(torch.get_num_threads())
        return Costs(1.0, 2.0, 3.0, 4.0)

    monkeypatch.setattr(measured, "_is_busy", lambda: True)
    monkeypatch.setattr(module, "_measure", measure)
    monkeypatch.setattr(module, "cpu_threads", lambda: 2)
    assert measure_costs(CPU) == Costs(1.0, 2.0, 3.0, 4.0).with_threads(2)
    assert threads == [1]


def test_the_first_fit_is_prepared_once():
    code = """if True:
        from napari_dip.pipeline import costs
        assert costs.first_fit_seconds() > 0
        costs.prepare_first_fit("cpu")
        assert costs.first_fit_seconds() == 0
        costs._iteration_s = costs._filter = None  # a second fit would fail
        costs.prepare_first_fit("cpu")
    """
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True)
