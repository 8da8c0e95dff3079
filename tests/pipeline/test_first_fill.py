"""The fill before a fit, and the fit that starts from it."""

import numpy as np
import pytest
from skimage import data

from napari_dip import Inpaint, Settings, restore
from napari_dip.noise.poisson_gaussian import PoissonGaussian
from napari_dip.pipeline.block import Block
from napari_dip.pipeline.first_estimate import AverageWithFirst, FirstEstimate
from napari_dip.pipeline.fit_step import Fit
from napari_dip.pipeline.restore_block import prepare_member

SETTINGS = Settings(task=Inpaint(), device="cpu", iterations=2)


@pytest.fixture(scope="module")
def truth():
    """Woven cloth, 56 x 48, in 0..1."""
    return (data.brick()[100:156, 100:148] / 255).astype(np.float32)


@pytest.fixture(scope="module")
def known(truth):
    return np.random.default_rng(0).random(truth.shape) > 0.4


@pytest.fixture(scope="module")
def member(truth, known):
    values = np.where(known, truth, 0.5)[None]
    block = Block(values, known[None], (PoissonGaussian(),), hole="pixels")
    return prepare_member(block, SETTINGS, "cpu", seed=0)


def mse(image, truth):
    return float(np.mean((image - truth) ** 2))


def test_second_preview_has_texture_that_interpolation_lacks(truth, known):
    image = np.where(known, truth, np.nan)
    before = [now.image for now in restore(image, SETTINGS) if not now.iteration]
    interpolated, filled = before
    assert mse(filled[~known], truth[~known]) < 0.7 * mse(interpolated[~known], truth[~known])


def test_previews_of_the_fit_stay_near_the_truth(truth, known):
    image = np.where(known, truth, np.nan)
    settings = SETTINGS.replace(preview_every_s=0)
    previews = [now.image for now in restore(image, settings) if now.iteration]
    assert all(mse(each[~known], truth[~known]) < 0.7 * truth.var() for each in previews)


def test_filled_image_is_an_input_of_the_network(member):
    code = member.pipeline.fit.begin(member.data, member.context).input_code.code
    correlation = np.corrcoef(code[0, -1].numpy().ravel(), member.data.first.fine.ravel())
    assert correlation[0, 1] == pytest.approx(1)


def test_estimate_of_the_fit_is_averaged_with_it(member):
    data, steps = member.data, member.pipeline.every_step
    after = steps[steps.index(next(step for step in steps if isinstance(step, Fit))) + 1]
    assert isinstance(after, AverageWithFirst)
    averaged = after.apply(
        data.__class__(data.block, first=data.first, estimate=data.first.fine + 1), member.context
    )
    assert np.allclose(averaged.estimate, data.first.fine + 0.5)


def test_an_estimate_at_hand_is_kept(member):
    step = next(step for step in member.pipeline.steps if isinstance(step, FirstEstimate))
    running = step.run(member.data, member.context)
    with pytest.raises(StopIteration) as end:
        next(running)
    assert end.value.value is member.data


def test_known_pixels_hardly_change_in_the_fill(member, truth, known):
    assert np.abs(member.data.first.fine[0] - truth)[known].max() < 0.1
