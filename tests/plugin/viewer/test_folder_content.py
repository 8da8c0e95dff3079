"""A folder with an earlier result is resumed, moved aside or refused."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from napari.layers import Image

from napari_dip.errors import BadImage, FileProblem, OutputExists
from napari_dip.files.image_io import StoredImage, read_image, write_image
from napari_dip.files.resumable_output import OnDisk
from napari_dip.image.problem import make_problem
from napari_dip.optics.psf import gaussian_psf
from napari_dip.plugin.controllers.backups import back_up, folder_size, is_displayed
from napari_dip.plugin.controllers.channel import WorkerChannel
from napari_dip.plugin.controllers.worker import prepare_run
from napari_dip.plugin.models.folder_content import batch_request, inspect_folder, resume_request
from napari_dip.plugin.models.layer_input import match_settings, read_layer
from napari_dip.plugin.models.request_template import LayerReader, RequestTemplate
from napari_dip.plugin.models.run_request import ComputeOptions, RunRequest
from napari_dip.plugin.models.target import Target, proposed_path, reopen_result, stored_image
from napari_dip.settings import Deconvolve, Inpaint, Settings

QUICK = Settings(iterations=2, device="cpu", axes="ZYX")


@pytest.fixture
def cells():
    counts = np.random.default_rng(0).poisson(20, (2, 16, 16)).astype(np.uint16)
    return Image(counts, name="cells", axis_labels="zyx")


def asked_of(layer, path, **changes):
    source, settings = match_settings(read_layer(layer), QUICK.replace(**changes))
    return RunRequest(source, settings, Target(path), ComputeOptions())


@pytest.fixture
def unfinished(cells, tmp_path):
    """The output of a killed run."""
    asked = asked_of(cells, tmp_path / "a.ome.zarr", seed=7)
    problem = make_problem(asked.source.data, asked.settings, None, None)
    OnDisk(problem, stored_image(asked.source), asked.target.path).close()
    return asked.target.path


def test_an_unfinished_run_is_resumed_with_its_settings(cells, unfinished):
    asked = asked_of(cells, unfinished)
    found = inspect_folder(asked)
    assert found.resumable and found.same_image and found.changes == ("seed 7 (now 0)",)
    assert "different settings: seed 7 (now 0)" in found.describe()
    cells.axis_labels = ("-3", "-2", "-1")  # as after opening the file again
    again = resume_request(asked_of(cells, unfinished), found)
    assert again.settings.seed == 7 and again.source.axes == "ZYX" and again.target.resume
    work = prepare_run(again.source, again.settings, again.target, again.compute, WorkerChannel())
    with work as ready:
        assert ready.problem.settings.seed == 7


@pytest.mark.parametrize(
    ("differs", "says"),
    [
        ("name", "it was started on another image, 'cells'"),
        ("pixels", "the pixels of 'cells' or of its mask have changed"),
        ("shape", "another image, 'cells' (2 × 16 × 16, uint16)"),
        ("task", "started in the panel Denoise"),
        ("version", "started with torch 0.1. Version"),
        ("device", "started on the device cuda"),
        ("journal", "did not start it and cannot resume it"),
    ],
)
def test_why_a_run_cannot_be_resumed_is_said(cells, unfinished, differs, says):
    asked = asked_of(cells, unfinished)
    about = unfinished / ".napari-dip" / "run.json"
    said = json.loads(about.read_bytes())
    match differs:
        case "name":
            asked = asked_of(Image(cells.data + 1, name="others", axis_labels="zyx"), unfinished)
        case "pixels":
            asked = asked_of(Image(cells.data + 1, name="cells", axis_labels="zyx"), unfinished)
        case "shape":
            asked = asked_of(Image(cells.data[:1], name="c", axis_labels="zyx"), unfinished)
        case "task":
            asked = asked_of(cells, unfinished, task=Inpaint())
        case "version":
            said["record"]["versions"]["torch"] = "0.1"
        case "device":
            said["record"]["device"] = "cuda"
        case "journal":
            said["record"]["settings"] = {"flux": 1}
    about.write_text(json.dumps(said))
    found = inspect_folder(asked)
    assert not found.resumable
    assert says in found.describe()


def test_a_measured_blur_is_resumed_with_its_bead(cells, tmp_path):
    spot = gaussian_psf((3.0, 3.0)).values
    bead, other = (Image(spot**power, name="bead") for power in (1, 2))
    target, settings = Target(tmp_path / "a.ome.zarr"), QUICK.replace(task=Deconvolve())

    def asked(bead, settings=settings):
        template = RequestTemplate(LayerReader(bead=bead), settings, target, ComputeOptions())
        return template.for_layer(cells, read_mask=True)

    first = asked(bead)
    work = prepare_run(first.source, first.settings, target, first.compute, WorkerChannel())
    with work as ready:
        assert ready.problem.blur.source == "measured"
    found = inspect_folder(asked(bead))
    assert found.resumable and not found.changes
    assert "another bead; choose that one" in inspect_folder(asked(other)).describe()
    gaussian = settings.replace(task=Deconvolve(fwhm=3))
    assert "choose its bead" in inspect_folder(asked(None, gaussian)).describe()


def test_a_queue_resumes_only_the_very_same_run(cells, unfinished):
    name = unfinished.with_name("cells (denoised).ome.zarr")
    unfinished.rename(name)
    one = RequestTemplate(LayerReader(), QUICK.replace(seed=7), Target(name), ComputeOptions())
    assert batch_request(one, cells).target.resume
    with pytest.raises(OutputExists, match=r"seed 7 \(now 0\)"):
        batch_request(replace(one, settings=QUICK), cells)
    other = Image(cells.data + 1, name="cells", axis_labels="zyx")
    with pytest.raises(OutputExists, match="cannot be resumed"):
        batch_request(one, other)
    write_image(name, StoredImage(cells.data, "ZYX"), overwrite=True)
    with pytest.raises(OutputExists, match="holds a result already"):
        batch_request(one, cells)


def test_a_resumed_large_image_is_compared(cells, unfinished, monkeypatch):
    monkeypatch.setattr("napari_dip.plugin.models.folder_content.MAX_FINGERPRINT_VALUES", 0)
    asked = asked_of(Image(cells.data + 1, name="cells", axis_labels="zyx"), unfinished)
    found = inspect_folder(asked)
    assert found.resumable and found.same_image is None
    again = resume_request(asked, found)
    with (
        pytest.raises(BadImage, match="cannot be resumed: the pixels of 'cells'"),
        prepare_run(again.source, again.settings, again.target, again.compute, WorkerChannel()),
    ):
        pass


def test_a_result_is_moved_aside_with_its_layers(viewer, tmp_path):
    path, record = tmp_path / "a.ome.zarr", {"axes": "YX", "input": {}}
    spread = tmp_path / "a uncertainty.ome.zarr"
    for place, level in ((path, 5), (spread, 1)):
        write_image(place, StoredImage(np.full((16, 16), level, np.uint8), "YX"))
    layer = Image(np.zeros((16, 16)), metadata={"napari-dip": record})
    layer.data = reopen_result(layer, path)
    viewer.add_layer(layer)
    (tmp_path / "a.old-1.ome.zarr").mkdir()
    assert is_displayed(viewer, path) and "kB" in folder_size(path)
    assert back_up(viewer, path).name == "a.old-2.ome.zarr"
    assert not path.exists() and not spread.exists()
    assert (tmp_path / "a.old-2 uncertainty.ome.zarr").is_dir()
    assert (np.asarray(layer.data) == 5).all()


def test_a_foreign_layer_keeps_its_file(viewer, tmp_path):
    import dask.array as da

    path = tmp_path / "a.ome.zarr"
    write_image(path, StoredImage(np.zeros((16, 16), np.uint8), "YX"))
    viewer.add_layer(Image(da.from_zarr(str(path), component="0"), name="raw"))
    with pytest.raises(FileProblem, match="'raw' reads its pixels from"):
        back_up(viewer, path)
    assert path.exists()


def test_no_folder_is_proposed_inside_a_zarr(cells, tmp_path):
    write_image(tmp_path / "raw.zarr", StoredImage(cells.data, "ZYX"))
    source = replace(read_layer(cells), path=tmp_path / "raw.zarr" / "0")
    assert proposed_path(source, QUICK) == tmp_path / "cells (denoised).ome.zarr"
    assert read_image(tmp_path / "raw.zarr").axes == "ZYX"


def test_any_name_of_a_layer_gives_a_folder(open_panel):
    names = ["n" * 300, "é" * 200, "a\x00b\nc", "x/y:z"]
    layers = [Image(np.eye(16), name=name) for name in names]
    panel = open_panel("Denoise", *layers)
    panel["save_to"].setCurrentText("save as OME-Zarr …")
    for layer in layers:
        panel.widget.image.value = layer
        assert panel.widget._output.path.value.name.startswith(layer.name[0])
        assert panel.widget._output.path.value.name.endswith("(denoised).ome.zarr")
        assert panel["run"].isEnabled()


def test_a_name_that_no_folder_has_is_refused(open_panel, tmp_path):
    panel = open_panel("Denoise", Image(np.eye(16), name="cells"))
    panel["save_to"].setCurrentText("save as OME-Zarr …")
    for name in ("x" * 300, "a\x00b"):
        panel.widget._output.path.value = tmp_path / "good.ome.zarr"
        assert panel["run"].isEnabled()
        panel.widget._output.path.value = tmp_path / f"{name}.ome.zarr"
        assert "not a valid folder name" in panel["estimate"].text()
        assert not panel["run"].isEnabled()


def test_the_folder_follows_the_image(open_panel, cells, engine):
    panel = open_panel("Denoise", cells, Image(cells.data, name="others", axis_labels="zyx"))
    line, image = panel["path_path"], panel.widget.image
    panel["save_to"].setCurrentText("save as OME-Zarr …")

    def name():
        return line.text().replace("\\", "/").split("/")[-1]

    assert name() == "others (denoised).ome.zarr"
    image.value = cells
    assert name() == "cells (denoised).ome.zarr"
    line.setText("/tmp/mine.ome.zarr")
    image.value = panel.viewer.layers["others"]
    assert name() == "mine.ome.zarr"
    line.setText("")
    assert name() == "others (denoised).ome.zarr"
    cells.axis_labels = ("a", "b", "c")
    panel["noise"].setCurrentIndex(panel["noise"].count() - 1)
    image.value = cells
    assert name() == "cells (denoised).ome.zarr"
