"""The batch of files: images of a folder are restored without opening them."""

from __future__ import annotations

import time

import numpy as np
import pytest
import tifffile
from napari.layers import Image, Labels
from qtpy.QtCore import Qt

from napari_dip import restore_folder
from napari_dip.files import file_run
from napari_dip.files.image_io import StoredImage, read_image, read_provenance, write_image
from napari_dip.plugin.controllers import file_batch


@pytest.fixture
def raw(tmp_path):
    """A folder with three images."""
    folder = tmp_path / "raw"
    folder.mkdir()
    for number, name in enumerate(("a.tif", "b.tif", "c.tif")):
        pixels = np.random.default_rng(number).poisson(20, (24, 28)).astype(np.uint16)
        tifffile.imwrite(folder / name, pixels)
    return folder


@pytest.fixture
def open_files(open_panel, qtbot):
    """Open a panel, and choose a folder or files of its batch."""

    def open_one(task, *paths, layers=()):
        panel = open_panel(task, *layers)
        panel.unfold("queueing")
        panel["batch_of"].setCurrentText("files or a folder")
        panel["iterations"].setValue(2)
        panel["device"].setCurrentText("processor (cpu)")
        panel.files = panel.widget.controller.files
        if paths:
            panel.widget._batch.files.choose(*paths)
        return panel

    yield open_one
    for one in [*file_batch.running_batches]:
        one.stop()
    qtbot.waitUntil(lambda: not file_batch.running_batches)


def states(panel):
    table = panel["files"]
    return {table.item(row, 0).text(): table.item(row, 1).text() for row in range(table.rowCount())}


def run(panel, qtbot):
    panel.press("files_run")
    qtbot.waitUntil(lambda: not panel.files.running)
    return states(panel)


def test_a_folder_is_restored_as_the_shell_does(open_files, raw, qtbot):
    good = (raw / "b.tif").read_bytes()
    (raw / "b.tif").write_bytes(good[:100])
    panel, out = open_files("Denoise", raw), raw.with_name("raw (denoised)")
    assert states(panel) == dict.fromkeys(("a.tif", "b.tif", "c.tif"), "waiting")
    assert panel["results"].text() == str(out)
    panel["seed"].setValue(5)
    assert run(panel, qtbot) == {"a.tif": "done", "b.tif": "failed", "c.tif": "done"}
    assert panel.said.startswith(
        "3 images: 2 done, 1 failed. Run all goes on with the others. b.tif"
    )
    assert panel["file_details"].text() == panel.said
    panel["files"].selectRow(1)
    assert panel["file_details"].text().startswith("b.tif is damaged")
    (raw / "b.tif").write_bytes(good)
    assert run(panel, qtbot) == {"a.tif": "done before", "b.tif": "done", "c.tif": "done before"}
    settings = panel.widget.settings()
    again = restore_folder(raw, out, settings)
    assert [one.status for one in again] == ["skipped"] * 3
    [*restore_folder(raw, raw.with_name("shell"), settings)]
    for name in ("a.ome.tif", "b.ome.tif", "c.ome.tif"):
        shell = raw.with_name("shell") / name
        np.testing.assert_array_equal(read_image(out / name).image, read_image(shell).image)
        mine, theirs = read_provenance(out / name), read_provenance(shell)
        assert mine.keys() == theirs.keys()
        assert {mine[key] == theirs[key] for key in ("settings", "input", "steps")} == {True}
    assert len(panel.viewer.layers) == 0


def test_other_settings_are_replaced_when_told_so(open_files, raw, qtbot):
    panel = open_files("Denoise", raw / "a.tif", raw / "c.tif")
    assert panel["images"].text() == f"2 files in {raw}"
    assert not panel["pattern"].isEnabled()
    assert run(panel, qtbot) == {"a.tif": "done", "c.tif": "done"}
    panel["seed"].setValue(5)
    assert run(panel, qtbot) == {"a.tif": "failed", "c.tif": "failed"}
    assert "check Replace older results" in panel.said
    panel["files_overwrite"].setChecked(True)
    assert run(panel, qtbot) == {"a.tif": "done", "c.tif": "done"}
    assert panel.said == "2 images: 2 done."


@pytest.fixture
def endless(monkeypatch):
    """Let an image take until the test stops it."""
    steps = file_run.FileRun.steps

    def forever(run, stop_requested, report):
        while not stop_requested():
            report("fit", 0.5)
            time.sleep(0.01)
        return steps(run, stop_requested, report)

    monkeypatch.setattr(file_run.FileRun, "steps", forever)
    return monkeypatch


def test_stop_leaves_no_part_and_resumes(open_files, raw, qtbot, endless):
    panel = open_files("Denoise", raw, layers=[Image(np.ones((32, 32)), name="cells")])
    panel.press("files_run")
    qtbot.waitUntil(lambda: states(panel)["a.tif"] == "running 51 %")
    assert panel["stage"].text().startswith("Fitting · 1 of 3: a.tif")
    assert [panel[name].isEnabled() for name in ("run", "files_run", "images", "stop")] == [
        *[False] * 3,
        True,
    ]
    panel.widget.controller.run()
    assert panel.said.startswith("Another run is in progress")
    panel.press("pause")
    assert panel.said.startswith("Paused: ")
    panel.press("resume")
    panel.press("files_stop")
    assert not panel["pause"].isEnabled()
    qtbot.waitUntil(lambda: not panel.files.running)
    assert states(panel) == {"a.tif": "stopped", "b.tif": "waiting", "c.tif": "waiting"}
    assert [*raw.with_name("raw (denoised)").iterdir()] == []
    assert panel["run"].isEnabled() and panel["files_run"].isEnabled()
    endless.undo()
    assert {*run(panel, qtbot).values()} == {"done"}


def test_closing_the_panel_stops_the_files(open_files, raw, qtbot, endless):
    panel = open_files("Denoise", raw)
    panel.press("files_run")
    qtbot.waitUntil(lambda: states(panel)["a.tif"].startswith("running"))
    panel.viewer.window.remove_dock_widget(panel.dock)
    qtbot.waitUntil(lambda: not file_batch.running_batches)


def test_an_unexpected_error_does_not_stop_others(open_files, raw, qtbot, monkeypatch):
    open_run = file_run.open_run

    def fail_once(source, *arguments, **options):
        if source.name == "b.tif":
            raise RuntimeError("by chance")
        return open_run(source, *arguments, **options)

    monkeypatch.setattr(file_run, "open_run", fail_once)
    panel = open_files("Denoise", raw)
    assert run(panel, qtbot) == {"a.tif": "done", "b.tif": "failed", "c.tif": "done"}
    assert "b.tif: unexpected error (RuntimeError: by chance)" in panel.said


def test_invalid_choices_are_told_before_a_run(open_files, raw, qtbot):
    panel = open_files("Denoise", raw)
    for field, text, says in (
        ("pattern", "*.png", "*.png: no image in"),
        ("pattern", "[ab].tif", "2 images."),
        ("results", str(raw), "is the input itself"),
        ("results", str(raw / "absent" / "x"), "lies inside"),
        ("images", str(raw / "absent"), "is no folder"),
        ("images", "", ""),
    ):
        panel[field].setText(text)
        panel[field].editingFinished.emit()
        assert says in panel["file_details"].text(), text
        assert panel["files_run"].isEnabled() == says.endswith("images.")
    panel["results"].setText("")
    panel.widget._batch.files.choose(raw)
    panel["uncertainty"].setChecked(True)
    panel.press("files_run")
    assert "uncheck Uncertainty" in panel.said and not panel.files.running


def test_a_mask_file_is_used_for_files(open_files, raw, qtbot):
    mask = np.zeros((24, 28), np.uint8)
    mask[5:9, 5:9] = 1
    tifffile.imwrite(raw.parent / "mask.tif", mask)
    layers = [Image(np.ones((24, 28))), Labels(np.zeros((24, 28), int))]
    panel = open_files("Inpaint", raw / "a.tif", layers=layers)
    panel.press("files_run")
    assert panel.said.startswith("Choose the file of a mask")
    panel["mask_file"].setText(str(raw.parent / "mask.tif"))
    assert run(panel, qtbot) == {"a.tif": "done"}
    result = read_image(raw.with_name("raw (inpainted)") / "a.ome.tif").whole()
    assert ((result != tifffile.imread(raw / "a.tif")) <= mask).all()


def test_a_bead_must_be_in_a_file(open_files, raw, qtbot):
    panel = open_files("Deconvolve", raw)
    panel["psf_source"].setCurrentText("measured (bead)")
    panel.press("files_run")
    assert panel.said.startswith("Open one of the images first")
    for name, size in (("bead", 9), ("cells", 24)):
        panel.viewer.add_layer(Image(np.eye(size), name=name))
    panel["image"].setCurrentText("cells")
    panel["bead"].setCurrentText("bead")
    panel.press("files_run")
    assert panel.said.startswith("The bead 'bead' is in no file")


def test_an_unfinished_zarr_is_resumed(open_files, raw, qtbot, monkeypatch):
    write_image(
        raw / "d.ome.zarr", StoredImage(np.random.default_rng(0).poisson(20, (2, 24, 28)), "ZYX")
    )
    panel = open_files("Denoise", raw / "d.ome.zarr")
    assert panel["results"].text() == str(raw.with_name("raw (denoised)"))
    calls = []
    open_run = file_run.open_run

    def watch(*arguments, **options):
        calls.append(options["resume"])
        found = open_run(*arguments, **options)
        if len(calls) == 1:
            panel.files._channel.stopping.set()
        return found

    monkeypatch.setattr(file_run, "open_run", watch)
    assert run(panel, qtbot) == {"d.ome.zarr": "stopped"}
    assert run(panel, qtbot) == {"d.ome.zarr": "done"}
    assert calls == [False, True]
    assert run(panel, qtbot) == {"d.ome.zarr": "done before"}


def test_the_list_is_used_with_the_keyboard(open_files, raw, qtbot):
    panel = open_files("Denoise", raw)
    table = panel["files"]
    table.setFocus()
    qtbot.keyClick(table, Qt.Key.Key_Down)
    assert panel["file_details"].text().startswith("a.tif: waiting. Its result: a.ome.tif")
    qtbot.keyClick(table, Qt.Key.Key_Tab)
    assert not table.hasFocus()
