"""Super-resolution along Z gives finer planes in the right place, with their voxel size."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
import torch
from napari.layers import Image
from scipy.interpolate import make_interp_spline
from typer.testing import CliRunner

from napari_dip import Settings, SuperResolve, super_resolve
from napari_dip.cli.app import app
from napari_dip.dip.operators import Downsample
from napari_dip.errors import BadImage, BadSettings
from napari_dip.files.image_io import StoredImage, read_image, read_provenance, write_image
from napari_dip.generators import finished
from napari_dip.image.problem import make_problem
from napari_dip.image.restore import run
from napari_dip.image.sink import InMemory
from napari_dip.plugin.models.layer_input import match_settings, read_layer
from napari_dip.plugin.models.layer_output import preview_layer_data, to_layer_data

QUICK = {"iterations": 2, "stopping": "fixed", "device": "cpu"}
MICROSCOPE = {"Z": 4.0, "Y": 0.8, "X": 0.8}


def call(*arguments: object):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def tubes(planes: int, height: int, width: int) -> np.ndarray:
    """Sharp, oblique tubes in a volume, from 0 to 1."""
    z, y, x = np.indices((planes, height, width))
    slant = (x - 0.5 * z - y / 4) % 16
    return np.where((slant > 5) & (slant < 11), 1.0, 0.1).astype(np.float32)


def coarse(fine: np.ndarray, factor: int) -> np.ndarray:
    return Downsample((factor, 1, 1), "gaussian")(torch.from_numpy(fine)[None, None])[0, 0].numpy()


def linear(stack: np.ndarray, factor: int) -> np.ndarray:
    places = (np.arange(len(stack) * factor) + 0.5) / factor - 0.5
    return make_interp_spline(np.arange(len(stack)), stack, 1)(places.clip(0, len(stack) - 1))


@pytest.fixture
def stack() -> np.ndarray:
    return np.random.default_rng(0).poisson(50, (4, 10, 12)).astype(np.uint16)


@pytest.fixture
def calibrated(stack, tmp_path):
    """A stack in an ImageJ TIFF, with voxels of 4 × 0.8 × 0.8 µm."""
    unit = dict.fromkeys("ZYX", "µm")
    write_image(tmp_path / "stack.tif", StoredImage(stack, "ZYX", MICROSCOPE, unit))
    return tmp_path / "stack.tif"


@pytest.mark.slow
def test_it_is_better_than_interpolation():
    truth = tubes(16, 8, 32)
    seen = coarse(truth, 2)
    before = seen.copy()
    settings = {"axis": "Z", "axes": "ZYX", "device": "cpu", "iterations": 60}
    restored = super_resolve(seen, 2, **settings)
    assert np.square(truth - restored).mean() < 0.5 * np.square(truth - linear(seen, 2)).mean()
    assert np.array_equal(seen, before)


@pytest.mark.parametrize(
    ("axes", "shape", "ndim"),
    [
        ("ZYX", (3, 9, 10), 2),
        ("TCZYX", (1, 2, 3, 8, 9), 2),
        ("YXZ", (9, 10, 3), 2),
        ("ZYXS", (3, 8, 9, 3), 2),
        ("TCZYX", (1, 2, 3, 8, 9), 3),
        ("ZYXS", (3, 8, 9, 3), 3),
        pytest.param("ZYX", (3, 9, 10), 3, marks=pytest.mark.slow),
        pytest.param("YXZ", (9, 10, 3), 3, marks=pytest.mark.slow),
    ],
)
def test_z_alone_grows(axes, shape, ndim):
    image = np.random.default_rng(0).random(shape)
    wanted = tuple(3 * n if a == "Z" else n for a, n in zip(axes, shape, strict=True))
    assert super_resolve(image, 3, axis="Z", axes=axes, ndim=ndim, **QUICK).shape == wanted


def test_a_volume_can_be_refined_along_yx(stack):
    fine = super_resolve(stack, 2, axis="YX", axes="ZYX", ndim=3, **QUICK)
    assert fine.shape == (4, 20, 24)


def test_tiles_with_the_same_seed_are_equal(stack):
    wide = np.tile(stack, (1, 1, 8))
    asked = {"axis": "Z", "axes": "ZYX", "tile": 64, "overlap": 8, **QUICK}
    first, second = (super_resolve(wide, 2, seed=3, **asked) for _ in range(2))
    assert first.shape == (8, 10, 96)
    assert np.array_equal(first, second)


def test_equal_planes_stay_equal_along_z():
    flat = np.full((3, 8, 9), 7, np.uint8)
    assert np.array_equal(super_resolve(flat, 2, axis="Z", axes="ZYX"), np.full((6, 8, 9), 7))


@pytest.mark.parametrize("suffix", [".tif", ".ome.tif", ".ome.zarr"])
def test_files_record_the_place_of_finer_planes(calibrated, tmp_path, suffix):
    out = tmp_path / f"out{suffix}"
    quick = ("--iterations", 2, "--stopping", "fixed", "--device", "cpu")
    result = call("super-resolve", calibrated, out, "--factor", "isotropic", *quick)
    assert result.exit_code == 0, result.stderr
    words = " ".join(result.stderr.split())
    assert "5 times finer along Z: voxels of 4 × 0.8 × 0.8 become 0.8 × 0.8 × 0.8" in words
    back = read_image(out)
    assert back.image.shape == (20, 10, 12)
    assert dict(back.pixel_size) == pytest.approx(dict.fromkeys("ZYX", 0.8), rel=1e-4)
    # The first fine plane is centred (f - 1) / 2f coarse steps before the first coarse one.
    assert dict(back.translate) == pytest.approx({"Z": -1.6}, rel=1e-4)
    provenance = read_provenance(out)
    assert provenance["settings"]["task"]["factor"] == "isotropic"
    assert provenance["settings"]["voxel"] == pytest.approx([4, 0.8, 0.8], rel=1e-4)
    assert provenance["factors"]["Z"] == 5
    assert "5 times finer along Z" in provenance["plan"]


def layers_of(source, settings):
    """The first and the last layer data of a run."""
    problem = make_problem(source.data, settings, source.mask, None)
    output = InMemory(problem)
    begun = preview_layer_data(source, problem, output)
    return begun, to_layer_data(finished(run(problem, output)), source)


@pytest.mark.parametrize("labels", [("z", "y", "x"), None], ids=["named", "unnamed"])
def test_a_layer_covers_its_input_exactly(stack, labels):
    source = Image(
        stack,
        scale=(4, 0.8, 0.8),
        translate=(7, 8, 9),
        units=("um",) * 3,
        axis_labels=labels,
    )
    asked = Settings(task=SuperResolve(factor="isotropic"), **QUICK)
    taken, settings = match_settings(read_layer(source), asked)
    begun, done = layers_of(taken, settings)
    data, keywords, _ = done
    assert begun[0].shape == data.shape
    output = Image(data, **keywords)
    assert output.data.shape == (20, 10, 12)
    np.testing.assert_allclose(output.scale, (0.8, 0.8, 0.8))
    assert output.name == "stack (×5 along Z)"
    for place in ((0, 0, 0), (3, 9, 11)):
        fine = (5 * place[0] + 2, *place[1:])
        np.testing.assert_allclose(output.data_to_world(fine), source.data_to_world(place))


@pytest.mark.parametrize(
    ("place", "voxel"),
    [
        pytest.param({}, None, id="never-scaled"),
        pytest.param({"scale": (4, 1, 1)}, (4, 1, 1), id="no-units"),
        pytest.param({"scale": (4000, 2, 2), "units": ("nm", "um", "um")}, (4, 2, 2), id="units"),
        pytest.param({"scale": (2, 1, 1), "units": ("s", "um", "um")}, None, id="no-length"),
    ],
)
def test_a_calibrated_layer_sets_the_voxel(stack, place, voxel):
    layer = Image(stack, axis_labels=("z", "y", "x"), **place)
    assert read_layer(layer).voxel == (None if voxel is None else pytest.approx(voxel))


@pytest.mark.parametrize(
    ("voxel", "words"),
    [
        pytest.param(None, r"voxel=\(Z, Y, X\), or --voxel", id="unknown"),
        pytest.param((1, 0.8, 0.8), "1.25 times as long as wide", id="a-cube-already"),
        pytest.param((9, 1, 1), "factor=8", id="too-long"),
    ],
)
def test_voxels_that_cannot_become_isotropic_are_refused(stack, voxel, words):
    with pytest.raises(BadSettings, match=words):
        super_resolve(stack, "isotropic", voxel=voxel, axes="ZYX")


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        pytest.param({"axes": "TYX"}, "along Z needs an axis Z", id="no-z"),
        pytest.param({"axes": "ZYX", "ndim": 3, "image": 1}, "two planes", id="one-plane"),
    ],
)
def test_images_without_planes_are_refused(stack, asked, words):
    planes = asked.pop("image", len(stack))
    with pytest.raises(BadImage, match=words):
        super_resolve(stack[:planes], 2, axis="Z", **asked)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        pytest.param(("--voxel", "4,1"), "voxel='4,1'", id="two-sizes"),
        pytest.param(("--voxel", "0,1,1"), "sizes above 0", id="no-size"),
        pytest.param(("--factor", "isotropic", "--axis", "YX"), "choose axis", id="not-along-z"),
        pytest.param(("--factor", "two"), "factor='two'", id="a-word"),
        pytest.param(("--share", "Z"), "share='Z'", id="shared-along-z"),
    ],
)
def test_errors_name_the_option_and_the_cure(calibrated, tmp_path, options, words):
    out = tmp_path / "o.ome.zarr"
    axis = () if "--axis" in options else ("--axis", "Z")
    result = call("super-resolve", calibrated, out, *axis, *options)
    assert result.exit_code == 2
    assert words in " ".join(result.stderr.split())
    assert not out.exists()


def test_missing_pixel_sizes_name_the_option(tmp_path, stack):
    tifffile.imwrite(tmp_path / "bare.tif", stack, photometric="minisblack")
    bare = ("super-resolve", tmp_path / "bare.tif", tmp_path / "o.tif", "--factor", "isotropic")
    result = call(*bare, "--axes", "ZYX")
    assert result.exit_code == 2
    assert "--voxel Z,Y,X" in " ".join(result.stderr.split())


def test_the_plan_describes_shared_sections(stack):
    settings = Settings(task=SuperResolve(axis="Z"), axes="ZYX", device="cpu")
    problem = make_problem(stack, settings, None, None)
    assert str(problem) == (
        "10 sections, each section along Z and X in 2-D, up to 4 sections along Y fitted "
        "together; 3 parts; 2 times finer along Z"
    )


def test_plan_and_record_have_the_voxel_spacing(calibrated, tmp_path):
    quick = ("--iterations", 2, "--stopping", "fixed", "--device", "cpu")
    result = call("denoise", calibrated, tmp_path / "o.tif", "--ndim", 3, *quick)
    assert result.exit_code == 0, result.stderr
    assert "one volume in 3-D; voxels of 4 × 0.8 × 0.8" in " ".join(result.stderr.split())
    asked = read_provenance(tmp_path / "o.tif")["settings"]
    assert asked["voxel"] == pytest.approx([4, 0.8, 0.8], rel=1e-4)
    settings = Settings(**asked)
    again = Settings(ndim=3, voxel=(4, 4, 4)).with_voxel(settings.voxel)
    assert again.voxel == (4, 4, 4)  # a given size is kept
    assert Settings().with_voxel(settings.voxel).voxel is None  # planes need no voxel size
