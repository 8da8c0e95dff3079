"""Compute on another device than the CPU, with few copies between the two.

The other device is simulated on the CPU. Its tensors report another device, cannot be mixed with
those of the CPU, and record each copy between the devices.
"""

from __future__ import annotations

import sys
from collections import Counter
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

import napari_dip
from napari_dip import Inpaint, Settings, SuperResolve, restore
from napari_dip.dip import optimisers as optimiser
from napari_dip.dip.constants import CHECK_INTERVAL
from napari_dip.generators import finished
from napari_dip.pipeline import restore_block
from napari_dip.pipeline.fit_step import Fit

registration = pytest.importorskip("torch.utils.backend_registration")
if not hasattr(registration, "_setup_privateuseone_for_python_backend"):
    pytest.skip("this torch does not support devices in Python", allow_module_level=True)

OTHER = "other:0"
PACKAGE = str(Path(napari_dip.__file__).parent)
aten = torch.ops.aten

copies: Counter[tuple[str, str]] = Counter()
"""Copies between the devices, and the file of the package that made them."""


class OtherTensor(torch.Tensor):
    """A tensor of the CPU that reports another device."""

    @staticmethod
    def __new__(cls, here):
        return torch.Tensor._make_wrapper_subclass(
            cls,
            here.shape,
            strides=here.stride(),
            storage_offset=here.storage_offset(),
            dtype=here.dtype,
            device=OTHER,
        )

    def __init__(self, here):
        self.here = here

    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        # `data` and `tolist` are not operators and do not reach `compute`.
        if function == torch.Tensor.data.__set__:
            args[0].here = args[1].here
            return None
        if function == torch.Tensor.data.__get__:
            return OtherTensor(args[0].here.detach())
        if function is torch.Tensor.tolist:
            record("read")
            return args[0].here.tolist()
        with torch._C.DisableTorchFunctionSubclass():
            return function(*args, **(kwargs or {}))

    @classmethod
    def __torch_dispatch__(cls, operator, types, args=(), kwargs=None):
        return compute(operator, args, kwargs or {})


class OnBoth(TorchDispatchMode):
    """Pass operators on the other device to `compute`."""

    def __torch_dispatch__(self, operator, types, args=(), kwargs=None):
        leaves = tree_leaves((args, kwargs))
        if any(isinstance(leaf, OtherTensor) or is_other(leaf) for leaf in leaves):
            return compute(operator, args, kwargs or {})
        return operator(*args, **(kwargs or {}))


def is_other(leaf):
    return isinstance(leaf, torch.device) and leaf == torch.device(OTHER)


def compute(operator, args, kwargs):
    """Compute an operator of the other device on the CPU; refuse what a GPU would refuse."""
    leaves = tree_leaves((args, kwargs))
    tensors = [leaf for leaf in leaves if isinstance(leaf, torch.Tensor)]
    there = [tensor for tensor in tensors if isinstance(tensor, OtherTensor)]
    devices = [leaf for leaf in leaves if isinstance(leaf, torch.device)]
    stays = any(map(is_other, devices)) if devices else bool(there)
    if operator in (aten._to_copy.default, aten.copy_.default):
        *target, source = args[:2] if operator is aten.copy_.default else args[:1]
        if target:
            stays = isinstance(target[0], OtherTensor)
        if isinstance(source, OtherTensor) != stays:
            record("came" if stays else "left")
    elif there and any(tensor.ndim for tensor in tensors if not isinstance(tensor, OtherTensor)):
        raise RuntimeError(f"{operator} was given tensors on two devices")
    if operator is aten._local_scalar_dense.default:
        record("read")
    result = operator(*tree_map(to_cpu, args), **tree_map(to_cpu, kwargs))
    known = {id(tensor.here): tensor for tensor in there}  # changed in place

    def wrapped(part):
        if not (stays and isinstance(part, torch.Tensor)):
            return part
        return known[id(part)] if id(part) in known else OtherTensor(part)

    return tree_map(wrapped, result)


def to_cpu(leaf):
    if isinstance(leaf, OtherTensor):
        return leaf.here
    return torch.device("cpu") if is_other(leaf) else leaf


def record(what):
    frame = sys._getframe()
    while frame and not frame.f_code.co_filename.startswith(PACKAGE):
        frame = frame.f_back
    copies[what, Path(frame.f_code.co_filename).stem if frame else ""] += 1


class Generator(torch.Generator):
    """Generator of the CPU, for either device."""

    def __new__(cls, device="cpu"):
        return super().__new__(cls, "cpu")


class Module(registration._DummyBackendModule):
    """Module that torch expects of a device."""

    def get_amp_supported_dtype(self):
        return [torch.bfloat16]


# At collection, because autograd counts the devices at its first use.
registration._setup_privateuseone_for_python_backend(
    OTHER.partition(":")[0], backend_module=Module()
)


@pytest.fixture
def computed(monkeypatch):
    """Restore an image on a named device; return the number of fits too."""
    prepare, begin, tensor = restore_block.prepare, Fit.begin, torch.tensor
    monkeypatch.setattr(optimiser, "_fusible", lambda _: False)  # its fused steps round differently

    def made(values, *, dtype=None, device="cpu"):
        return tensor(values, dtype=dtype).to(device)

    def on(device, image, settings, mask):
        fits = []

        def prepared(*given):
            one = prepare(*given)
            arithmetic = replace(one.context.arithmetic, precision="float32")
            where = replace(one.context, device=torch.device(device), arithmetic=arithmetic)
            return replace(one, context=where)

        def counted(*given):
            fits.append(given)
            return begin(*given)

        copies.clear()
        with monkeypatch.context() as patched:
            patched.setattr(restore_block, "prepare", prepared)
            patched.setattr(Fit, "begin", counted)
            patched.setattr(torch, "Generator", Generator)
            patched.setattr(torch, "tensor", made)
            with OnBoth() if device == OTHER else nullcontext():
                return finished(restore(image, settings, mask=mask)).image, len(fits)

    return on


TASKS = {
    "denoise": Settings(axes="YX"),
    "denoise, clipped": Settings(axes="YX", noise=0.1),
    "several fits": Settings(axes="YX", preset="best", members=2),
    "as published": Settings(axes="YX", preset="paper"),
    "inpaint": Settings(axes="YX", task=Inpaint()),
    "a hole": Settings(axes="YX", task=Inpaint(missing="hole")),
    "super-resolve": Settings(axes="YX", task=SuperResolve(factor=2)),
    "a volume": Settings(axes="ZYX", ndim=3),
    "sharing planes": Settings(axes="ZYX"),
    "sharing channels": Settings(axes="CYX", share="C"),
    "along Z": Settings(axes="ZYX", task=SuperResolve(factor=2, axis="Z")),
}


LOOP = {"input_code", "loop", "state", "build", "optimisers", "variance_rules", "stopping_rules"}


QUICK = {"denoise", "inpaint", "a volume", "sharing planes", "along Z"}


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[] if name in QUICK else pytest.mark.slow) for name in TASKS],
)
def test_other_device_gives_the_same_bytes(name, noisy, computed):
    iterations = CHECK_INTERVAL + 2
    settings = TASKS[name].replace(device="cpu", iterations=iterations, preview_every_s=1e9)
    random, image = np.random.default_rng(0), noisy[:16, :20].clip(0.1, 0.9)
    if len(settings.axes) == 3:
        rows = 4 if name == "along Z" else 16
        image = image[:rows] + random.normal(0, 0.05, (3, rows, 20))
    mask = random.random(image.shape) < 0.3 if settings.task.kind == "inpaint" else None

    here, _ = computed("cpu", image, settings, mask)
    other, fits = computed(OTHER, image, settings, mask)
    np.testing.assert_array_equal(other, here)
    assert copies["read", "loop"] == 2 * fits  # the checks after ten and twelve iterations
    assert copies["left", "loop"] == 2 * fits  # the latest average and the best
    assert not [place for what, place in copies if what == "came" and place in LOOP]


def test_copies_are_recorded():
    with OnBoth():
        here, other = torch.zeros(3), torch.ones(3).to(OTHER)
        copies.clear()
        assert type(here.copy_(other)) is torch.Tensor
        assert dict(copies) == {("left", ""): 1}
        assert other.copy_(here + 2) is other
        assert copies["came", ""] == 1
    assert here.tolist() == [1, 1, 1]
    assert other.here.tolist() == [3, 3, 3]


def test_devices_cannot_be_mixed():
    with OnBoth():
        other = torch.ones(3).to(OTHER)
        assert (other + torch.ones(())).device == torch.device(OTHER)
        with pytest.raises(RuntimeError, match="two devices"):
            other + torch.ones(3)
