"""Estimate the quality and the error of JPEG compression from the decoded image."""

import numpy as np
import pytest
from skimage import data
from skimage.metrics import peak_signal_noise_ratio

from napari_dip import denoise
from napari_dip.errors import BadImage
from napari_dip.noise.jpeg import compress_jpeg, jpeg_error, jpeg_quality

CAMERA = data.camera()[64:192, 128:256]


@pytest.mark.parametrize("quality", [10, 20, 40, 75, 90])
def test_quality_is_found(quality):
    assert jpeg_quality(compress_jpeg(CAMERA, quality)) == quality


def test_quality_of_a_crop_is_found():
    assert jpeg_quality(compress_jpeg(CAMERA, 20)[3:, 5:]) == 20


@pytest.mark.parametrize("quality", [10, 40])
def test_error_is_near_the_true_one(quality):
    seen = compress_jpeg(CAMERA, quality)
    true = np.sqrt(np.mean((seen.astype(float) - CAMERA) ** 2))
    assert jpeg_error(seen) == pytest.approx(true, rel=0.3)


def test_image_without_blocks_is_refused():
    noisy = np.random.default_rng(0).normal(CAMERA, 9).clip(0, 255).astype(np.uint8)
    with pytest.raises(BadImage, match="has no JPEG blocks"):
        denoise(noisy, artefact="jpeg", device="cpu")
    with pytest.raises(BadImage, match="from 0 to 255"):
        denoise(noisy * np.uint16(100), artefact="jpeg", device="cpu")


@pytest.mark.parametrize("colour", [False, True])
def test_denoising_removes_blocks(colour):
    truth = data.astronaut()[:48, 200:248] if colour else CAMERA[32:80, 32:80]
    seen = compress_jpeg(truth, 10)
    restored = denoise(seen, artefact="jpeg", iterations=60, device="cpu")
    before, after = (peak_signal_noise_ratio(truth, one) for one in (seen, restored))
    assert after > before + 0.4
