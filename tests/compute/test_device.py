"""Choose devices by name, translate their errors, and restore torch's modes."""

from contextlib import contextmanager

import numpy as np
import pytest
import torch

from napari_dip.compute import calibration_cache as measured
from napari_dip.compute.device import choose_device, devices, torch_errors
from napari_dip.errors import DeviceFailed, DeviceUnavailable, OutOfMemory
from napari_dip.generators import finished
from napari_dip.image.restore import restore
from napari_dip.pipeline import precision as calibrate
from napari_dip.settings import Settings

CPU = torch.device("cpu")


def test_auto_takes_the_first_device():
    names = [device.name for device in devices()]
    assert names[-1] == "cpu"
    assert str(choose_device("auto")) == names[0]
    assert str(choose_device("cpu")) == "cpu"
    cpu = devices()[-1]
    assert 0 < cpu.free_bytes <= cpu.memory_bytes


def test_busy_gpu_does_not_stop_the_cpu(monkeypatch):
    def refused(number):
        raise RuntimeError("CUDA error: all CUDA-capable devices are busy or unavailable")

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda number: "a GPU")
    monkeypatch.setattr(torch.cuda, "mem_get_info", refused)
    busy, *_ = devices()
    assert (busy.name, busy.free_bytes, busy.memory_bytes) == ("cuda:0", None, None)
    assert choose_device("cpu").type == "cpu"


@pytest.mark.parametrize("name", ["cuda:99", "mps"])
def test_unavailable_device_is_named_with_the_others(name):
    if name in [device.name for device in devices()]:
        pytest.skip(f"{name} is here")
    with pytest.raises(DeviceUnavailable, match=rf"'{name}'.*cpu.*'auto'"):
        choose_device(name)


@pytest.mark.parametrize(
    ("raised", "ours", "words"),
    [
        pytest.param(torch.OutOfMemoryError("x"), OutOfMemory, "crop it", id="cuda"),
        pytest.param(MemoryError(), OutOfMemory, "crop it", id="python"),
        pytest.param(
            RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"),
            OutOfMemory,
            "crop it",
            id="cpu",
        ),
        pytest.param(
            RuntimeError("MPS backend out of memory (MPS allocated: 9 GB)"),
            OutOfMemory,
            "crop it",
            id="mps",
        ),
        pytest.param(RuntimeError("CUDA error: xid\nmore"), DeviceFailed, "xid; try", id="other"),
    ],
)
def test_torch_errors_are_translated_with_a_remedy(raised, ours, words):
    with pytest.raises(ours, match=words) as caught, torch_errors(CPU):
        raise raised
    assert caught.value.__cause__ is raised
    assert not isinstance(caught.value, RuntimeError)


def test_other_errors_are_not_translated():
    for error in (DeviceUnavailable("x"), KeyError("y")):
        with pytest.raises(type(error)), torch_errors(CPU):
            raise error


def test_allocation_failure_is_out_of_memory():
    with pytest.raises(OutOfMemory), torch_errors(CPU):
        torch.empty(2**60, dtype=torch.uint8)


@contextmanager
def default_dtype(dtype):
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


MODES = {
    "no_grad": torch.no_grad,
    "inference_mode": torch.inference_mode,
    "autocast": lambda: torch.autocast("cpu", torch.bfloat16),
    "default device": lambda: torch.device("meta"),
    "float64": lambda: default_dtype(torch.float64),
    "float16": lambda: default_dtype(torch.float16),
}
STACK = np.random.default_rng(0).poisson(60 + 40 * np.sin(np.arange(12) / 3), (3, 12, 12))
TASKS = {
    "planes": (Settings(axes="ZYX"), STACK),
    "concurrent planes": (Settings(axes="ZYX", share="none", at_once=2), STACK),
    "several fits": (Settings(preset="best", members=2), STACK[0]),
    "refined": (Settings(task="super-resolve"), STACK[0]),
}


@pytest.mark.parametrize("task", TASKS)
def test_torch_modes_of_the_caller_change_nothing(task):
    settings, image = TASKS[task]
    settings = settings.replace(iterations=2, device="cpu")
    mask = np.random.default_rng(1).random(image.shape) < 0.1

    def restored():
        return finished(restore(image, settings, mask=mask)).image

    expected = restored()
    for name, mode in MODES.items():
        with mode():
            before = modes()
            assert np.array_equal(restored(), expected), name
            assert modes() == before, name


def modes():
    return (
        torch.is_grad_enabled(),
        torch.is_inference_mode_enabled(),
        torch.is_autocast_enabled("cpu"),
        torch.get_default_device(),
        torch.get_default_dtype(),
    )


def test_modes_are_restored_between_two_steps():
    steps = restore(STACK[0], Settings(iterations=30, device="cpu", preview_every_s=0.0))
    with torch.no_grad():
        next(steps)
        assert not torch.is_grad_enabled()
        steps.close()
        assert not torch.is_grad_enabled()


def test_calibration_ignores_modes_of_the_caller(monkeypatch, tmp_path):
    monkeypatch.setattr(measured, "_cache_file", lambda: tmp_path / "calibration.json")
    with torch.no_grad(), torch.device("meta"):
        assert calibrate.calibrate("cpu").milliseconds
