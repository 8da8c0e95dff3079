"""A result grows in an OME-Zarr, which replaces neither the input nor an earlier result unasked."""

from __future__ import annotations

from pathlib import Path

import dask.array as da
import numpy as np
import pytest
from example_results import ready
from napari.layers import Image, Labels
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QApplication

from napari_dip.errors import FileProblem
from napari_dip.files.image_io import StoredImage, read_image, read_provenance, write_image
from napari_dip.files.resumable_output import OnDisk
from napari_dip.generators import finished
from napari_dip.image.problem import make_problem
from napari_dip.image.restore import run
from napari_dip.plugin.controllers.channel import WorkerChannel
from napari_dip.plugin.controllers.worker import prepare_run
from napari_dip.plugin.models.layer_input import match_settings, read_layer
from napari_dip.plugin.models.layer_output import preview_layer_data
from napari_dip.plugin.models.mask_layers import Mask
from napari_dip.plugin.models.run_request import ComputeOptions
from napari_dip.plugin.models.target import Target, stored_image
from napari_dip.settings import Settings

QUICK = Settings(iterations=2, device="cpu")


def begun_run(cells, path, units=1):
    """Write the output of a killed run: some units and no end."""
    source = read_layer(cells)
    problem = make_problem(source.data, QUICK.replace(axes=source.axes), None, None)
    output = OnDisk(problem, stored_image(source), path)
    steps = run(problem, output)
    while next(steps).unit < units:
        pass
    steps.close()
    output.close()
    return len(problem.plan.units)


def answer(what, said, *, keep=None):
    """Press a button of the next dialog, and keep the content or not."""

    def press():
        box = QApplication.activeModalWidget()
        if box is None:
            QTimer.singleShot(50, press)
            return
        said.append(f"{box.text()} {box.informativeText()}")
        if keep is not None:
            box.checkBox().setChecked(keep)
        named = [button for button in box.buttons() if what in button.text()]
        (named or box.buttons())[0].click()

    QTimer.singleShot(50, press)


def test_the_result_grows_on_the_disk(open_panel, cells, tmp_path):
    path = tmp_path / "out.ome.zarr"
    panel = ready(open_panel("Denoise", cells), path)
    panel["preset"].setCurrentText("best")  # which has a spread
    panel.press("run")
    panel.wait_until_idle()
    _, spread, output = panel.viewer.layers
    assert isinstance(output.data, da.Array)
    assert output.name == "cells (denoised)"
    assert "out.ome.zarr" in panel.said
    stored = read_image(path)
    np.testing.assert_array_equal(stored.image[:], output.data)
    np.testing.assert_array_equal(
        read_image(tmp_path / "out uncertainty.ome.zarr").image[:], spread.data
    )
    assert stored.axes == "ZYX"
    assert stored.pixel_size == {"Z": 2, "Y": 0.5, "X": 0.5}
    assert stored.translate == {"Z": 7, "Y": 1, "X": -3}
    assert set(stored.unit.values()) == {"µm"}
    assert read_provenance(path)["settings"]["preset"] == "best"
    np.testing.assert_allclose(output.scale, cells.scale)


@pytest.mark.parametrize(
    ("place", "lost"),
    [
        ({"scale": (2, 0.5), "translate": (1, 2)}, ""),
        ({"rotate": 20}, "rotation"),
        ({"shear": [0.2]}, "shear"),
        ({"shear": np.array([[1, 0], [0.4, 1]])}, "shear"),
        ({"affine": np.diag((1, 2, 1))}, "affine transform"),
        ({"rotate": 20, "scale": (1, -1)}, "rotation, mirroring"),
    ],
)
def test_need_of_a_new_ome_zarr_is_reported(cells, place, lost):
    source = read_layer(Image(cells.data[0], **place))
    assert Target().placement_note(source) == ""
    words = Target(Path("out.ome.zarr")).placement_note(source)
    assert words.startswith(f"OME-Zarr 0.6 holds the {lost} of the layer:" if lost else "")
    assert bool(words) == bool(lost)


def test_a_rotated_layer_is_reported_twice(open_panel, cells, tmp_path, qtbot):
    cells.rotate = (0, 0, 20)
    panel = ready(open_panel("Denoise", cells), tmp_path / "out.ome.zarr")
    qtbot.waitUntil(lambda: "rotation of the layer" in panel["estimate"].text())
    panel.press("run")
    panel.wait_until_idle()
    assert "rotation of the layer" in panel.said
    np.testing.assert_allclose(panel.viewer.layers[-1].rotate, cells.rotate)


def test_colours_come_back_in_their_order(tmp_path):
    colours = np.random.default_rng(0).integers(0, 255, (24, 28, 3), np.uint8)
    source, asked = match_settings(read_layer(Image(colours, rgb=True)), QUICK)
    target = Target(tmp_path / "a.ome.zarr")
    here, there = (
        prepare_run(source, asked, one, ComputeOptions(), WorkerChannel())
        for one in (Target(), target)
    )
    with here as one, there as other:
        in_memory, on_disk = finished(one.steps), target.displayable(finished(other.steps), None)
        canvas, _, _ = preview_layer_data(source, other.problem, other.output)
    np.testing.assert_array_equal(canvas[:], in_memory.image)
    np.testing.assert_array_equal(on_disk.image, in_memory.image)
    assert read_image(target.path).axes == "YXS"


def test_the_user_decides_about_resuming(open_panel, cells, tmp_path):
    path, said = tmp_path / "out.ome.zarr", []
    units = begun_run(cells, path)
    first = min((path / ".napari-dip" / "units").iterdir())
    written = first.stat().st_mtime_ns
    panel = ready(open_panel("Denoise", cells), path)

    def press(button):
        answer(button, said)
        panel.press("run")
        panel.wait_until_idle()

    press("Cancel")
    assert panel.said == ""
    panel["seed"].setValue(5)
    press("Resume")
    assert "different settings: seed 0 (now 5)." in said[-1]
    assert panel["seed"].value() == 0
    assert panel.said.startswith("Done") and "settings that it was started with" in panel.said
    assert first.stat().st_mtime_ns == written
    assert len([*first.parent.iterdir()]) == units
    press("Start over")  # the layer of the earlier result shows its backup
    kept = tmp_path / "out.old-1.ome.zarr"
    assert kept.name in panel.said
    assert (kept / first.relative_to(path)).stat().st_mtime_ns == written
    before, _ = panel.viewer.layers[-2:]
    np.testing.assert_array_equal(before.data, read_image(kept).image[:])


def test_the_earlier_result_stays_while_another_grows(open_panel, cells, tmp_path, qtbot):
    path, said = tmp_path / "out.ome.zarr", []
    panel = ready(open_panel("Denoise", cells), path)
    panel["iterations"].setValue(2)
    panel.press("run")
    panel.wait_until_idle()
    before = np.array(read_image(path).image[:])
    panel.viewer.layers.pop()
    panel["iterations"].setValue(5000)

    def start_over():
        answer("Start over", said, keep=False)
        panel.press("run")
        qtbot.waitUntil(lambda: len(panel.viewer.layers) == 2)
        panel.press("stop")
        panel.wait_until_idle()

    start_over()
    assert "the content is deleted when the new run is complete" in said[-1]
    assert "Saved beside out.ome.zarr, which still holds the earlier result" in panel.said
    np.testing.assert_array_equal(read_image(path).image[:], before)
    panel.viewer.layers.pop()
    start_over()
    assert "The earlier result that it would have replaced is still there." in said[-1]
    assert "the unfinished run is deleted at once, unless you keep it" in said[-1]
    np.testing.assert_array_equal(read_image(path).image[:], before)


def test_a_discarded_run_keeps_units_on_disk(open_panel, cells, tmp_path):
    path = tmp_path / "out.ome.zarr"
    begun_run(cells, path)
    panel = ready(open_panel("Denoise", cells), path)
    answer("Resume", [])
    panel.press("run")
    panel.press("discard")
    panel.wait_until_idle()
    assert panel.said.startswith("Discarded.")
    assert path.is_dir()


def test_the_input_is_never_the_target(open_panel, tmp_path):
    path = tmp_path / "in.ome.zarr"
    da.zeros((2, 16, 16), chunks=(1, 16, 16)).to_zarr(str(path))
    panel = ready(open_panel("Denoise", Image(da.from_zarr(str(path)))), path)
    assert "is the input itself" in panel["estimate"].text()
    assert not panel["run"].isEnabled()


def test_only_relevant_output_controls_are_shown(open_panel, cells, tmp_path):
    panel = open_panel("Denoise", cells)
    for choice, controls in (
        ("this process", set()),
        ("several processes", {"workers"}),
        ("a dask scheduler", {"address"}),
    ):
        panel["machines"].setCurrentText(choice)
        assert {n for n in ("workers", "address") if not panel[n].isHidden()} == controls
    assert "address of the scheduler" in panel["estimate"].text()
    panel["machines"].setCurrentText("this process")
    for name, says in (("out.tif", "end the name in"), ("no/out.ome.zarr", "does not exist")):
        ready(panel, tmp_path / name)
        assert says in panel["estimate"].text()
        assert not panel["run"].isEnabled()


@pytest.mark.parametrize("dtype", ["uint16", "float32"])
def test_a_stopped_stack_says_which_planes_are_empty(open_panel, cells, qtbot, dtype):
    layer = Image(cells.data.astype(dtype), name="cells", axis_labels="cyx")
    limits = layer.contrast_limits
    panel = ready(open_panel("Denoise", layer))
    panel["iterations"].setValue(5000)
    panel["stopping"].setCurrentText("after all iterations")
    panel.press("run")
    qtbot.waitUntil(lambda: len(panel.viewer.layers) == 2)
    output = panel.viewer.layers[-1]
    fill = np.nan if dtype == "float32" else 0
    np.testing.assert_array_equal(output.data[2], np.full((24, 28), fill))
    qtbot.waitUntil(lambda: "channel 1 of 3" in panel["stage"].text())
    qtbot.waitUntil(lambda: "iteration" in panel.said)
    panel.press("stop")
    panel.wait_until_idle()
    assert "channel 1 stopped after " in panel.said
    assert "channels 2–3 are empty" in panel.said or "channel 3 is empty" in panel.said
    np.testing.assert_array_equal(output.data[2], np.full((24, 28), fill))
    assert {"C": 2} in output.metadata["napari-dip"]["planes"]["empty"]
    assert output.contrast_limits == limits
    panel["strength"].setValue(50)  # the image is not blended in
    np.testing.assert_array_equal(output.data[2], np.full((24, 28), fill))


def test_a_panel_never_writes_over_image_or_mask(open_panel, cells, tmp_path):
    mask = np.zeros(cells.data.shape[-2:], np.uint8)
    mask[2:5] = 1
    write_image(tmp_path / "m.ome.zarr", StoredImage(mask, "YX"))
    painted = Labels(da.from_zarr(str(tmp_path / "m.ome.zarr" / "0")))
    source = read_layer(cells, Mask(painted))
    for name in ("m.ome.zarr", "m.ome.zarr/0/a.ome.zarr"):
        with pytest.raises(FileProblem, match="choose another name"):
            Target(tmp_path / name).check(source, Settings())
