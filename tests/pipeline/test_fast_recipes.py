"""Test the recipes of ``fast`` and ``best``."""

import numpy as np
import pytest

from napari_dip.noise.poisson_gaussian import PoissonGaussian
from napari_dip.pipeline.block import Block
from napari_dip.pipeline.presets import recipe
from napari_dip.pipeline.restore_block import pipeline_of
from napari_dip.settings import Consensus, Denoise, Fixed, Inpaint, Settings, SuperResolve


@pytest.mark.parametrize(("shape", "factor"), [((16, 400), 1), ((16, 200), 2)], ids=str)
def test_the_network_of_large_results_is_deeper(shape, factor):
    task = SuperResolve(factor=factor) if factor > 1 else Denoise()

    def levels(preset, *shape):
        block = Block(np.zeros((1, *shape)), np.ones((1, *shape), bool), (PoissonGaussian(),))
        return len(pipeline_of(block, Settings(preset=preset, task=task)).recipe.network.down)

    assert levels("fast", *shape) == levels("best", *shape) == 5
    assert levels("fast", *(side // 2 for side in shape)) == 4
    assert levels("paper", *shape) == levels("paper", 16, 16) == 5


@pytest.mark.parametrize("preset", ["fast", "best"])
def test_fast_and_best_stop_automatically_with_noise(preset):
    for task in (Denoise(), SuperResolve(), Inpaint(), Inpaint(missing="hole")):
        chosen = recipe(Settings(task=task, preset=preset), hole="hole")
        assert chosen.stopping == (Fixed() if task == SuperResolve() else Consensus())
        assert chosen.precision == "auto"
        assert (chosen.members > 1) == (preset == "best")


def test_along_z_only_given_noise_is_regularised():
    task = SuperResolve(axis="Z")
    estimated = recipe(Settings(task=task), sigma=0.1).tv_weight
    given = recipe(Settings(task=task, noise=25.0), sigma=0.1).tv_weight
    assert given > 5 * estimated > 0


def test_regularisation_follows_the_noise_level():
    weak, strong = (recipe(Settings(), sigma=sigma).tv_weight for sigma in (0.02, 0.1))
    assert strong == pytest.approx(5 * weak)
