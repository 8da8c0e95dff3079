"""The axes of a mask are matched by letters or lengths; ambiguous masks are refused."""

import itertools

import numpy as np
import pytest
import tifffile

from napari_dip import Settings, denoise, inpaint, restore
from napari_dip.errors import BadImage, BadMask
from napari_dip.files.file_run import open_run
from napari_dip.files.image_io import StoredImage, write_image
from napari_dip.generators import finished
from napari_dip.image.axes import Layout
from napari_dip.image.masks import align_mask, broadcast_mask
from napari_dip.image.problem import make_problem
from napari_dip.settings import Inpaint

SIZES = {"T": 3, "C": 3, "Z": 3, "Y": 9, "X": 8, "S": 3}
LEADING = ["", "T", "C", "Z", "TC", "TZ", "CZ", "TCZ"]


def painted(shape):
    return np.random.default_rng(0).random(shape) < 0.3


def sizes(axes):
    return tuple(SIZES[letter] for letter in axes)


def by_letters(mask, mask_axes, axes):
    """Broadcast a mask with named axes by NumPy, as the reference."""
    lacking = [letter for letter in axes if letter not in mask_axes]
    wide = mask.reshape(mask.shape + (1,) * len(lacking))
    named = mask_axes + "".join(lacking)
    return np.broadcast_to(wide.transpose([named.index(letter) for letter in axes]), sizes(axes))


@pytest.mark.parametrize("samples", ["", "S"])
@pytest.mark.parametrize("leading", LEADING)
def test_named_axes_are_matched_by_their_letters(leading, samples):
    axes = leading + "YX" + samples
    layout = Layout(axes, sizes(axes))
    subsets = itertools.chain.from_iterable(
        itertools.combinations(leading, number) for number in range(len(leading) + 1)
    )
    for chosen in subsets:
        for mask_axes in ("".join(chosen) + "YX", "YX" + "".join(chosen)):
            mask = painted(sizes(mask_axes))
            expected = by_letters(mask, mask_axes, axes)
            np.testing.assert_array_equal(broadcast_mask(mask, layout, mask_axes), expected)
            # A mask of length 1 along an axis applies to all of it.
            single = broadcast_mask(
                mask[None], layout, ("Z" if "Z" not in chosen else "Q") + mask_axes
            )
            np.testing.assert_array_equal(single, expected)


def test_axes_in_another_order_are_transposed():
    mask = painted((8, 9))
    layout = Layout("ZYX", (3, 9, 8))
    np.testing.assert_array_equal(broadcast_mask(mask, layout, "XY"), [mask.T] * 3)


@pytest.mark.parametrize(
    ("shape", "axes", "mask_shape", "reading"),
    [
        pytest.param((4, 3, 9, 8), "CZYX", (3, 9, 8), "ZYX", id="only-z"),
        pytest.param((4, 3, 9, 8), "CZYX", (4, 9, 8), "CYX", id="only-c"),
        pytest.param((4, 3, 9, 8), "CZYX", (1, 3, 9, 8), "QZYX", id="as-many-axes"),
        pytest.param((3, 3, 9, 8), "CZYX", (3, 1, 9, 8), "CQYX", id="as-many-axes-of-one-length"),
        pytest.param((3, 3, 9, 8), "CZYX", (3, 3, 9, 8), "CZYX", id="the-same"),
        pytest.param((3, 3, 9, 8), "CZYX", (9, 8), "YX", id="plane"),
        pytest.param((3, 3, 9, 8), "CZYX", (1, 9, 8), "QYX", id="plane-of-one"),
        pytest.param((9, 9, 9), "ZYX", (9, 9), "YX", id="cube"),
        pytest.param((4, 9, 8, 3), "ZYXS", (4, 9, 8), "ZYX", id="colours"),
        pytest.param((9, 8, 4), "YXC", (9, 8), "YX", id="channels-last"),
        pytest.param((1, 4, 9, 8), "TZYX", (4, 9, 8), "ZYX", id="one-frame"),
    ],
)
def test_the_only_match_of_lengths_is_used(shape, axes, mask_shape, reading):
    layout, mask = Layout(axes, shape), painted(mask_shape)
    expected = broadcast_mask(mask, layout, reading)
    np.testing.assert_array_equal(broadcast_mask(mask, layout), expected)
    np.testing.assert_array_equal(broadcast_mask(mask, layout, "Q" * len(mask_shape)), expected)


@pytest.mark.parametrize(
    ("shape", "axes", "mask_shape", "words"),
    [
        pytest.param((3, 3, 9, 8), "CZYX", (3, 9, 8), "CYX or ZYX", id="channel-or-plane"),
        pytest.param((3, 3, 9, 8), "QQYX", (3, 9, 8), "axes 0, 2, 3 or .* 1, 2, 3", id="unnamed"),
        pytest.param((3, 4, 9, 8), "CZYX", (5, 9, 8), "last axes", id="fits-nothing"),
        pytest.param((3, 4, 9, 8), "CZYX", (1, 8), "last axes", id="row"),
        pytest.param((3, 4, 9, 8), "CZYX", (9, 1), "last axes", id="column"),
        pytest.param((3, 4, 9, 8), "CZYX", (1, 1, 1, 1), "last axes", id="pixel"),
        pytest.param((9, 8), "YX", (), "last axes", id="flag"),
    ],
)
def test_ambiguous_mask_axes_are_refused(shape, axes, mask_shape, words):
    with pytest.raises(BadMask, match=words):
        broadcast_mask(painted(mask_shape), Layout(axes, shape))


@pytest.mark.parametrize(
    ("mask_axes", "words"),
    [
        ("YX", "for each of its axes"),
        ("WYX", "for each of its axes"),
        ("XYX", "X is repeated"),
        ("CYX", "last axes"),
        ("ZXY", "last axes"),
        (3, "give letters"),
    ],
)
def test_axes_that_do_not_fit_are_refused(mask_axes, words):
    with pytest.raises(BadMask, match=words):
        denoise(np.ones((3, 9, 8)), axes="ZYX", mask=painted((3, 9, 8)), mask_axes=mask_axes)


def test_axes_without_a_mask_are_refused():
    with pytest.raises(BadMask, match="there is no mask"):
        denoise(np.ones((9, 8)), mask_axes="YX")
    with pytest.raises(BadImage, match="and a psf"):
        denoise(np.ones((9, 8)), psf_axes="YX")


def test_a_channel_mask_does_not_mark_planes():
    image = np.random.default_rng(0).random((3, 3, 9, 8)).astype(np.float32)
    mask = np.zeros((3, 9, 8), bool)
    mask[1, 3:5, 3:5] = True
    for axes, index in (("CYX", np.s_[1, :]), ("ZYX", np.s_[:, 1])):
        settings = {"axes": "CZYX", "device": "cpu", "iterations": 1}
        changed = inpaint(image, mask, mask_axes=axes, **settings) != image
        np.testing.assert_array_equal(changed[index].any(axis=(-2, -1)), True)
        assert changed.sum() == 3 * 4
    with pytest.raises(BadMask, match="CYX or ZYX"):
        inpaint(image, mask, **settings)


def test_dimensions_of_xarray_are_the_axes():
    xarray = pytest.importorskip("xarray")
    image = xarray.DataArray(np.random.default_rng(0).random((9, 8, 3)), dims=("y", "x", "t"))
    mask = xarray.DataArray(painted((3, 9, 8)), dims=("t", "y", "x"))
    problem = finished(restore(image, Settings(device="cpu", iterations=1), mask=mask))
    assert problem.axes == "YXT"
    aligned = align_mask(mask, Layout("YXT", (9, 8, 3)))
    np.testing.assert_array_equal(aligned.missing, mask.values.transpose(1, 2, 0))


@pytest.fixture
def hyperstack(tmp_path):
    values = np.random.default_rng(0).poisson(50, (3, 3, 9, 8)).astype(np.uint16)
    write_image(tmp_path / "stack.ome.tif", StoredImage(values, "CZYX"))
    return tmp_path / "stack.ome.tif"


@pytest.mark.parametrize(
    ("axes", "index"),
    [("ZYX", np.s_[:, 1]), ("CYX", np.s_[1, :]), ("TYX", None), ("QYX", None)],
)
def test_files_of_masks_name_their_axes(hyperstack, tmp_path, axes, index):
    mask = np.zeros((3, 9, 8), np.uint8)
    mask[1, 3:5, 3:5] = 1
    name = tmp_path / ("mask.ome.tif" if axes != "QYX" else "mask.tif")
    if axes == "QYX":
        tifffile.imwrite(name, mask, photometric="minisblack")
    else:
        write_image(name, StoredImage(mask, axes))
    given = (hyperstack, tmp_path / "out.tif", Settings(task=Inpaint(), device="cpu"))
    if index is None:
        with pytest.raises(BadMask, match=r"mask.*CYX or ZYX"):
            open_run(*given, mask=name)
        missing = open_run(*given, mask=name, mask_axes="cyx").problem.observed.missing
        assert missing[1, :].sum() == np.sum(missing) == 12
        return
    missing = open_run(*given, mask=name).problem.observed.missing
    assert missing[index].sum() == np.sum(missing) == 12


def test_a_renamed_axis_is_reported(tmp_path):
    values = np.random.default_rng(0).poisson(50, (3, 9, 8)).astype(np.uint16)
    write_image(tmp_path / "frames.ome.tif", StoredImage(values, "TYX"))
    write_image(tmp_path / "mask.ome.tif", StoredImage((values > 60).astype("u1"), "ZYX"))
    settings = Settings(task=Inpaint(), device="cpu")
    given = (tmp_path / "frames.ome.tif", tmp_path / "out.tif", settings)
    run = open_run(*given, mask=tmp_path / "mask.ome.tif")
    assert "Z is taken for T" in run.notes[-1]
    np.testing.assert_array_equal(run.problem.observed.missing, values > 60)


def test_an_empty_mask_is_refused(hyperstack, tmp_path):
    nothing, image = np.zeros((9, 8), np.uint8), np.ones((9, 8))
    words = "nothing is painted: the mask marks no pixel"
    with pytest.raises(BadMask, match=words):
        inpaint(image, nothing)
    write_image(tmp_path / "mask.tif", StoredImage(nothing, "YX"))
    write_image(tmp_path / "full.tif", StoredImage(nothing + 1, "YX"))
    given = (hyperstack, tmp_path / "out.tif", Settings(task=Inpaint(), device="cpu"))
    for mask, marks in (("mask.tif", "missing"), ("full.tif", "known")):
        with pytest.raises(BadMask, match=words):
            open_run(*given, mask=tmp_path / mask, marks=marks)
    with pytest.raises(BadMask, match="nothing is missing"):
        restore(image, Settings(task="inpaint"))


@pytest.mark.parametrize(
    "values",
    [
        pytest.param([[True, False]], id="bool"),
        pytest.param([[3, 0]], id="labels"),
        pytest.param([[-0.5, 0.0]], id="float"),
        pytest.param([[7.0, np.nan]], id="nan-is-background"),
    ],
)
def test_all_values_but_zero_are_missing(values):
    mask = np.repeat(np.repeat(np.array(values), 9, axis=0), 4, axis=1)
    expected = np.tile([True] * 4 + [False] * 4, (9, 1))
    np.testing.assert_array_equal(broadcast_mask(mask, Layout("YX", (9, 8))), expected)


def test_masks_that_hold_no_numbers_are_refused():
    for mask in (np.full((9, 8), "a"), np.full((9, 8), 1j), np.full((9, 8), None)):
        with pytest.raises(BadMask, match="mask has dtype"):
            inpaint(np.ones((9, 8)), mask)


def kernel(image_axes, psf, **named):
    sizes = {"Z": 9, "Y": 10, "X": 11, "T": 2}
    image = np.random.default_rng(0).random([sizes[letter] for letter in image_axes])
    settings = Settings(axes=image_axes, ndim=3 if "Z" in image_axes else 2, device="cpu")
    return make_problem(image, settings, None, psf, **named).psf


def test_a_psf_has_the_axes_of_the_image():
    psf = np.random.default_rng(0).random((3, 5))
    normal = (psf / psf.sum()).astype(np.float32)
    np.testing.assert_array_equal(kernel("TYX", psf), normal)
    np.testing.assert_array_equal(kernel("XTY", psf), normal.T)
    np.testing.assert_array_equal(kernel("YX", psf, psf_axes="XY"), normal.T)
    assert kernel("YXZ", np.ones((3, 5, 7))).shape == (7, 3, 5)
    with pytest.raises(BadImage, match="psf_axes"):
        kernel("YX", psf, psf_axes="ZY")
