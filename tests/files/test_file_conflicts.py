"""Test that a run never overwrites its inputs, under any name and with --overwrite."""

from __future__ import annotations

import os
import shutil

import dask.array as da
import numpy as np
import pytest
import tifffile
import xarray as xr
import zarr
from typer.testing import CliRunner

from napari_dip.cli.app import app
from napari_dip.errors import FileProblem
from napari_dip.files.file_conflicts import files_behind, refuse_conflicts
from napari_dip.files.image_io import StoredImage, read_image, write_image
from napari_dip.settings import Settings

QUICK = ("--overwrite", "--iterations", "1", "--device", "cpu", "--stopping", "fixed")


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """Return a folder with one input of each kind."""
    folder = tmp_path_factory.mktemp("original")
    image = np.random.default_rng(0).poisson(20, (2, 16, 16)).astype(np.uint16)
    mask = np.zeros((16, 16), np.uint8)
    mask[4:6] = 1
    write_image(folder / "movie.ome.zarr", StoredImage(image, "TYX"))
    write_image(folder / "in.tif", StoredImage(image, "TYX"))
    write_image(folder / "mask.tif", StoredImage(mask, "YX"))
    write_image(folder / "mask.zarr", StoredImage(mask, "YX"))
    for number, frame in enumerate(image):
        write_image(folder / f"frames_t{number}.tif", StoredImage(frame, "YX"))
    outer = zarr.create_group(folder / "outer.zarr")
    outer.create_array("inner.zarr", data=image, dimension_names=("t", "y", "x"))
    zarr.create_group(folder / "other.zarr")
    (folder / "settings.json").write_text(Settings(iterations=1).to_json())
    (folder / "sub").mkdir()
    tifffile.imwrite(folder / "part.ome.tif", image[1], metadata={"axes": "YX"})
    tifffile.imwrite(folder / "whole.ome.tif", image[0], metadata={"axes": "YX"})
    with tifffile.TiffFile(folder / "whole.ome.tif", mode="r+") as tif:
        named = tif.ome_metadata.replace(
            '<TiffData IFD="0" PlaneCount="1"/>',
            '<TiffData IFD="0" PlaneCount="1"><UUID FileName="part.ome.tif">x</UUID></TiffData>',
        )
        assert "part.ome.tif" in named
        tif.pages[0].tags["ImageDescription"].overwrite(named)
    return folder


@pytest.fixture
def folder(original, tmp_path, monkeypatch):
    copy = tmp_path / "work"
    shutil.copytree(original, copy)
    os.link(copy / "in.tif", copy / "hard.tif")
    os.symlink(copy / "in.tif", copy / "soft.tif")
    os.symlink(copy, copy / "sub" / "up")
    os.symlink(copy / "settings.json", copy / "settings.tif")
    monkeypatch.chdir(copy)
    return copy


def contents(folder):
    return {
        file.relative_to(folder): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file() and "up" not in file.parts
    }


@pytest.mark.parametrize(
    "arguments",
    [
        "denoise movie.ome.zarr movie.ome.zarr",
        "denoise movie.ome.zarr/0 movie.ome.zarr",
        "denoise movie.ome.zarr movie.ome.zarr/",
        "denoise movie.ome.zarr sub/../movie.ome.zarr",
        "denoise movie.ome.zarr sub/up/movie.ome.zarr",
        "denoise movie.ome.zarr movie.ome.zarr/derived.zarr",
        "denoise movie.ome.zarr movie.ome.zarr/0",
        "denoise movie.ome.zarr movie.ome.zarr/file.tif",
        "denoise movie.ome.zarr/0 movie.ome.zarr/file.tif",
        "denoise outer.zarr/inner.zarr outer.zarr",
        "denoise outer.zarr/inner.zarr outer.zarr/other.zarr",
        "denoise in.tif other.zarr/new.zarr",
        "denoise in.tif ./in.tif",
        "denoise in.tif hard.tif",
        "denoise in.tif soft.tif",
        "denoise soft.tif in.tif",
        "denoise in.tif sub/up/in.tif",
        "denoise whole.ome.tif part.ome.tif",
        "denoise frames_t*.tif frames_t1.tif",
        "denoise sub/up/frames_t*.tif frames_t1.tif",
        "denoise in.tif out.tif --uncertainty in.tif --members 2",
        "denoise in.tif out.tif --uncertainty out.tif --members 2",
        "denoise in.tif out.zarr --uncertainty out.zarr/u.zarr --members 2",
        "denoise in.tif out.zarr/o.zarr --uncertainty out.zarr --members 2",
        "denoise in.tif settings.tif --settings settings.json",
        "inpaint in.tif mask.tif mask.tif",
        "inpaint in.tif mask.tif out.tif --uncertainty mask.tif --members 2",
        "inpaint in.tif mask.zarr mask.zarr",
        "inpaint in.tif mask.zarr/0 mask.zarr",
    ],
)
def test_run_never_overwrites_its_inputs(folder, arguments):
    before = contents(folder)
    result = CliRunner().invoke(app, [*arguments.split(), *QUICK])
    assert result.exit_code == 2, result.output
    assert "choose" in result.stderr or "another name" in result.stderr
    assert "Traceback" not in result.output
    assert contents(folder) == before


def test_hidden_siblings_count_as_outputs(folder):
    shutil.move(folder / "movie.ome.zarr", folder / ".out.zarr.napari-dip-old")
    result = CliRunner().invoke(app, ["denoise", ".out.zarr.napari-dip-old", "out.zarr", *QUICK])
    assert result.exit_code == 2
    assert "is first written as" in result.stderr


def test_output_beside_the_input_is_allowed(folder):
    refuse_conflicts({"a": folder / "a.zarr", "b": folder / "b.zarr"}, [folder / "in.tif"])


@pytest.mark.parametrize("name", ["movie.ome.zarr", "in.tif", "frames_t*.tif", "movie.ome.zarr/0"])
def test_lazy_values_never_overwrite_their_file(folder, name):
    stored = read_image(name, lazy=True)
    target = name.replace("*", "1").removesuffix("/0")
    before = contents(folder)
    for image in (stored, stored.with_image(stored.image, stored.axes)):
        with pytest.raises(FileProblem, match="input"):
            write_image(target, image, overwrite=True)
    assert contents(folder) == before


def test_loaded_values_may_replace_their_file(folder):
    stored = read_image("in.tif")
    write_image("in.tif", stored.with_image(stored.image + 1, stored.axes), overwrite=True)
    np.testing.assert_array_equal(read_image("in.tif").image, stored.image + 1)


def test_files_behind_foreign_arrays_are_found(folder):
    store = folder / "movie.ome.zarr" / "0"
    mapped = tifffile.memmap(folder / "in.tif")
    array = zarr.open_array(store, mode="r")
    for held in (
        array,
        da.from_zarr(str(store)),
        da.from_zarr(array)[0] + 1,
        xr.DataArray(da.from_array(array)),
    ):
        assert store in [path.resolve() for path in files_behind(held)]
    assert folder / "in.tif" in [path.resolve() for path in files_behind(mapped[0, 2:])]
    assert not [*files_behind(np.zeros(3))]
