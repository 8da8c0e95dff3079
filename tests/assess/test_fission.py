"""A fission gives two images with independent noise and the same mean."""

import numpy as np
import pytest

from napari_dip import Settings
from napari_dip.assess.crop import crop
from napari_dip.assess.fission import clipped_sigma, fission, split
from napari_dip.errors import BadImage
from napari_dip.image.problem import make_problem
from napari_dip.noise.poisson_gaussian import PoissonGaussian
from napari_dip.noise.synthesis import add_noise, unit_noise

GAUSSIAN = PoissonGaussian(read=5.0)
CAMERA = PoissonGaussian(gain=2.0, offset=10.0, read=3.0)
ALONG_X = PoissonGaussian(read=5.0, correlation=((), (0.4,)))
CLIPPED = PoissonGaussian(read=20.0, low=0.0, high=255.0)


@pytest.fixture
def truth():
    """A ramp from 20 to 120 of 256 × 256 pixels."""
    return np.tile(np.linspace(20, 120, 256, dtype=np.float32), (256, 1))


def noisy(truth, noise, seed=1):
    return add_noise(truth, noise, unit_noise(truth.shape, noise.correlation, seed))


@pytest.mark.parametrize("noise", [GAUSSIAN, CAMERA, ALONG_X], ids=["gaussian", "camera", "rows"])
@pytest.mark.parametrize("ratio", [1.0, 0.5])
def test_noise_of_halves_is_independent(truth, noise, ratio):
    first, second = split(noisy(truth, noise), truth, noise, seed=2, ratio=ratio)
    one, other = first - truth, second - truth
    sigmas = one.std() * other.std()
    for shift in (0, 1, 2):  # along X, where the noise may be correlated
        products = one[:, : 256 - shift] * other[:, shift:]
        assert abs(products.mean()) < 4 * sigmas * 1.5 / 256


@pytest.mark.parametrize("noise", [GAUSSIAN, CAMERA, CLIPPED], ids=["gaussian", "camera", "clip"])
def test_halves_have_the_mean_of_the_image(truth, noise):
    image = noisy(truth, noise)
    first, second = split(image, truth, noise, seed=2)
    np.testing.assert_allclose((first + second) / 2, image, atol=1e-3)
    expected = noise.sigma(70.0) / 256
    assert abs(first.mean() - image.mean()) < 4 * expected
    assert abs(second.mean() - image.mean()) < 4 * expected


def test_poisson_noise_of_halves_is_independent(truth):
    image = np.random.default_rng(0).poisson(truth).astype(np.float32)
    first, second = split(image, truth, PoissonGaussian(gain=1.0), seed=3)
    correlation = np.corrcoef((first - truth).ravel(), (second - truth).ravel())[0, 1]
    assert abs(correlation) < 4 / 256


def test_variances_follow_the_ratio(truth):
    first, second = split(noisy(truth, GAUSSIAN), truth, GAUSSIAN, seed=2, ratio=0.5)
    assert (first - truth).var() == pytest.approx(25 * 1.25, rel=0.03)
    assert (second - truth).var() == pytest.approx(25 * 5, rel=0.03)


def test_clipped_noise_is_as_small_as_measured():
    for mean in (-10.0, 0.0, 30.0, 250.0):
        values = noisy(np.full((512, 512), mean, np.float32), CLIPPED)
        assert clipped_sigma(np.array(mean), CLIPPED) == pytest.approx(values.std(), rel=0.02)


def test_missing_pixels_stay_missing(truth):
    image = noisy(truth, GAUSSIAN)
    image[3, 4] = np.nan
    halves = split(image, truth, GAUSSIAN, seed=0)
    assert all(np.isnan(half).sum() == 1 and np.isnan(half[3, 4]) for half in halves)


def test_seed_of_settings_gives_the_bytes(truth):
    image = noisy(truth, CAMERA).astype(np.uint16)

    def halves(seed):
        problem = make_problem(image, Settings(seed=seed, device="cpu"), None, None)
        return fission(crop(problem, truth)).first.tobytes()

    before = image.copy()
    assert halves(0) == halves(0) != halves(1)
    assert (image == before).all()


def test_planes_and_channels_have_noise_of_their_own():
    image = np.random.default_rng(0).normal(50, 5, (2, 3, 64, 64)).astype(np.float32)
    problem = make_problem(image, Settings(axes="CZYX", device="cpu"), None, None)
    part = crop(problem, np.full(image.shape, 50.0))
    added = fission(part).first - image
    planes = added.reshape(6, -1)
    correlations = np.corrcoef(planes) - np.eye(6)
    assert np.abs(correlations).max() < 0.1
    assert fission(part).first_noises[1].read == pytest.approx(
        np.sqrt(2) * part.noises[1].read, rel=1e-6
    )


def test_image_without_noise_cannot_be_split(truth):
    problem = make_problem(truth, Settings(noise="none", device="cpu"), None, None)
    with pytest.raises(BadImage, match="no noise"):
        fission(crop(problem, truth))


def test_refined_image_cannot_be_split(truth):
    settings = Settings(task="super-resolve", noise=5.0, device="cpu")
    problem = make_problem(truth, settings, None, None)
    fine = np.kron(truth, np.ones((2, 2)))
    with pytest.raises(BadImage, match="not refined"):
        fission(crop(problem, fine))
