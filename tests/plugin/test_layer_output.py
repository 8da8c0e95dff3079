"""Layers are read, and results become layers, without a viewer."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

pytest.importorskip("napari", reason="the plugin's layers are napari's")

import tifffile
from napari.layers import Image, Labels, Points
from napari.layers._source import layer_source

from napari_dip.errors import BadImage, BadMask
from napari_dip.image.problem import make_problem
from napari_dip.image.result import Result
from napari_dip.image.sink import InMemory
from napari_dip.image.unit import RestoredUnit
from napari_dip.image.unit_report import UnitReport
from napari_dip.plugin.models.layer_input import read_layer
from napari_dip.plugin.models.layer_output import preview_layer_data, to_layer_data
from napari_dip.plugin.models.mask_layers import Mask
from napari_dip.settings import Inpaint, Settings, SuperResolve

PLACES = [
    pytest.param({}, id="plain"),
    pytest.param({"scale": (2, 0.5), "translate": (7, -3)}, id="scaled"),
    pytest.param({"scale": (2, 0.5), "rotate": 30}, id="rotated"),
    pytest.param({"scale": (2, 0.5), "shear": [0.3], "translate": (1, 2)}, id="sheared"),
    pytest.param({"shear": np.array([[1, 0], [0.4, 1]])}, id="sheared-below"),
    pytest.param(
        {
            "scale": (0.3, 0.7),
            "rotate": -50,
            "shear": [0.2],
            "translate": (4, 9),
            "affine": [[1.1, 0.2, 5], [-0.3, 0.9, 2], [0, 0, 1]],
        },
        id="everything",
    ),
]


def test_a_layer_with_missing_planes_is_refused(tmp_path):
    path, image = tmp_path / "a.ome.tif", np.ones((5, 8, 9), np.uint8)
    tifffile.imwrite(path, image, photometric="minisblack", metadata={"axes": "ZYX"})
    with layer_source(path=str(path)):
        assert read_layer(Image(image)).path == path
        said = tifffile.tiffcomment(path).replace('SizeZ="5"', 'SizeZ="8"')
        tifffile.tiffcomment(path, said.encode())
        with pytest.raises(BadImage, match="8 planes, and 3 of them are missing"):
            read_layer(Image(np.concatenate([image, 0 * image[:3]]), name="cells"))


def restored(source, factor=1, settings=None):
    """The layer of a result that was made from ``source`` by repeating its pixels."""
    settings = settings or Settings(task=SuperResolve(factor=factor) if factor > 1 else Inpaint())
    image = np.asarray(source.data)
    for axis, letter in enumerate(source.axes):
        image = image.repeat(factor if letter in "YX" else 1, axis)
    result = Result(image, source.axes, settings, (), "cpu", 1.0, False)
    data, keywords, kind = to_layer_data(result, source)
    assert kind == "image"
    return Image(data, **keywords)


def test_the_pixels_are_read_at_full_resolution():
    pyramid = [np.arange(64.0).reshape(8, 8), np.zeros((4, 4))]
    np.testing.assert_array_equal(read_layer(Image(pyramid, multiscale=True)).data, pyramid[0])


@pytest.mark.parametrize(
    ("shape", "keywords", "axes"),
    [
        pytest.param((9, 8), {}, "YX", id="plane"),
        pytest.param((5, 9, 8), {}, "QYX", id="unknown-stack"),
        pytest.param((5, 9, 8), {"axis_labels": ("z", "y", "x")}, "ZYX", id="z-stack"),
        pytest.param((2, 5, 9, 8), {"axis_labels": "TCYX"}, "TCYX", id="movie"),
        pytest.param((5, 9, 8), {"axis_labels": ("depth", "y", "x")}, "ZYX", id="words"),
        pytest.param((9, 8, 3), {"rgb": True}, "YXS", id="rgb"),
        pytest.param((9, 8, 4), {"rgb": True, "axis_labels": "yx"}, "YXS", id="rgba"),
        pytest.param((40, 9, 3), {"rgb": False}, "QYX", id="three-columns"),
    ],
)
def test_the_axes(shape, keywords, axes):
    source = read_layer(Image(np.zeros(shape, np.uint8), **keywords))
    assert source.axes == axes
    assert source.rgb == axes.endswith("S")


@pytest.mark.parametrize(
    "layer",
    [
        pytest.param(Labels(np.zeros((8, 8), int), name="it"), id="labels"),
        pytest.param(Points(np.zeros((3, 2)), name="it"), id="points"),
    ],
)
def test_what_is_no_image_is_refused_by_name(layer):
    with pytest.raises(BadImage, match="'it'"):
        read_layer(layer)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("factor", [1, 2, 3, 8])
def test_the_result_lies_on_the_input(place, factor):
    image = Image(np.random.default_rng(0).random((6, 7)), **place)
    output = restored(read_layer(image), factor)
    shift = (factor - 1) / 2
    for row, column in product((0, 2, 5), (0, 3, 6)):
        there = output.data_to_world((row * factor + shift, column * factor + shift))
        np.testing.assert_allclose(there, image.data_to_world((row, column)), atol=1e-6)


@pytest.mark.filterwarnings("ignore:Non-orthogonal slicing")
def test_only_the_plane_of_a_stack_is_refined():
    image = Image(np.zeros((4, 6, 7)), scale=(5, 2, 2), translate=(1, 1, 1), rotate=(10, 20, 30))
    output = restored(read_layer(image), 2)
    assert output.data.shape == (4, 12, 14)
    np.testing.assert_allclose(output.scale, (5, 1, 1))
    np.testing.assert_allclose(
        output.data_to_world((3, 2.5, 4.5)), image.data_to_world((3, 1, 2)), atol=1e-6
    )


def test_how_a_layer_looks_is_carried_over():
    look = {
        "colormap": "magenta",
        "contrast_limits": [2.0, 30.0],
        "gamma": 0.7,
        "blending": "additive",
        "opacity": 0.6,
        "interpolation2d": "cubic",
        "units": ("um", "nm"),
        "axis_labels": ("y", "x"),
    }
    image = Image(np.arange(64.0).reshape(8, 8), **look)
    output = restored(read_layer(image))
    for name in look:
        assert getattr(output, name) == getattr(image, name), name


def test_the_provenance_is_in_the_metadata():
    source = read_layer(Image(np.zeros((8, 8)), metadata={"mine": 1}))
    made = restored(source, settings=Settings(seed=3)).metadata["napari-dip"]
    assert made["seed"] == 3
    assert "versions" in made


def begun(source, settings, output=None):
    """The pixels at the start of a run."""
    problem = make_problem(source.data, settings.replace(axes=source.axes), source.mask, None)
    return preview_layer_data(source, problem, output or InMemory(problem))


def test_the_first_guess_shares_nothing_with_the_input():
    image = Image(np.zeros((8, 8, 3), np.uint8), rgb=True)
    pixels, keywords, _ = begun(read_layer(image), Settings(dtype="float32"))
    pixels[()] = np.ones((8, 8, 3), np.float32)
    assert (pixels[:] == 1).all()
    assert not image.data.any()
    assert pixels.dtype == np.float32
    assert keywords["rgb"] is True


@pytest.mark.parametrize(
    "index",
    [
        np.s_[...],
        np.s_[3],
        np.s_[-1, 2],
        np.s_[:, 1, 4:9],
        np.s_[2, ..., 5],
        np.s_[::2, :, :, -3],
        np.s_[4, 1, 2, 3],
    ],
)
@pytest.mark.parametrize("settings", [Settings(), Settings(task=SuperResolve(factor=2))])
def test_the_first_guess_is_indexed_like_an_array(index, settings):
    stack = np.random.default_rng(0).poisson(20, (5, 3, 12, 14)).astype(np.uint16)
    source = read_layer(Image(stack, axis_labels="zcyx"))
    problem = make_problem(stack, settings.replace(axes=source.axes), None, None)
    output = InMemory(problem)
    whole = stack.repeat(settings.factors["Y"], 2).repeat(settings.factors["X"], 3)
    for unit in problem.plan.units:
        output.put(unit, RestoredUnit(whole[unit.index], None, UnitReport((), "it is a test")))
    pixels, _, _ = preview_layer_data(source, problem, output)
    np.testing.assert_array_equal(pixels[index], whole[index])
    assert np.shape(pixels[index]) == whole[index].shape


def test_a_window_preview_shows_each_plane():
    stack = np.random.default_rng(0).poisson(20, (5, 12, 14)).astype(np.uint16)
    pixels, _, _ = begun(read_layer(Image(stack, axis_labels="zyx")), Settings())
    pixels[slice(0, 5),] = np.arange(5 * 12 * 14).reshape(5, 12, 14)
    np.testing.assert_array_equal(pixels[3], np.arange(12 * 14).reshape(12, 14) + 3 * 12 * 14)


# Masks


def missing(image, mask, label=None):
    return read_layer(image, Mask(mask, label)).mask


def painted(shape, *where):
    labels = np.zeros(shape, np.uint8)
    for value, part in enumerate(where, 1):
        labels[part] = value
    return labels


def test_painted_is_missing():
    labels = painted((8, 9), np.s_[2:4, 1], np.s_[5])
    image = Image(np.zeros((8, 9)))
    np.testing.assert_array_equal(missing(image, Labels(labels)), labels != 0)
    np.testing.assert_array_equal(missing(image, Labels(labels), 2), labels == 2)


def test_one_mask_serves_every_plane_and_colour():
    labels = painted((8, 9), np.s_[2:4, 1])
    stack = Image(np.zeros((5, 8, 9, 3), np.uint8), rgb=True, scale=(4, 1, 1))
    mask = missing(stack, Labels(labels))
    np.testing.assert_array_equal(np.broadcast_to(mask, (5, 8, 9)), [labels != 0] * 5)


def test_a_one_plane_mask_marks_that_plane():
    labels = painted((1, 8, 9), np.s_[0, 2:4, 1])
    mask = missing(Image(np.zeros((5, 8, 9))), Labels(labels, translate=(3, 0, 0)))
    assert mask.shape == (5, 8, 9)
    assert mask[3].sum() == mask.sum() == 2


def test_a_coarse_mask_covers_the_pixels_under_it():
    labels = painted((4, 4), np.s_[1, 2])
    image = Image(np.zeros((8, 8)), scale=(0.5, 0.5))
    mask = missing(image, Labels(labels, translate=(0.25, 0.25)))
    np.testing.assert_array_equal(mask, labels.repeat(2, 0).repeat(2, 1) != 0)


def test_a_shifted_mask_is_shifted_and_cut_off():
    labels = painted((20, 20), np.s_[:6, :6])
    mask = missing(Image(np.zeros((8, 9))), Labels(labels, translate=(-3, 4)))
    np.testing.assert_array_equal(mask, painted((8, 9), np.s_[:3, 4:]) != 0)


def test_a_turned_mask_is_turned_back():
    labels = painted((8, 8), np.s_[1, 2])
    image = Image(np.zeros((8, 8)))
    mask = missing(image, Labels(labels, rotate=90, translate=(7, 0)))
    np.testing.assert_array_equal(np.argwhere(mask), [[5, 1]])


def test_the_affine_of_both_layers_counts():
    labels = painted((8, 8), np.s_[1:3, 2:6])
    turn = np.array([[0.8, -0.6, 3], [0.6, 0.8, 1], [0, 0, 1]])
    mask = missing(Image(np.zeros((8, 8)), affine=turn), Labels(labels, affine=turn))
    np.testing.assert_array_equal(mask, labels != 0)


def test_units_are_converted():
    labels = painted((8, 8), np.s_[1:3, 2:6])
    image = Image(np.zeros((8, 8)), scale=(0.2, 0.2), units=("um", "um"))
    mask = missing(image, Labels(labels, scale=(200, 200), units=("nm", "nm")))
    np.testing.assert_array_equal(mask, labels != 0)


@pytest.mark.parametrize(
    ("labels", "place", "label", "says"),
    [
        pytest.param(painted((8, 8)), {}, None, "Nothing painted", id="nothing"),
        pytest.param(painted((8, 8), np.s_[0]), {}, 7, "Label 7", id="label"),
        pytest.param(painted((8, 8), np.s_[0]), {"translate": (50, 0)}, None, "overlap", id="off"),
        pytest.param(painted((8, 8), np.s_[:]), {}, None, "covers all", id="all"),
        pytest.param(painted((2, 8, 8), np.s_[0]), {}, None, "3 dimensions", id="dimensions"),
    ],
)
def test_a_mask_that_does_not_fit_is_refused(labels, place, label, says):
    with pytest.raises(BadMask, match=says):
        missing(Image(np.zeros((8, 8)), name="cells"), Labels(labels, name="mask", **place), label)
