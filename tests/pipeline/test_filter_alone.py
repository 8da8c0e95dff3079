"""The patch filter alone, without a network, as a comparison."""

import numpy as np
import pytest
from skimage import data

from napari_dip import Settings, denoise, restore
from napari_dip.errors import BadSettings
from napari_dip.generators import finished

ALONE = {"prior": "none", "device": "cpu"}


@pytest.fixture
def scene():
    """Bricks, 64 x 64, in 0..1."""
    return data.brick()[100:164, 100:164] / 255


def noisy_version(scene):
    return scene + np.random.default_rng(0).normal(0, 0.1, scene.shape)


def error(image, scene):
    return np.mean((image - scene) ** 2)


def test_a_plane_is_denoised_without_a_network(scene):
    noisy = noisy_version(scene)
    before = noisy.copy()
    settings = Settings(**ALONE, noise=0.1, axes="YX")
    result = finished(restore(noisy, settings))
    assert error(result.image, scene) < 0.25 * error(noisy, scene)
    (report,) = result.reports
    assert report.reason == "filtered without a network"
    assert report.steps == ("Filter groups of similar patches, without a network.",)
    assert result.uncertainty is None
    np.testing.assert_array_equal(noisy, before)
    np.testing.assert_array_equal(finished(restore(noisy, settings)).image, result.image)


def test_a_stack_is_better_than_its_planes(scene):
    stack = np.stack([scene] * 4)
    noisy = noisy_version(stack)
    together = denoise(noisy, axes="ZYX", noise=0.1, **ALONE)
    alone = denoise(noisy, axes="ZYX", noise=0.1, share="none", **ALONE)
    assert error(together, stack) < 0.7 * error(alone, stack)


def test_missing_pixels_are_interpolated_first(scene):
    noisy = noisy_version(scene)
    gaps = np.random.default_rng(1).random(scene.shape) < 0.1
    filled = denoise(np.where(gaps, np.nan, noisy), axes="YX", noise=0.1, **ALONE)
    assert np.isfinite(filled).all()
    assert error(filled, scene) < 0.5 * error(noisy, scene)


def test_a_clean_image_stays_as_it_is(scene):
    same = denoise(scene, axes="YX", noise="none", **ALONE)
    np.testing.assert_allclose(same, scene, atol=1e-6)


@pytest.mark.parametrize(
    ("others", "words"),
    [
        ({"task": "inpaint"}, "cannot inpaint; use task='denoise'"),
        ({"members": 2, "iterations": 3}, "leave out iterations, members"),
        ({"refinement": 0}, "switched off"),
        ({"preset": "paper"}, "use preset='fast'"),
    ],
    ids=["task", "fit options", "no filter", "paper"],
)
def test_options_of_a_fit_are_refused(others, words):
    with pytest.raises(BadSettings, match=words):
        Settings(**ALONE, **others)


def test_deconvolution_is_refused(scene):
    with pytest.raises(BadSettings, match="cannot deconvolve"):
        denoise(scene, psf=np.ones((3, 3)) / 9, axes="YX", **ALONE)
