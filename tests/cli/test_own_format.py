"""A file format outside the package is found by its entry point, read, and written."""

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from napari_dip.cli.app import app
from napari_dip.errors import FileProblem
from napari_dip.files import formats
from napari_dip.files.image_io import StoredImage, read_image, read_provenance, write_image

MODULE = Path(__file__).parents[2] / "docs/examples/xyz_format.py"
QUICK = ("--iterations", "2", "--device", "cpu", "--refinement", "0")


@pytest.fixture
def xyz(installed, tmp_path, monkeypatch):
    """A small image in the made-up format."""
    monkeypatch.setattr(formats, "_FORMATS", [*formats._FORMATS])
    installed("xyz_format")
    image = np.random.default_rng(0).normal(5, 1, (16, 18)).astype(np.float32)
    stored = StoredImage(image, "YX", {"Y": 0.5, "X": 0.5}, {"Y": "µm", "X": "µm"})
    write_image(tmp_path / "in.xyz", stored)
    return tmp_path / "in.xyz"


def denoise(source, output):
    return CliRunner().invoke(app, ["denoise", str(source), str(output), *QUICK])


def test_own_format_takes_few_lines():
    assert len(MODULE.read_text(encoding="utf-8").splitlines()) < 60


def test_shell_reads_and_writes_own_format(xyz):
    output = xyz.with_name("out.xyz")
    done = denoise(xyz, output)
    assert done.exit_code == 0, done.output
    assert output.read_bytes().startswith(b"XYZ ")
    before, after = read_image(xyz), read_image(output)
    assert (after.axes, after.pixel_size, after.unit) == ("YX", before.pixel_size, before.unit)
    assert after.image.shape == before.image.shape
    assert not np.array_equal(after.image, before.image)
    assert read_provenance(output)["settings"]["iterations"] == 2


def test_own_format_converts_to_others(xyz):
    output = xyz.with_name("out.tif")
    assert denoise(xyz, output).exit_code == 0
    assert read_image(output).pixel_size == pytest.approx({"Y": 0.5, "X": 0.5})


def test_own_refusal_comes_before_the_work(xyz):
    source = xyz.with_name("whole.tif")
    write_image(source, StoredImage(np.zeros((8, 8), np.uint16), "YX"))
    refused = denoise(source, xyz.with_name("out.xyz"))
    assert refused.exit_code == 2
    assert "cannot hold uint16; pass --dtype float32" in refused.output


def test_dropped_metadata_are_named(xyz):
    source = xyz.with_name("moved.ome.zarr")
    write_image(source, StoredImage(np.eye(16, dtype=np.float32), "YX", translate={"X": 3.0}))
    done = denoise(source, xyz.with_name("out.xyz"))
    assert "Not kept, since the format cannot hold it: position of the first pixel" in done.output


def test_series_of_a_single_image_is_refused(xyz):
    with pytest.raises(FileProblem, match="holds one image; leave out series=1"):
        read_image(xyz, series=1)
