"""Missing pixels are filled or left unchanged, and do not harm the others."""

import numpy as np
import pytest
from skimage.metrics import mean_squared_error as mse

from napari_dip import Settings, denoise, inpaint, restore
from napari_dip.errors import BadMask, BadSettings, PlanesUnchanged
from napari_dip.generators import finished
from napari_dip.settings import Inpaint

CPU = {"device": "cpu", "refinement": 0}
QUICK = {"device": "cpu", "iterations": 3}


def finish(restoration):
    snapshots = []
    return snapshots, finished(restoration, snapshots.append)


@pytest.mark.parametrize("preset", ["fast", "paper"])
@pytest.mark.parametrize("factor", [1, 2])
def test_padding_is_unchanged(noisy, preset, factor):
    moved = (1000 + 300 * noisy).astype(np.uint16)
    moved[:4] = moved[:, -5:] = 0
    there = (moved == 0).repeat(factor, 0).repeat(factor, 1)
    task = "super-resolve" if factor > 1 else "denoise"
    _, result = finish(restore(moved, Settings(task=task, preset=preset, **QUICK)))
    assert (result.image[there] == 0).all() == (preset == "fast")
    assert (result.image[~there] != 0).all()


def test_padding_of_aligned_planes_is_unchanged(noisy):
    stack = np.stack([noisy + 5] * 4)
    for number in range(4):
        stack[number, :, : 2 * number] = 0
    restored = denoise(stack, axes="TYX", **QUICK)
    assert np.array_equal(restored == 0, stack == 0)


def test_nan_is_filled_by_denoising(noisy):
    image = noisy.copy()
    image[5:8, 5:8] = np.nan
    image[20, 20] = np.inf
    assert np.isfinite(denoise(image, **QUICK)).all()
    assert np.isnan(image[6, 6])


def test_a_pixel_that_is_missing_costs_nothing_elsewhere(clean, noisy):
    settings = {"device": "cpu", "iterations": 15}
    holed = noisy.copy()
    holed[20, 20] = np.nan
    whole, holed = denoise(noisy, **settings), denoise(holed, **settings)
    assert mse(clean, holed) < 1.1 * mse(clean, whole)


@pytest.mark.parametrize("missing", ["pixels", "hole"])
def test_inpainting_denoises_known_pixels_as_denoising_does(clean, noisy, missing):
    settings = {"device": "cpu", "iterations": 15}
    gaps = np.zeros(clean.shape, bool)
    gaps[9:12, 9:12] = gaps[30, ::4] = True
    filled = inpaint(noisy, gaps, missing=missing, keep_known=False, **settings)
    denoised = denoise(noisy, **settings)
    assert mse(clean[~gaps], filled[~gaps]) < 1.2 * mse(clean[~gaps], denoised[~gaps])


def test_shared_planes_help_fill_missing_pixels(clean):
    stack = np.stack([clean] * 4)
    noisy = stack + np.random.default_rng(1).normal(0, 0.1, stack.shape)
    settings = {"device": "cpu", "axes": "ZYX", "iterations": 12}
    whole = denoise(noisy, **settings)
    noisy[np.random.default_rng(2).random(noisy.shape) < 0.02] = np.nan
    assert mse(stack, denoise(noisy, **settings)) < 1.2 * mse(stack, whole)


@pytest.mark.parametrize(
    ("axes", "keywords"),
    [
        pytest.param("ZYX", {"share": "none"}, id="alone"),
        pytest.param("ZYX", {"share": "Z", "window": 8, "context": 1}, id="shared"),
        pytest.param("CYX", {"share": "C"}, id="channels"),
        pytest.param("TZYX", {"ndim": 3}, id="volumes"),
        pytest.param("ZYXS", {}, id="colours"),
        pytest.param("ZYX", {"task": "inpaint"}, id="inpaint"),
        pytest.param("ZYX", {"task": "super-resolve"}, id="super-resolve"),
        pytest.param("YZX", {"task": {"kind": "super-resolve", "axis": "Z"}}, id="sections"),
    ],
)
def test_planes_without_a_known_pixel_are_unchanged(axes, keywords):
    sizes = {"Z": 5, "T": 5, "C": 5, "Y": 9, "X": 10, "S": 3} | ({"Z": 2} if "T" in axes else {})
    clean = np.random.default_rng(0).random([sizes[letter] for letter in axes]).astype("float32")
    image, mask = clean.copy(), np.zeros(clean.shape, bool)
    image[3], mask[1] = np.nan, True
    mask[2, 1, 5] = True
    settings = Settings(axes=axes, iterations=2, **CPU | keywords)
    _, result = finish(restore(image, settings, mask=mask))
    letter = axes[0]
    assert result.unchanged == ({letter: 1}, {letter: 3})
    assert not result.stopped_by_user
    assert np.isnan(result.image[3]).all()
    step = result.image.shape[2] // image.shape[2] or 1
    if "axis" not in str(keywords):
        np.testing.assert_array_equal(result.image[1, ::step, ::step], image[1])
    assert np.isfinite(result.image[[0, 2, 4]]).all()
    assert "unchanged" in result.provenance()["planes"]["in_words"]


def test_a_colour_without_a_known_pixel_is_unchanged():
    image = np.random.default_rng(0).random((9, 10, 3))
    image[..., 1] = np.nan
    with pytest.warns(PlanesUnchanged, match="no pixel of green is known"):
        restored = denoise(image, **QUICK)
    assert np.isnan(restored[..., 1]).all()
    assert np.isfinite(restored[..., [0, 2]]).all()


def test_a_function_warns_of_planes_it_left_unchanged():
    stack = np.random.default_rng(0).random((3, 9, 10))
    stack[1] = np.nan
    with pytest.warns(PlanesUnchanged, match="frame 2 has no known pixel and is unchanged"):
        denoise(stack, axes="TYX", **QUICK)


def test_nan_in_alpha_does_not_matter():
    image = np.random.default_rng(0).random((9, 10, 4))
    image[2, 3:6, 3] = np.nan
    restored = denoise(image, axes="YXS", **QUICK)
    assert np.isfinite(restored[..., :3]).all()
    np.testing.assert_array_equal(restored[..., 3], image[..., 3])
    image[..., :3] = np.nan
    with pytest.raises(BadMask, match="no pixel is known"):
        denoise(image, axes="YXS", **QUICK)


def test_matched_noise_has_the_variance_of_the_surroundings():
    random = np.random.default_rng(0)
    image = random.poisson(60 + 30 * np.sin(np.arange(72) / 12), (72, 72)).astype(np.uint16)
    mask = np.zeros(image.shape, bool)
    mask[22:50, 22:50] = True
    keywords = {"device": "cpu", "iterations": 12, "stopping": "fixed", "seed": 1}
    smooth = inpaint(image, mask, **keywords)
    noisy, again = (inpaint(image, mask, match_noise=True, **keywords) for _ in range(2))
    np.testing.assert_array_equal(noisy, again)
    for filled in (smooth, noisy):
        np.testing.assert_array_equal(filled[~mask], image[~mask])

    def noise_variance(values):
        return np.mean(np.diff(values.astype(float), axis=0) ** 2) / 2

    around, hole = noise_variance(image[:20]), np.s_[24:48, 24:48]
    assert noise_variance(smooth[hole]) < 0.3 * around
    assert 0.7 < noise_variance(noisy[hole]) / around < 1.4


def test_matched_noise_needs_known_pixels_as_they_are():
    with pytest.raises(BadSettings, match="keep_known=False removes"):
        Inpaint(match_noise=True, keep_known=False)
