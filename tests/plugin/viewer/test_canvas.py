"""The canvas shows planes of a stack that is restored in sections on disk."""

from __future__ import annotations

import itertools

import dask.array as da
import numpy as np
import pytest
from napari.layers import Image

from napari_dip.files.image_io import read_image
from napari_dip.files.resumable_output import OnDisk
from napari_dip.image import row_bands as bands
from napari_dip.image.problem import make_problem
from napari_dip.image.restore import run
from napari_dip.image.sink import InMemory
from napari_dip.image.unit import RestoredUnit
from napari_dip.image.unit_report import UnitReport
from napari_dip.plugin.models.canvas import SectionCanvas
from napari_dip.plugin.models.layer_input import match_settings, read_layer
from napari_dip.plugin.models.layer_output import preview_layer_data
from napari_dip.plugin.models.target import stored_image
from napari_dip.settings import Settings, SuperResolve

QUICK = Settings(
    task=SuperResolve(factor=2, axis="Z"), iterations=2, precision="float32", device="cpu", window=3
)
PLACED = {"scale": (2, 0.5, 0.5), "translate": (7, 1, -3), "units": "um", "axis_labels": "zyx"}


@pytest.fixture
def cells():
    stack = np.random.default_rng(0).poisson(20, (8, 10, 12)).astype(np.uint16)
    return Image(stack, name="cells", **PLACED)


@pytest.fixture
def movie():
    return np.random.default_rng(0).integers(0, 99, (2, 8, 10, 12)).astype(np.uint16)


def put(problem, output, whole, *units):
    """Fill units with their numbers, in the output and in the expected result."""
    for unit in units:
        whole[unit.index] = 1000 + unit.number
        report = UnitReport(index=(), reason="it is a test")
        output.put(unit, RestoredUnit(whole[unit.index].copy(), None, report))


@pytest.mark.parametrize(
    "index",
    [
        (),
        (0,),
        (1, 5),
        (-1, -3, slice(2, 7)),
        (0, slice(3, 12, 4), slice(None, None, -2)),
        (slice(None), slice(1, 2), 4, slice(3, 9)),
        (..., 7),
        (0, slice(5, 5)),
        (1, 15, 9, 11),
    ],
)
def test_any_part_is_what_an_array_would_give(movie, index):
    problem = make_problem(movie, QUICK.replace(axes="TZYX"), None, None)
    output = InMemory(problem)
    upright = SectionCanvas(problem, output)
    whole, units = problem.empty(()), problem.plan.units
    for done in (), units[:1], units[2:4]:
        put(problem, output, whole, *done)
        np.testing.assert_array_equal(upright[index], whole[index], strict=True)
    first, second = units[:2]
    before = whole.copy()
    whole[second.index] = np.arange(whole[second.index].size).reshape(whole[second.index].shape)
    upright[second.index] = whole[second.index].copy()
    kept = upright.copy()
    np.testing.assert_array_equal(upright[index], whole[index], strict=True)
    upright[first.index] = before[first.index]
    np.testing.assert_array_equal(kept[index], whole[index], strict=True)
    np.testing.assert_array_equal(upright[index], before[index], strict=True)


def test_only_new_rows_are_read_again(movie, monkeypatch):
    problem = make_problem(movie, QUICK.replace(axes="TZYX"), None, None)
    output, whole = InMemory(problem), problem.empty(())
    units = problem.plan.units
    upright = SectionCanvas(problem, output)
    put(problem, output, whole, *units[:2])
    read, restored = [], output.restored

    def counted(unit, index):
        found = restored(unit, index)
        read.extend([unit.number] if found is not None else [])
        return found

    monkeypatch.setattr(output, "restored", counted)
    for _ in range(2):
        np.testing.assert_array_equal(upright[0, 3], whole[0, 3])
    assert read == [0, 1]
    put(problem, output, whole, units[2])
    np.testing.assert_array_equal(upright[0, 3], whole[0, 3])
    assert read == [0, 1, 2]


def test_large_stacks_use_planes_and_bands(cells, tmp_path, monkeypatch):
    monkeypatch.setattr(bands, "MAX_BAND_BYTES", 4 * 8 * 12 * 2)
    read = []

    def noted(block, block_info=None):
        read.append(block_info[0]["chunk-location"][0])
        return block

    lazy = da.from_array(cells.data, chunks=(1, 10, 12))
    layer = Image(lazy.map_blocks(noted, dtype=np.uint16, meta=lazy._meta), name="cells", **PLACED)
    source, settings = match_settings(read_layer(layer), QUICK)
    problem = make_problem(source.data, settings, None, None)
    assert isinstance(problem.observed.image, bands.BandedArray)
    output = OnDisk(problem, stored_image(source), tmp_path / "out.ome.zarr")
    canvas, _, _ = preview_layer_data(source, problem, output)
    read.clear()
    assert not canvas[11].any()
    assert read == []
    steps = run(problem, output)
    for step in itertools.takewhile(lambda step: step.unit < 2, steps):
        assert step.units == 4
    rows = problem.plan.units[1].index[1].stop
    half = canvas[11]
    assert not half[rows:].any()
    assert half[:rows].any(axis=1).all()
    for _ in steps:
        pass
    whole = read_image(tmp_path / "out.ome.zarr").image
    again = OnDisk(problem, stored_image(source), tmp_path / "out.ome.zarr", resume=True)
    for late in canvas, preview_layer_data(source, problem, again)[0]:  # the sections are gone
        np.testing.assert_array_equal(late[:], whole[:])
    np.testing.assert_array_equal(whole[11, :rows], half[:rows])


def asked(panel, path):
    panel["axis"].setCurrentText("Z")
    panel["iterations"].setValue(2)
    panel["device"].setCurrentText("processor (cpu)")
    panel["save_to"].setCurrentText("save as OME-Zarr …")
    panel.widget._output.path.value = path
    return panel


def test_the_result_is_on_disk_in_place(open_panel, cells, tmp_path):
    path = tmp_path / "out.ome.zarr"
    panel = asked(open_panel("Super-resolution", cells), path)
    panel.press("run")
    panel.wait_until_idle()
    output = panel.viewer.layers[-1]
    assert isinstance(output.data, da.Array)
    assert output.data.shape == (16, 10, 12)
    stored = read_image(path)
    np.testing.assert_array_equal(stored.image[:], output.data)
    assert stored.pixel_size == {"Z": 1, "Y": 0.5, "X": 0.5}
    assert stored.translate == {"Z": 6.5, "Y": 1, "X": -3}
    np.testing.assert_allclose(output.scale, (1, 0.5, 0.5))
    np.testing.assert_allclose(output.translate, (6.5, 1, -3))


def test_sections_before_a_stop_stay_visible(open_panel, cells, tmp_path, qtbot):
    path = tmp_path / "out.ome.zarr"
    panel = asked(open_panel("Super-resolution", cells), path)
    panel["iterations"].setValue(5000)
    panel.press("run")
    qtbot.waitUntil(lambda: len(panel.viewer.layers) == 2)
    panel.press("stop")
    panel.wait_until_idle()
    output = panel.viewer.layers[-1]
    assert panel.said.startswith("Stopped")
    assert "empty until all sections are restored" in panel.said
    assert isinstance(output.data, SectionCanvas)
    assert not read_image(path).image[:].any()
    assert "rows 4–5, 6–7 and 8–10 are empty" in panel.said or "rows 4–10 are empty" in panel.said
    assert not output.data[3, -1].any()
    assert output.data[3, 0].any()
