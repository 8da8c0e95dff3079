"""Estimate noise of many kinds on images of many kinds."""

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from skimage import data

from napari_dip.dip.operators import Downsample
from napari_dip.noise.estimate import estimate_noise
from napari_dip.noise.poisson_gaussian import PoissonGaussian

GAIN, OFFSET, READ = 3.0, 100.0, 4.0


def cells(photons=100):
    """Return expected photon counts of scikit-image's cell, up to a maximum."""
    clean = data.cell()[:400].astype(np.float64)
    return photons * (clean - clean.min()) / np.ptp(clean)


def camera_image(photons, seed=0):
    rng = np.random.default_rng(seed)
    return OFFSET + GAIN * rng.poisson(photons) + rng.normal(0, READ, photons.shape)


@pytest.mark.parametrize(
    # The texture of the photograph adds to weak noise.
    ("sigma", "tolerance"),
    [(5, 0.3), (25, 0.05), (50, 0.05)],
)
@pytest.mark.parametrize("signal_dependent", [True, False])
def test_gaussian_noise_is_found_on_a_photograph(sigma, tolerance, signal_dependent):
    clean = data.camera().astype(np.float64)
    noisy = clean + np.random.default_rng(0).normal(0, sigma, clean.shape)
    found = estimate_noise(noisy, signal_dependent=signal_dependent)
    assert found.sigma(128.0) == pytest.approx(sigma, rel=tolerance)
    assert not found.correlated


@pytest.mark.parametrize("photons", [30, 100])
def test_gain_and_read_noise_are_found(photons):
    ramp = np.linspace(0, photons, 300) * np.ones((300, 1))
    found = estimate_noise(camera_image(ramp))
    assert found.gain == pytest.approx(GAIN, rel=0.1)
    in_the_dark = found.sigma(OFFSET) if found.offset < OFFSET else found.read
    expected = np.sqrt(READ**2 + GAIN * max(found.offset - OFFSET, 0))
    assert in_the_dark == pytest.approx(expected, rel=0.1)


@pytest.mark.parametrize("image", [cells, lambda: data.camera() / 4.0], ids=["cell", "camera"])
def test_noise_is_found_at_every_intensity(image):
    photons = image()
    found = estimate_noise(camera_image(photons))
    for level in np.percentile(photons, [10, 50, 90]):
        expected = np.sqrt(GAIN**2 * level + READ**2)
        assert found.sigma(OFFSET + GAIN * level) == pytest.approx(expected, rel=0.1)


def test_zeros_from_few_photons_are_not_clipping():
    photons = 10 * data.cell()[200:328, 200:328] / 255.0
    found = estimate_noise(np.random.default_rng(0).poisson(photons) * 20)
    assert found.gain == pytest.approx(20, rel=0.2)


@pytest.mark.parametrize("most", [10, 40])
@pytest.mark.parametrize("image", ["camera", "coins"])
def test_gain_is_found_beside_parts_without_photons(image, most):
    photons = most / 255.0 * getattr(data, image)()[60:252, 60:252]
    found = estimate_noise(np.random.default_rng(0).poisson(photons) * 20)
    levels = np.percentile(photons, [5, 25, 50, 75, 95])
    expected = 20 * np.sqrt(np.maximum(levels, 0.3))
    assert found.sigma(20 * levels) == pytest.approx(expected, rel=0.25)


@pytest.mark.parametrize("padding", ["beside", "around", "half"])
@pytest.mark.parametrize("value", [0, 60_000])
def test_padding_does_not_change_the_estimate(padding, value):
    photons = cells()[200:328, 200:328]
    bare = camera_image(photons)
    inside = {"beside": np.s_[3:, 7:], "around": np.s_[10:-10, 10:-10], "half": np.s_[64:]}[padding]
    padded = np.full(bare.shape, float(value))
    padded[inside] = bare[inside]
    found, expected = estimate_noise(padded), estimate_noise(bare[inside])
    levels = OFFSET + GAIN * np.percentile(photons, [5, 50, 95])
    assert found.sigma(levels) == pytest.approx(expected.sigma(levels), rel=0.02)


def test_removed_background_does_not_change_the_estimate():
    mask = gaussian_filter(np.random.default_rng(0).normal(size=(128, 128)), 8) > 0
    found = estimate_noise(np.random.default_rng(0).poisson(60.0 * mask) * 4)
    assert found.sigma(240) == pytest.approx(4 * np.sqrt(60), rel=0.1)
    assert found.low == -np.inf


def test_photons_are_counted_in_a_small_image():
    photons = np.random.default_rng(0).poisson(data.coins()[64:96, 64:96] / 60.0)
    assert estimate_noise(3.0 * photons).gain == pytest.approx(3, rel=0.1)


@pytest.mark.parametrize("sigma", [25, 60])
def test_clipped_noise_of_a_dark_image_is_found(sigma):
    dark = data.cell()[100:356, 100:356] / 8.0
    noisy = dark + np.random.default_rng(0).normal(0, sigma, dark.shape)
    found = estimate_noise(noisy.clip(0, 255).round())
    assert found.low == 0
    assert found.gain == 0
    assert found.read == pytest.approx(sigma, rel=0.2)


@pytest.mark.parametrize("unit", [1e-6, 1e6])
def test_clipped_noise_is_found_in_any_unit(unit):
    dark = data.cell()[100:228, 100:228] / 8.0
    noisy = (dark + np.random.default_rng(0).normal(0, 25, dark.shape)).clip(0)
    found = estimate_noise(noisy * unit)
    assert found.sigma(30 * unit) == pytest.approx(unit * estimate_noise(noisy).sigma(30), rel=1e-3)


def test_aliased_texture_is_not_sure_noise():
    fine = torch.from_numpy(data.brick()[:192, :192].astype(np.float32))[None, None]
    aliased = Downsample((2, 2))(fine)[0, 0].numpy()
    noisy = aliased + np.random.default_rng(0).normal(0, 10, aliased.shape)
    assert not estimate_noise(aliased, decimated=True).sure
    found = estimate_noise(noisy, decimated=True)
    assert found.sure
    assert found.sigma(128.0) == pytest.approx(10, rel=0.2)


def test_planes_are_used_together():
    planes = np.stack([np.full((24, 24), level) for level in np.linspace(1, 100, 25)])
    noisy = camera_image(planes)
    assert estimate_noise(noisy).gain == pytest.approx(GAIN, rel=0.1)
    assert estimate_noise(noisy[12]).gain == 0


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(9000, 2500), (40, 600, 700)], ids=str)
def test_sample_of_a_large_image_is_enough(shape):
    y = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    assert estimate_noise(y).sigma(0.0) == pytest.approx(1, abs=0.02)


def test_unknown_pixels_are_ignored():
    y = np.random.default_rng(0).normal(size=(64, 65))
    known = np.ones(y.shape, bool)
    known[::5, ::7] = False
    found = estimate_noise(np.where(known, y, 1e6), known)
    assert found.sigma(0.0) == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("shape", [(8, 8), (2, 9), (1, 1), (3, 3)])
def test_image_without_known_block_has_no_estimate(shape):
    y = np.random.default_rng(0).normal(size=shape)
    assert estimate_noise(y, np.zeros(shape, bool)) == PoissonGaussian()
    assert np.isfinite(estimate_noise(y).sigma(0.0))


def test_correlated_noise_is_found_with_its_strength():
    white = np.random.default_rng(0).normal(size=(256, 256))
    noise = gaussian_filter(white, 0.7)
    clean = data.moon()[:256, :256]
    found = estimate_noise(clean + 15 * noise / noise.std())
    assert found.correlated
    assert found.sigma(128.0) == pytest.approx(15, rel=0.25)
    assert not estimate_noise(clean + 15 * white).correlated


@pytest.mark.parametrize(
    ("blur", "expected"),
    [
        pytest.param((0.6, 0.6), ((0.46, 0.07), (0.46, 0.07)), id="blurred"),
        pytest.param((1, 1), ((0.78, 0.37, 0.10), (0.78, 0.37, 0.10)), id="blurred-more"),
        pytest.param((0, 1), ((), (0.78, 0.37, 0.10)), id="along-X-alone"),
    ],
)
def test_correlation_is_found_along_each_axis(blur, expected):
    clean = data.moon()[:256, :256]
    noise = gaussian_filter(np.random.default_rng(0).normal(size=clean.shape), blur)
    found = estimate_noise(clean + 15 * noise / noise.std())
    assert found.sigma(128.0) == pytest.approx(15, rel=0.15)
    for along, truth in zip(found.correlation, expected, strict=True):
        padded = [*along, 0, 0, 0][:3]
        assert padded == pytest.approx([*truth, 0, 0, 0][:3], abs=0.13)


def estimate_with_gaps(missing, blur):
    """Estimate noise of sigma 15 from the known pixels of a constant image."""
    random = np.random.default_rng(0)
    noise = gaussian_filter(random.normal(size=(192, 192)), blur)
    known = random.random(noise.shape) > missing
    return estimate_noise(100 + 15 * noise / noise.std(), known)


@pytest.mark.parametrize(
    ("missing", "blur", "tolerance"),
    [
        pytest.param(0.3, 0, 0.2, id="white-30"),
        pytest.param(0.5, 0, 0.4, id="white-50"),
        pytest.param(0.3, 1, 0.2, id="correlated-30"),
        pytest.param(
            0.5,
            1,
            0.4,
            id="correlated-50",
            marks=pytest.mark.xfail(reason="no pixels far enough apart are known in one block"),
        ),
    ],
)
def test_noise_is_found_beside_missing_pixels(missing, blur, tolerance):
    found = estimate_with_gaps(missing, blur)
    assert found.sigma(100.0) == pytest.approx(15, rel=tolerance)


@pytest.mark.parametrize("blur", [0, 1], ids=["white", "correlated"])
def test_too_few_known_neighbours_give_no_estimate(blur):
    assert estimate_with_gaps(0.8, blur).sigma(100.0) == 0


def test_stripes_are_not_correlated_noise():
    stripes = 60 * np.sin(np.arange(256) / 1.5) * np.linspace(0.2, 1, 256)[:, None]
    noisy = stripes + np.random.default_rng(0).normal(0, 5, stripes.shape)
    assert not estimate_noise(noisy).correlated


@pytest.mark.parametrize("crop", [0, 1, 2], ids=str)
def test_local_texture_is_not_correlated_noise(crop):
    tissue = data.immunohistochemistry()[100 * crop : 100 * crop + 96, 200:296, 1].astype(float)
    noisy = tissue + np.random.default_rng(0).normal(0, 5, tissue.shape)
    found = estimate_noise(noisy)
    assert not found.correlated
    assert 4 < np.mean(found.sigma(noisy)) < 9


def test_correlated_photon_noise_is_found():
    clean = data.moon()[:256, :256].astype(float)
    noise = gaussian_filter(np.random.default_rng(0).normal(size=clean.shape), 0.7)
    found = estimate_noise(clean + noise / noise.std() * np.sqrt(2 * clean))
    assert found.correlated
    assert found.sigma(100.0) == pytest.approx(np.sqrt(200), rel=0.25)


@pytest.mark.parametrize("image", [data.cell, data.camera, data.coins])
def test_correlated_noise_is_found_beside_clipped_pixels(image):
    clean = (image()[:256, :256].astype(float) - 60).clip(0)
    noise = gaussian_filter(np.random.default_rng(0).normal(size=clean.shape), 0.6)
    found = estimate_noise((clean + 15 * noise / noise.std()).clip(0).round())
    assert found.correlated
    assert found.sigma(30.0) == pytest.approx(15, rel=0.2)


def test_clipping_levels_are_found():
    clean = data.camera().astype(np.float64)
    noisy = clean + np.random.default_rng(0).normal(0, 25, clean.shape)
    clipped = estimate_noise(noisy.round().clip(0, 255).astype(np.uint8))
    assert (clipped.low, clipped.high) == (0, 255)
    assert clipped.sigma(128.0) == pytest.approx(25, rel=0.1)
    free = estimate_noise(noisy)
    assert (free.low, free.high) == (-np.inf, np.inf)


@pytest.mark.parametrize("unit", [1e-20, 1e-13, 1e9])
def test_correlated_noise_is_found_in_any_unit(unit):
    noise = gaussian_filter(np.random.default_rng(0).normal(size=(96, 96)), 0.6)
    found = estimate_noise(unit * (cells()[:96, :96] + 5 * noise / noise.std()))
    assert found.correlated
    assert found.read == pytest.approx(5 * unit, rel=0.2)
