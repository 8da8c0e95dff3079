"""The filter before a fit, and the fit that starts from it."""

import numpy as np
import pytest

from napari_dip import Settings, restore
from napari_dip.noise.poisson_gaussian import PoissonGaussian
from napari_dip.pipeline.block import Block
from napari_dip.pipeline.restore_block import prepare_member

SIGMA = 0.1


@pytest.fixture(scope="module")
def truth():
    """Smooth waves, 47 x 40."""
    rows, columns = np.indices((47, 40)) / 40
    return (0.5 + 0.3 * np.sin(5 * rows) * np.cos(4 * columns)).astype(np.float32)


@pytest.fixture(scope="module")
def noisy(truth):
    noise = np.random.default_rng(0).normal(0, SIGMA, truth.shape)
    return (truth + noise).astype(np.float32)


def mse(image, truth):
    return float(np.mean((image - truth) ** 2))


def test_previews_come_before_the_first_iteration(noisy, truth):
    settings = Settings(device="cpu", iterations=2, noise=SIGMA)
    before = [now for now in restore(noisy, settings) if not now.iteration]
    errors = [mse(now.image, truth) / mse(noisy, truth) for now in before]
    assert len(before) == 3
    assert all(now.image.shape == noisy.shape for now in before)
    assert errors[0] < 0.3
    assert max(errors[1:]) < 0.2


def test_previews_of_the_fit_stay_near_the_truth(noisy, truth):
    settings = Settings(device="cpu", iterations=5, noise=SIGMA, preview_every_s=0)
    previews = [now.image for now in restore(noisy, settings) if now.iteration]
    assert len(previews) == 5
    assert all(mse(image, truth) < 0.3 * mse(noisy, truth) for image in previews)


def test_first_estimate_is_an_input_of_the_network(noisy):
    block = Block(noisy[None], np.ones((1, *noisy.shape), bool), (PoissonGaussian(read=SIGMA),))
    member = prepare_member(block, Settings(), "cpu", seed=0)
    code = member.pipeline.fit.begin(member.data, member.context).input_code.code
    correlation = np.corrcoef(code[0, -1].numpy().ravel(), member.data.first.fine.ravel())
    assert correlation[0, 1] == pytest.approx(1)


def test_input_is_not_changed(noisy):
    before = noisy.copy()
    for _ in restore(noisy, Settings(device="cpu", iterations=1)):
        pass
    assert np.array_equal(noisy, before)
