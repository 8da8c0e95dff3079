"""The public functions, on every kind of image."""

import itertools
import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter, zoom
from skimage import data
from skimage.metrics import mean_squared_error as mse

import napari_dip
from napari_dip import SensorNoise, Settings, denoise, inpaint, restore, super_resolve
from napari_dip.dip.operators import Downsample
from napari_dip.errors import BadImage, BadMask, BadSettings, PlanesUnchanged
from napari_dip.generators import finished
from napari_dip.image.plan_text import outcome
from napari_dip.noise.estimate import estimate_noise
from napari_dip.pipeline import resolve
from napari_dip.settings import Denoise, Inpaint, SuperResolve

CPU = {"device": "cpu", "refinement": 0}
QUICK = {"device": "cpu", "iterations": 3}
DTYPES = [bool, "u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f2", "f4", "f8", ">u2", ">f4"]


def finish(restoration):
    snapshots = []
    return snapshots, finished(restoration, snapshots.append)


def test_denoising_brings_the_image_nearer_to_the_truth(clean, noisy):
    before = noisy.copy()
    restored = denoise(noisy, device="cpu", iterations=300)
    assert mse(clean, restored) < 0.5 * mse(clean, noisy)
    assert np.array_equal(noisy, before)


def test_noise_that_neighbours_share_is_not_fitted(clean):
    shared = gaussian_filter(np.random.default_rng(0).normal(size=clean.shape), 0.6)
    noisy = clean + 0.1 * shared / shared.std()
    _, result = finish(restore(noisy, Settings(device="cpu", iterations=200)))
    assert mse(clean, result.image) < 0.65 * mse(clean, noisy)
    assert result.reports[0].iterations < 200


@pytest.mark.slow
def test_super_resolution_beats_pixel_repetition(clean):
    from torch import from_numpy

    coarse = Downsample((2, 2))(from_numpy(clean)[None, None])[0, 0].numpy()
    restored = super_resolve(coarse, 2, device="cpu", iterations=250)
    repeated = coarse.repeat(2, 0).repeat(2, 1)
    assert mse(clean, restored) < 0.8 * mse(clean, repeated)


def test_inpainting_beats_the_mean_and_keeps_known_pixels(clean):
    missing = np.random.default_rng(0).random(clean.shape) < 0.5
    damaged = np.where(missing, 9, clean)
    restored = inpaint(damaged, missing, device="cpu", iterations=400)
    filled = restored[missing]
    assert mse(clean[missing], filled) < 0.3 * clean[missing].var()
    assert np.array_equal(restored[~missing], clean[~missing])


def test_inpainting_smooths_the_known_pixels_too_when_asked(noisy):
    missing = np.zeros(noisy.shape, dtype=bool)
    missing[3:6] = True
    restored = inpaint(noisy, missing, keep_known=False, **QUICK)
    assert not np.array_equal(restored[~missing], noisy[~missing])


def test_fine_texture_does_not_blur_filled_pixels(monkeypatch):
    truth = data.grass()[100:164, 100:164]
    gaps = np.random.default_rng(0).random(truth.shape) < 0.3

    def error(part):
        monkeypatch.setattr(resolve, "TRUSTED_IN_GAPS", part)
        filled = inpaint(truth, gaps, refinement=4, **QUICK | {"iterations": 40})
        return np.square(filled.astype(float) - truth)[gaps].mean()

    assert error(resolve.TRUSTED_IN_GAPS) < 0.9 * error(1)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("run", [denoise, super_resolve], ids=lambda run: run.__name__)
def test_the_dtype_and_the_range_come_back(dtype, run, noisy):
    dtype = np.dtype(dtype)
    image = noisy[:16, :17].clip(0, 1)
    image = image > 0.5 if dtype.kind == "b" else (image * 100).astype(dtype)
    restored = run(image, **QUICK)
    assert restored.dtype == dtype
    if dtype.kind != "b":
        margin = 0.06 * (float(image.max()) - float(image.min())) + 1
        assert image.min() - margin <= restored.min() <= restored.max() <= image.max() + margin


def test_float32_on_request(noisy):
    image = (noisy.clip(0, 1) * 50).astype(np.uint8)
    restored = denoise(image, dtype="float32", **QUICK)
    assert restored.dtype == np.float32
    assert (restored % 1 != 0).any()


@pytest.mark.parametrize(
    ("shape", "axes"),
    [
        pytest.param((17, 23), "YX", id="plane"),
        pytest.param((17, 23, 3), "YXS", id="rgb"),
        pytest.param((17, 23, 4), "YXS", id="rgba"),
        pytest.param((2, 17, 23), "CYX", id="channels"),
        pytest.param((17, 23, 2), "YXC", id="channels-last"),
        pytest.param((2, 1, 2, 9, 10), "TCZYX", id="hyperstack"),
        pytest.param((2, 9, 10, 3), "ZYXS", id="colour-stack"),
        pytest.param((1, 9, 10), "ZYX", id="singleton-z"),
    ],
)
def test_every_layout_keeps_its_axes(shape, axes):
    image = np.random.default_rng(0).random(shape)
    assert denoise(image, axes=axes, **QUICK).shape == shape
    wanted = tuple(3 * n if a in "YX" else n for a, n in zip(axes, shape, strict=True))
    assert super_resolve(image, 3, axes=axes, **QUICK).shape == wanted


def test_a_volume_is_restored_as_one(noisy):
    volume = np.stack([noisy[:12, :13]] * 5)
    _, result = finish(restore(volume, Settings(axes="ZYX", ndim=3, **QUICK)))
    assert result.image.shape == volume.shape
    assert len(result.reports) == 1
    assert result.factors == {"Z": 1, "Y": 1, "X": 1}


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


def test_alpha_is_kept():
    image = np.random.default_rng(0).integers(0, 255, (9, 10, 4), dtype=np.uint8)
    assert np.array_equal(denoise(image, axes="YXS", **QUICK)[..., 3], image[..., 3])
    finer = super_resolve(image, 2, axes="YXS", **QUICK)
    assert np.array_equal(finer[..., 3], image[..., 3].repeat(2, 0).repeat(2, 1))


def test_nan_is_filled_by_denoising(noisy):
    image = noisy.copy()
    image[5:8, 5:8] = np.nan
    image[20, 20] = np.inf
    assert np.isfinite(denoise(image, **QUICK)).all()
    assert np.isnan(image[6, 6])


def test_a_pixel_that_is_missing_costs_nothing_elsewhere(clean, noisy):
    settings = {"device": "cpu", "iterations": 30}
    holed = noisy.copy()
    holed[20, 20] = np.nan
    whole, holed = denoise(noisy, **settings), denoise(holed, **settings)
    assert mse(clean, holed) < 1.1 * mse(clean, whole)


@pytest.mark.parametrize("missing", ["pixels", "hole"])
def test_inpainting_denoises_known_pixels_as_denoising_does(clean, noisy, missing):
    settings = {"device": "cpu", "iterations": 30}
    gaps = np.zeros(clean.shape, bool)
    gaps[9:12, 9:12] = gaps[30, ::4] = True
    filled = inpaint(noisy, gaps, missing=missing, keep_known=False, **settings)
    denoised = denoise(noisy, **settings)
    assert mse(clean[~gaps], filled[~gaps]) < 1.2 * mse(clean[~gaps], denoised[~gaps])


def test_shared_planes_help_fill_missing_pixels(clean):
    stack = np.stack([clean] * 4)
    noisy = stack + np.random.default_rng(1).normal(0, 0.1, stack.shape)
    settings = {"device": "cpu", "axes": "ZYX", "iterations": 25}
    whole = denoise(noisy, **settings)
    noisy[np.random.default_rng(2).random(noisy.shape) < 0.02] = np.nan
    assert mse(stack, denoise(noisy, **settings)) < 1.2 * mse(stack, whole)


@pytest.mark.parametrize(
    ("side", "tile"), [(48, None), pytest.param(72, 64, marks=pytest.mark.slow)]
)
def test_shaken_frames_help_each_other(side, tile):
    scene = data.camera()[100:240, 200:340] / 255
    corners = [(29, 32), (33, 26), (27, 30), (32, 35)]
    frames = np.stack([scene[y : y + side, x : x + side] for y, x in corners])
    noisy = frames + np.random.default_rng(0).normal(0, 0.1, frames.shape)
    settings = Settings(device="cpu", axes="TYX", iterations=12, tile=tile, overlap=16)
    _, together = finish(restore(noisy, settings))
    _, alone = finish(restore(noisy, settings.replace(share="none")))
    assert mse(frames, together.image) < 0.7 * mse(frames, alone.image)
    assert "; planes up to 9 pixels apart were aligned)" in outcome(Path("x"), together)
    assert "aligned" not in outcome(Path("x"), alone)


@pytest.mark.parametrize("dtype", ["u2", "f4"])
def test_a_constant_image_comes_back_as_itself(dtype):
    image = np.full((9, 10), 7, dtype=dtype)
    assert np.array_equal(denoise(image, **QUICK), image)
    assert np.array_equal(super_resolve(image, 2, **QUICK), np.full((18, 20), 7, dtype=dtype))
    if dtype == "f4":
        image[3, 3] = np.nan
        assert (denoise(image, **QUICK) == 7).all()


def test_a_constant_plane_is_unchanged(noisy):
    stack = np.stack([noisy, np.full_like(noisy, 0.5)])
    _, result = finish(restore(stack, Settings(**QUICK)))
    assert (result.image[1] == 0.5).all()
    assert [report.index for report in result.reports] == [(0,)]


def test_the_same_seed_gives_the_same_bytes(noisy):
    # not refined: of fits that have hardly begun, the refinement takes nothing
    runs = [denoise(noisy, seed=seed, refinement=0, **QUICK) for seed in (4, 4, 5)]
    assert np.array_equal(runs[0], runs[1])
    assert not np.array_equal(runs[0], runs[2])


def test_each_plane_has_a_seed_from_its_number(noisy):
    stack = np.stack([noisy, noisy])
    quick = {"axes": "ZYX", "noise": 0.1, "refinement": 0} | QUICK
    both = denoise(stack, share="none", **quick)
    assert not np.array_equal(both[0], both[1])
    assert np.array_equal(both[0], denoise(noisy[None], **quick)[0])


def test_keywords_mean_the_same_as_in_settings(noisy):
    keywords = {
        "preset": "paper",
        "iterations": 2,
        "seed": 3,
        "device": "cpu",
        "axes": "YX",
        "noise": 0.1,
        "dtype": "float32",
    }
    mask = noisy > 1
    _, result = finish(restore(noisy, Settings(task=Inpaint(), **keywords), mask=mask))
    assert np.array_equal(result.image, inpaint(noisy, mask, **keywords))
    for run in (denoise, super_resolve):
        assert run(noisy[:16, :16], **keywords).dtype == np.float32


def test_a_given_noise_level_has_image_units(noisy):
    image = (1000 * noisy).clip(0).astype(np.uint16)
    quick = QUICK | {"stopping": "discrepancy"}
    _, given = finish(restore(image, Settings(noise=50.0, **quick)))
    _, estimated = finish(restore(image, Settings(**quick)))
    assert given.reports[0].noise["read"] == pytest.approx(50)
    assert estimated.reports[0].noise["read"] == pytest.approx(98, rel=0.15)


@pytest.mark.parametrize(
    "stopping",
    [
        "consensus",
        *(
            pytest.param(rule, marks=pytest.mark.slow)
            for rule in ("fixed", "es-wmv", "es-emv", "held-out", "discrepancy")
        ),
    ],
)
def test_the_result_says_which_rule_stopped_it(noisy, stopping):
    never = {"rule": "consensus", "patience": 200} if stopping == "consensus" else stopping
    settings = Settings(stopping=never, device="cpu", iterations=110, prior="skip-half")
    _, result = finish(restore(noisy[:16, :16], settings))
    (report,) = result.reports
    assert report.rule == stopping
    assert 1 <= report.best_iteration <= report.iterations == report.metric[-1][0] == 110
    json.dumps(result.provenance(), allow_nan=False)
    assert report.reason == "all 110 iterations done"


@pytest.mark.slow
def test_a_deconvolution_is_sharper_than_its_input(clean):
    from scipy.ndimage import convolve

    psf = np.full((3, 3), 2.0)
    blurred = convolve(clean, psf / psf.sum(), mode="nearest")
    settings = Settings(device="cpu", iterations=250, noise=1e-4, stopping="fixed")
    _, result = finish(restore(blurred, settings, psf=psf))
    assert mse(clean, result.image) < mse(clean, blurred)


def test_snapshots_say_where_the_run_stands(noisy):
    stack = np.stack([noisy[:16, :16]] * 2).astype(np.float64)
    settings = Settings(device="cpu", iterations=4, preview_every_s=0, axes="CYX", refinement=0)
    snapshots, result = finish(restore(stack, settings))
    assert [(s.unit, s.units, s.index) for s in snapshots] == [(0, 2, (0,))] * 4 + [
        (1, 2, (1,))
    ] * 4
    assert [(s.iteration, s.iterations) for s in snapshots] == [(i, 4) for i in range(1, 5)] * 2
    assert all(s.image.shape == (16, 16) and s.image.dtype == stack.dtype for s in snapshots)
    assert snapshots[-1].remaining_s == 0 < snapshots[0].remaining_s
    assert [s.elapsed_s for s in snapshots] == sorted(s.elapsed_s for s in snapshots)
    best = result.reports[1].best_iteration  # which need not be the last
    assert np.array_equal(snapshots[4 + best - 1].image, result.image[1])


def stop_after(iterations):
    """Ask for a stop in an iteration, counted over all planes."""
    asked = itertools.count(1)
    return lambda: next(asked) >= iterations


@pytest.mark.parametrize("dtype", ["float32", "uint16", "bool"])
@pytest.mark.parametrize("task", ["denoise", "super-resolve", "inpaint"])
def test_a_stop_leaves_planes_not_begun_empty(task, dtype):
    values = np.random.default_rng(0).random((4, 9, 10))
    stack = values > 0.5 if dtype == "bool" else (values * 100).astype(dtype)
    mask = np.zeros((9, 10), bool)
    mask[3:5, 3:5] = True
    settings = Settings(task=task, iterations=4, noise="none", axes="CYX", **CPU)
    steps = restore(stack, settings, mask=mask, stop_requested=stop_after(6))
    _, result = finish(steps)
    assert result.stopped_by_user
    assert (result.restored, result.partial) == (({"C": 0},), ({"C": 1},))
    assert result.empty == ({"C": 2}, {"C": 3})
    fill = np.nan if dtype == "float32" else 0
    np.testing.assert_array_equal(result.image[2:], np.full_like(result.image[2:], fill))
    assert np.isfinite(result.image[:2]).all()
    said = result.provenance()["planes"]
    assert said["partial"] == [{"C": 1, "iterations": 2, "most_iterations": 4}]
    assert said["in_words"].endswith(
        "channel 2 stopped after 2 of 4 iterations; channels 3–4 are empty"
    )


def test_a_stopped_stack_of_volumes_names_both_axes():
    stack = np.random.default_rng(0).random((3, 2, 4, 9, 10)).astype(np.float32)
    settings = Settings(axes="TCZYX", ndim=3, iterations=2, at_once=1, **CPU)
    _, result = finish(restore(stack, settings, stop_requested=stop_after(5)))
    assert result.coverage.in_words() == (
        "frame 1, channels 1–2 (2 of 6) denoised; frame 2, channel 1 stopped after 1 of 2 "
        "iterations; frame 2, channel 2 and frame 3, channels 1–2 are empty"
    )
    assert np.isnan(result.image[1, 1]).all()
    assert np.isfinite(result.image[1, 0]).all()


def test_unfinished_fits_have_no_spread(noisy):
    stack = np.stack([noisy[:16, :16], np.full((16, 16), 0.5), *[noisy[:16, :16]] * 3])
    settings = Settings(axes="CYX", members=2, iterations=2, at_once=1, **CPU)
    _, result = finish(restore(stack, settings, stop_requested=stop_after(6)))
    assert result.restored == ({"C": 0}, {"C": 1})
    known = np.isfinite(result.spread).all(axis=(1, 2))
    assert known.tolist() == [True, True, False, False, False]


def test_a_stop_leaves_later_windows_empty(noisy):
    clean = np.stack([noisy[:16, :16]] * 6)
    stack = clean + np.random.default_rng(0).normal(0, 0.2, clean.shape)
    settings = Settings(axes="ZYX", window=2, context=0, iterations=3, **CPU)
    snapshots, result = finish(restore(stack, settings, stop_requested=stop_after(4)))
    assert (snapshots[0].part, snapshots[-1].part) == ("planes 1–2 of 6", "planes 3–4 of 6")
    assert result.coverage.in_words() == (
        "planes 1–2 of 6 denoised; planes 3–4 stopped after 1 of 3 iterations; planes 5–6 are empty"
    )
    assert np.isnan(result.image).any(axis=(1, 2)).tolist() == [False] * 4 + [True] * 2


def test_empty_pixels_of_colours_are_transparent():
    stack = np.random.default_rng(0).random((3, 9, 10, 4)).astype(np.float32)
    settings = Settings(axes="ZYXS", iterations=2, at_once=1, **CPU)
    _, result = finish(restore(stack, settings, stop_requested=stop_after(1)))
    assert np.isnan(result.image[1:, ..., :3]).all()
    assert (result.image[1:, ..., 3] == 0).all()


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


def test_closing_the_generator_ends_the_run(noisy):
    restoration = restore(noisy, Settings(device="cpu", iterations=50))
    next(restoration)
    restoration.close()
    with pytest.raises(StopIteration):
        next(restoration)


def test_checks_are_made_at_the_call_not_later():
    with pytest.raises(BadImage):
        restore(np.zeros(3))
    with pytest.raises(BadSettings, match="sharpen"):
        denoise(np.zeros((9, 9)), sharpen=1)
    with pytest.raises(BadSettings, match="factor=1"):
        super_resolve(np.zeros((9, 9)), factor=1)


def test_axes_of_the_call_override_the_settings(noisy):
    restoration = restore(noisy[None], Settings(axes="TYX", **QUICK), axes="ZYX")
    assert finish(restoration)[1].axes == "ZYX"


def test_provenance_is_json_and_repeats_the_run(noisy):
    _, result = finish(restore(noisy, Settings(seed=8, **QUICK)))
    record = json.loads(json.dumps(result.provenance()))
    assert record["napari-dip"] == napari_dip.__version__
    assert set(record["versions"]) == {"python", "torch", "numpy", "scipy"}
    assert record["stop_reason"] == "all 3 iterations done"
    again = Settings.from_json(json.dumps(record["settings"]))
    assert np.array_equal(finish(restore(noisy, again))[1].image, result.image)


def test_importing_the_package_loads_neither_torch_nor_qt():
    code = """
import sys, napari_dip
napari_dip.Settings(), napari_dip.denoise, dir(napari_dip)
assert not {"torch", "napari", "qtpy", "magicgui", "superqt"} & set(sys.modules), sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="sharpen"):
        napari_dip.sharpen  # noqa: B018


# ---- noise, several fits, refinement -----------------------------------------------------------


@pytest.mark.slow
def test_refinement_brings_the_estimate_nearer_to_the_truth(clean, noisy):
    plain, refined = (
        finish(restore(noisy, Settings(device="cpu", iterations=60, refinement=passes)))[1]
        for passes in (0, 3)
    )
    assert mse(clean, refined.image) < mse(clean, plain.image)


def test_photon_noise_is_seen_and_made_even():
    rng = np.random.default_rng(0)
    truth = np.linspace(20, 2000, 64) * np.ones((64, 1))
    image = (100 + 5 * rng.poisson(truth / 5)).astype(np.uint16)
    _, result = finish(restore(image, Settings(**QUICK)))
    assert result.reports[0].noise["gain"] == pytest.approx(5, rel=0.2)
    _, gaussian = finish(restore(image, Settings(noise="gaussian", **QUICK)))
    assert gaussian.reports[0].noise["gain"] == 0
    given = SensorNoise(gain=5, offset=100, read=1)
    _, told = finish(restore(image, Settings(noise=given, **QUICK)))
    assert told.reports[0].noise["gain"] == 5
    assert told.image.dtype == np.uint16


def test_planes_of_a_channel_share_a_noise_estimate(noisy):
    stack = np.stack([np.stack([noisy, noisy[::-1]]), 10 * np.stack([noisy[::-1], noisy])])
    _, result = finish(restore(stack, Settings(axes="CZYX", **QUICK)))
    reads = [report.noise["read"] for report in result.reports]
    assert reads[0] == reads[1]
    assert reads[2] == reads[3] == pytest.approx(10 * reads[0])


@pytest.fixture
def stained(clean):
    """Two channels that show the same, with other gains and offsets; truth and seen."""
    truth = np.stack([100 + 40 * clean, 3000 + 9000 * clean])
    photons = np.random.default_rng(0).poisson([30 * clean, 120 * clean])
    return truth, np.stack([100 + 40 / 30 * photons[0], 3000 + 9000 / 120 * photons[1]])


def test_joint_channels_keep_their_scale_and_noise(stained):
    truth, seen = stained
    before = seen.copy()
    settings = Settings(axes="CYX", share="C", device="cpu", iterations=60)
    _, result = finish(restore(seen, settings))
    for own, noisy, restored in zip(truth, seen, result.image, strict=True):
        assert mse(own, restored) < 0.6 * mse(own, noisy)
    (report,) = result.reports
    assert [own["gain"] for own in report.noise] == pytest.approx([40 / 30, 9000 / 120], rel=0.4)
    assert np.array_equal(seen, before)
    assert json.loads(json.dumps(result.provenance()))["units"][0]["index"] == [[0, 2]]


def test_joint_channels_work_at_any_axis_position(stained):
    _, seen = stained
    stack = np.stack([seen, seen[:, ::-1]]).astype(np.uint16)
    quick = QUICK | {"share": "C", "refinement": 0}
    once = denoise(stack, axes="TCYX", **quick)
    last = denoise(stack.transpose(0, 2, 3, 1), axes="TYXC", **quick)
    assert once.dtype == np.uint16
    assert np.array_equal(once, last.transpose(0, 3, 1, 2))
    volume = denoise(stack.swapaxes(0, 1), axes="CZYX", ndim=3, **quick)
    assert volume.shape == (2, 2, 48, 56)


@pytest.mark.slow
def test_a_pixel_can_be_missing_in_one_channel(stained):
    truth, seen = stained
    missing = np.zeros(seen.shape, bool)
    missing[0] = np.random.default_rng(1).random(seen.shape[1:]) < 0.3
    damaged = np.where(missing, np.nan, seen)
    quick = {"device": "cpu", "iterations": 60, "refinement": 1}
    filled = inpaint(damaged, missing, axes="CYX", share="C", **quick)
    assert np.array_equal(filled[~missing], seen[~missing])
    hidden = truth[missing]
    assert mse(hidden, filled[missing]) < 0.3 * hidden.var()


def test_constant_channels_are_not_restored_jointly(stained):
    _, seen = stained
    image = np.stack([seen[0], np.full_like(seen[0], 7), seen[1]])
    restored = denoise(image, axes="CYX", share="C", refinement=0, **QUICK)
    assert np.array_equal(restored[1], image[1])


def test_several_fits_give_a_mean_and_spread(noisy):
    settings = Settings(members=3, preview_every_s=0, noise=0.1, **QUICK)
    snapshots, result = finish(restore(noisy, settings))
    (report,) = result.reports
    assert (report.members, report.iterations) == (3, 9)
    assert [s.iteration for s in snapshots] == list(range(1, 10))
    assert all(s.iterations == 9 for s in snapshots)
    assert result.spread.shape == noisy.shape
    assert result.spread.dtype == np.float32
    assert result.spread.mean() > 0
    _, single = finish(restore(noisy, Settings(noise=0.1, **QUICK)))
    assert single.spread is None


def test_the_spread_has_image_units(noisy):
    one, thousand = (
        finish(
            restore(scale * noisy, Settings(members=2, noise=scale * 0.1, refinement=0, **QUICK))
        )[1].spread
        for scale in (1, 1000)
    )
    assert thousand.mean() == pytest.approx(1000 * one.mean(), rel=0.05)


def test_an_offset_above_the_image_is_refused(noisy):
    with pytest.raises(BadImage, match="offset=100 is not below the brightest pixel"):
        restore(noisy, Settings(noise=SensorNoise(gain=1, offset=100)))


def test_the_spread_has_the_shape_of_rgba(noisy):
    rgba = (255 * np.stack([noisy] * 4, axis=-1)).clip(0, 255).astype(np.uint8)
    _, result = finish(restore(rgba, Settings(members=2, axes="YXS", **QUICK)))
    assert result.spread.shape == rgba.shape
    assert (result.spread[..., 3] == 0).all()


def test_stopping_in_the_second_fit_keeps_the_first(noisy):
    calls = []

    def stop():
        calls.append(1)
        return len(calls) == 5

    _, result = finish(restore(noisy, Settings(members=3, **QUICK), stop_requested=stop))
    assert result.stopped_by_user
    assert (result.reports[0].members, result.reports[0].iterations) == (2, 5)
    _, first = finish(restore(noisy, Settings(members=1, **QUICK)))
    assert np.array_equal(result.image, first.image)
    assert result.spread is None


def test_a_new_fit_does_not_degrade_the_preview(noisy):
    settings = Settings(members=2, preview_every_s=0, **QUICK)
    snapshots, _ = finish(restore(noisy, settings))
    _, first = finish(restore(noisy, settings.replace(members=1)))
    assert all(np.array_equal(snapshot.image, first.image) for snapshot in snapshots[3:])


@pytest.mark.parametrize("preset", ["fast", "best"])
def test_each_preset_does_each_task(noisy, preset):
    image, mask = noisy[:24, :24], noisy[:24, :24] > 0.9
    for task, hidden in ((Denoise(), None), (Inpaint(), mask), (SuperResolve(), None)):
        settings = Settings(task=task, preset=preset, device="cpu", iterations=2)
        _, result = finish(restore(image, settings, mask=hidden))
        assert np.isfinite(result.image).all()
        assert (result.spread is not None) == (preset == "best")


@pytest.mark.parametrize(
    "how",
    [
        pytest.param({"task": "denoise"}, id="denoise"),
        # What is noisy would be denoised first, by so many iterations, too.
        pytest.param(
            {"task": "super-resolve", "noise": "none"}, id="super-resolve", marks=pytest.mark.slow
        ),
        pytest.param({"preset": "best", "members": 1}, id="best", marks=pytest.mark.slow),
    ],
)
def test_continuing_gives_the_bytes_of_one_run(noisy, how):
    noisy = noisy[:24, :32]
    asked = Settings(**how, stopping="fixed", iterations=20, device="cpu")
    whole = finish(restore(noisy, asked))[1]
    first = finish(restore(noisy, asked.replace(iterations=10), keep_network=True))[1]
    before = first.image.copy()
    snapshots, continued = finish(first.continued(10))
    assert np.array_equal(continued.image, whole.image)
    assert np.array_equal(first.image, before)
    assert snapshots[0].iteration > 10
    assert snapshots[-1].iterations == 20
    assert continued.reports[0].iterations == 20
    assert continued.elapsed_s > first.elapsed_s
    assert continued.provenance()["continued_at"] == [10]
    assert not continued.final
    with pytest.raises(BadSettings, match="the later result"):
        first.continued(1)


@pytest.mark.parametrize(
    ("image", "settings", "why"),
    [
        (np.zeros((2, 16, 16)), {"share": "none"}, "network of its own"),
        (np.zeros((1, 16, 16)), {"members": 2}, "several fits"),
        (np.zeros((1, 66, 66)), {"tile": 64, "overlap": 2}, "tiles"),
    ],
    ids=["units", "members", "tiles"],
)
def test_results_of_several_networks_cannot_continue(image, settings, why):
    image = image + np.random.default_rng(0).normal(size=image.shape)
    asked = Settings(iterations=2, axes="ZYX", device="cpu", **settings)
    result = finish(restore(image, asked, keep_network=True))[1]
    assert why in result.final
    report = result.reports[0]
    tiles, members = (4 if "tile" in settings else 1), settings.get("members", 1)
    assert (report.tiles, report.members) == (tiles, members)
    with pytest.raises(BadSettings, match=why):
        result.continued(1)


def test_a_network_is_kept_on_request_alone(noisy):
    result = finish(restore(noisy, Settings(iterations=2, device="cpu")))[1]
    with pytest.raises(BadSettings, match="not kept"):
        result.continued(1)


def test_time_spent_in_a_pause_is_not_counted(noisy):
    paused = []

    def stop():
        if not paused:
            paused.append(time.sleep(0.5))
        return False

    asked = Settings(iterations=5, refinement=0, device="cpu")
    restoration = restore(noisy, asked, stop_requested=stop)
    began = time.monotonic()
    _, result = finish(restoration)
    assert time.monotonic() - began - result.elapsed_s >= 0.5


def test_decimation_stripes_do_not_count_as_clipping():
    y, x = np.mgrid[:64, :64]
    wander = 20 * gaussian_filter(np.random.default_rng(0).normal(size=(64, 64)), 8)
    truth = (300 * np.sin(2 * np.pi * (x + 0.3 * y) / 12 + wander) - 60).clip(0, 255)
    fine = torch.from_numpy(truth.astype(np.float32))[None, None]
    seen = Downsample((2, 2), "lanczos2")(fine)[0, 0].numpy().clip(0, 255)
    found = estimate_noise(seen, decimated=True)
    assert found.low == 0
    assert not found.sure
    restored = super_resolve(seen, 2, axes="YX", device="cpu", iterations=60)
    cubic = zoom(seen, 2, order=3, mode="nearest", grid_mode=True)
    assert np.square(restored - truth).mean() < 0.5 * np.square(cubic - truth).mean()
