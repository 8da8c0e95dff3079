"""The functions restore images of every dtype and layout."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter, zoom
from skimage import data
from skimage.metrics import mean_squared_error as mse

import napari_dip
from napari_dip import Settings, denoise, inpaint, restore, super_resolve
from napari_dip.dip.operators import Downsample
from napari_dip.errors import BadImage, BadSettings
from napari_dip.generators import finished
from napari_dip.noise.estimate import estimate_noise
from napari_dip.pipeline import resolve
from napari_dip.settings import Denoise, Inpaint, SuperResolve

QUICK = {"device": "cpu", "iterations": 3}
DTYPES = [bool, "u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f2", "f4", "f8", ">u2", ">f4"]
FEW = [bool, "i1", "u2", "f4", ">u2"]


def finish(restoration):
    snapshots = []
    return snapshots, finished(restoration, snapshots.append)


def test_denoising_brings_the_image_nearer_to_the_truth(clean, noisy):
    before = noisy.copy()
    restored = denoise(noisy, device="cpu", iterations=60)
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
    restored = inpaint(damaged, missing, device="cpu", iterations=150)
    filled = restored[missing]
    assert mse(clean[missing], filled) < 0.3 * clean[missing].var()
    assert np.array_equal(restored[~missing], clean[~missing])


def test_inpainting_smooths_the_known_pixels_too_when_asked(noisy):
    missing = np.zeros(noisy.shape, dtype=bool)
    missing[3:6] = True
    restored = inpaint(noisy, missing, keep_known=False, **QUICK)
    assert not np.array_equal(restored[~missing], noisy[~missing])


def test_fine_texture_does_not_blur_filled_pixels(monkeypatch):
    truth = data.grass()[100:148, 100:148]
    gaps = np.random.default_rng(0).random(truth.shape) < 0.3

    def error(part):
        monkeypatch.setattr(resolve, "TRUSTED_IN_GAPS", part)
        filled = inpaint(truth, gaps, refinement=4, **QUICK | {"iterations": 40})
        return np.square(filled.astype(float) - truth)[gaps].mean()

    assert error(resolve.TRUSTED_IN_GAPS) < 0.9 * error(1)


@pytest.mark.parametrize(
    ("run", "dtype"),
    [
        *((denoise, dtype) for dtype in DTYPES),
        *(
            pytest.param(super_resolve, dtype, marks=() if dtype in FEW else pytest.mark.slow)
            for dtype in DTYPES
        ),
    ],
)
def test_the_dtype_and_the_range_come_back(run, dtype, noisy):
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


def test_alpha_is_kept():
    image = np.random.default_rng(0).integers(0, 255, (9, 10, 4), dtype=np.uint8)
    assert np.array_equal(denoise(image, axes="YXS", **QUICK)[..., 3], image[..., 3])
    finer = super_resolve(image, 2, axes="YXS", **QUICK)
    assert np.array_equal(finer[..., 3], image[..., 3].repeat(2, 0).repeat(2, 1))


@pytest.mark.parametrize("dtype", ["u2", "f4"])
def test_a_constant_image_comes_back_as_itself(dtype):
    image = np.full((9, 10), 7, dtype=dtype)
    assert np.array_equal(denoise(image, **QUICK), image)
    assert np.array_equal(super_resolve(image, 2, **QUICK), np.full((18, 20), 7, dtype=dtype))
    if dtype == "f4":
        image[3, 3] = np.nan
        assert (denoise(image, **QUICK) == 7).all()


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


@pytest.mark.slow
def test_a_deconvolution_is_sharper_than_its_input(clean):
    from scipy.ndimage import convolve

    psf = np.full((3, 3), 2.0)
    blurred = convolve(clean, psf / psf.sum(), mode="nearest")
    settings = Settings(device="cpu", iterations=250, noise=1e-4, stopping="fixed")
    _, result = finish(restore(blurred, settings, psf=psf))
    assert mse(clean, result.image) < mse(clean, blurred)


def test_checks_are_made_at_the_call_not_later():
    with pytest.raises(BadImage):
        restore(np.zeros(3))
    with pytest.raises(BadSettings, match="sharpen"):
        denoise(np.zeros((9, 9)), sharpen=1)
    with pytest.raises(BadSettings, match="factor=1"):
        super_resolve(np.zeros((9, 9)), factor=1)


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


@pytest.mark.parametrize("preset", ["fast", "best"])
def test_each_preset_does_each_task(noisy, preset):
    image, mask = noisy[:24, :24], noisy[:24, :24] > 0.9
    for task, hidden in ((Denoise(), None), (Inpaint(), mask), (SuperResolve(), None)):
        settings = Settings(task=task, preset=preset, device="cpu", iterations=2)
        _, result = finish(restore(image, settings, mask=hidden))
        assert np.isfinite(result.image).all()
        assert (result.uncertainty is not None) == (preset == "best")


def test_decimation_stripes_do_not_count_as_clipping():
    y, x = np.mgrid[:64, :64]
    wander = 20 * gaussian_filter(np.random.default_rng(0).normal(size=(64, 64)), 8)
    truth = (300 * np.sin(2 * np.pi * (x + 0.3 * y) / 12 + wander) - 60).clip(0, 255)
    fine = torch.from_numpy(truth.astype(np.float32))[None, None]
    seen = Downsample((2, 2), "lanczos2")(fine)[0, 0].numpy().clip(0, 255)
    found = estimate_noise(seen, decimated=True)
    assert found.low == 0
    assert not found.sure
    restored = super_resolve(seen, 2, axes="YX", device="cpu", iterations=30)
    cubic = zoom(seen, 2, order=3, mode="nearest", grid_mode=True)
    assert np.square(restored - truth).mean() < 0.5 * np.square(cubic - truth).mean()
