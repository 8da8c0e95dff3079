"""How much memory a fit takes is known beforehand."""

import json
import subprocess
import sys

import pytest

from napari_dip.errors import BadSettings
from napari_dip.image.axes import Layout
from napari_dip.image.memory import choose_tile, peak_bytes
from napari_dip.settings import Settings, SuperResolve

MEASURE = """
import json, sys, threading, psutil, numpy as np
import torch
from napari_dip.pipeline.block import Block
from napari_dip.pipeline.restore_block import restore_block
from napari_dip.noise.poisson_gaussian import PoissonGaussian
from napari_dip.settings import Settings
channels, side, precision = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
values = np.random.default_rng(0).random((channels, side, side)).astype(np.float32)
noises = (PoissonGaussian(read=0.1),) * channels
block = Block(values, np.ones(values.shape, bool), noises, shared="Z" * (channels > 1))
settings = Settings(iterations=3, precision=precision, device="cpu")
process, done = psutil.Process(), threading.Event()
before = most = process.memory_info().rss
def watch():
    global most
    while not done.wait(0.005):
        most = max(most, process.memory_info().rss)
watcher = threading.Thread(target=watch)
watcher.start()
for _ in restore_block(block, settings, "cpu", seed=0):
    pass
done.set()
watcher.join()
print(json.dumps(most - before))
"""


@pytest.mark.parametrize(
    ("channels", "side", "precision"),
    [(4, 144, "float32"), pytest.param(1, 256, "bfloat16", marks=pytest.mark.slow)],
)
def test_the_memory_table_bounds_a_fit_closely(channels, side, precision):
    command = [sys.executable, "-c", MEASURE, str(channels), str(side), precision]
    taken = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    said = peak_bytes(Settings(), channels, (side, side), precision)
    assert taken < said < 4 * taken


def test_the_memory_plan_includes_registration():
    of_time, of_colour = (
        choose_tile(
            Settings(memory="4GB"), Layout(f"{axis}YX", (10, 2000, 2000), shared=axis), 10, "cpu"
        )
        for axis in "TC"
    )
    assert of_time < of_colour < 1.3 * of_time


def test_what_fits_is_not_cut():
    layout = Layout("YX", (300, 400))
    assert choose_tile(Settings(memory="64GB"), layout, 1, "cpu") is None


def test_a_budget_is_kept_by_smaller_tiles():
    layout = Layout("YX", (4000, 3000))
    sides = [
        choose_tile(Settings(memory=f"{gigabytes}GB", precision="float32"), layout, 1, "cpu")
        for gigabytes in (4, 8)
    ]
    assert 96 <= sides[0] < sides[1] < 3000
    need = peak_bytes(Settings(), 1, (sides[0], sides[0]), "float32")
    assert need < 4e9


@pytest.mark.parametrize(
    ("changed", "cure"),
    [
        ({"memory": "10MB"}, "give more, or restore a part"),
        (
            {"memory": "10MB", "window": 4},
            r"give more, or restore fewer planes together \(window\)",
        ),
        ({"task": SuperResolve(factor=8)}, "more; choose a smaller factor, or restore a part"),
    ],
)
def test_too_little_memory_is_told_before_any_work(changed, cure):
    given = "memory='10MB' leaves 0 MB" if "memory" in changed else "the free memory leaves"
    with pytest.raises(BadSettings, match=rf"{given}.*{cure}"):
        choose_tile(Settings(**changed), Layout("YX", (100_000, 100_000)), 1, "cpu")


@pytest.mark.parametrize("memory", ["4", "GB", "-1GB", "4 PB"])
def test_an_amount_without_sense_is_refused(memory):
    with pytest.raises(BadSettings, match="such as '4GB'"):
        Settings(memory=memory)


def test_units_of_memory():
    asked = [Settings(memory=text).memory_bytes for text in ("1.5GB", "2GiB", "300 mb")]
    assert asked == [1_500_000_000, 2 * 2**30, 300_000_000]
