"""The paper's table, line by line, and what settings change in it."""

import numpy as np
import pytest

from napari_dip.network.architectures import Pixels, ResNet, SkipNet, UNet
from napari_dip.noise.model import NoiseModel
from napari_dip.pipeline.block import Block
from napari_dip.pipeline.presets import recipe
from napari_dip.pipeline.restore_block import pipeline_of
from napari_dip.pipeline.stages import stage_settings
from napari_dip.settings import Consensus, Denoise, Fixed, Inpaint, Settings, SuperResolve

WIDE = (128,) * 5
GROWING = (16, 32, 64, 128, 128, 128)


@pytest.mark.parametrize(
    ("task", "known", "expected"),
    [
        pytest.param(
            Denoise(),
            {"sigma": 25 / 255},
            (WIDE, (4,) * 5, "bilinear", 0.01, 1 / 30, 1800, "noise", 32),
            id="sigma-25",
        ),
        pytest.param(
            Denoise(),
            {"sigma": 50 / 255},
            (WIDE, (4,) * 5, "bilinear", 0.01, 1 / 20, 1800, "noise", 32),
            id="sigma-50",
        ),
        pytest.param(
            Denoise(artefact="jpeg"),
            {},
            ((8, 16, 32, 64, 128), (0, 0, 0, 4, 4), "bilinear", 0.01, 1 / 30, 2400, "noise", 3),
            id="jpeg",
        ),
        pytest.param(
            SuperResolve(factor=4),
            {},
            (WIDE, (4,) * 5, "bilinear", 0.01, 0.03, 2000, "noise", 32),
            id="x4",
        ),
        pytest.param(
            SuperResolve(factor=8),
            {},
            (WIDE, (4,) * 5, "bilinear", 0.01, 0.05, 4000, "noise", 32),
            id="x8",
        ),
        pytest.param(
            Inpaint(),
            {"hole": "scratches"},
            (WIDE, (128,) * 5, "nearest", 0.01, 0.03, 6000, "noise", 32),
            id="scratches",
        ),
        pytest.param(
            Inpaint(),
            {"hole": "hole"},
            (WIDE, (0,) * 5, "nearest", 0.01, 0.03, 5000, "meshgrid", 2),
            id="hole",
        ),
        pytest.param(
            Inpaint(),
            {"hole": "large-hole"},
            (GROWING, (0,) * 6, "nearest", 0.01, 0, 3000, "noise", 1),
            id="large-hole",
        ),
        pytest.param(
            Inpaint(),
            {"hole": "pixels"},
            (WIDE, (4,) * 5, "bilinear", 0.001, 0.03, 11000, "noise", 32),
            id="pixels",
        ),
    ],
)
def test_paper_follows_the_published_table(task, known, expected):
    chosen = recipe(Settings(task=task, preset="paper"), **known)
    net = chosen.network
    found = (
        net.down,
        net.skip,
        net.upsampling,
        chosen.learning_rate,
        chosen.code_noise,
        chosen.iterations,
        chosen.code,
        chosen.code_channels,
    )
    assert found == expected
    assert net.up == net.down
    assert net.padding == "reflect"
    assert (chosen.averaging, chosen.tv_weight, chosen.stopping) == (0.99, 0, Fixed())


def test_what_the_caller_says_overrides_the_preset():
    settings = Settings(
        preset="paper",
        iterations=5,
        averaging=0.5,
        stopping="es-wmv",
        precision="bfloat16",
        prior={"code": "meshgrid", "code_noise": 0.2, "learning_rate": 0.3, "tv_weight": 0.4},
    )
    chosen = recipe(settings)
    assert (chosen.iterations, chosen.averaging, chosen.precision) == (5, 0.5, "bfloat16")
    assert chosen.stopping == settings.stopping
    assert (chosen.code, chosen.code_noise) == ("meshgrid", 0.2)
    assert (chosen.learning_rate, chosen.tv_weight) == (0.3, 0.4)
    assert chosen.network == SkipNet()


def test_the_other_priors_come_with_their_own_rates():
    by_name = {n: recipe(Settings(preset="paper", prior=n)) for n in ("unet", "resnet", "pixels")}
    assert by_name["unet"].network == UNet((8, 16, 32, 64, 128, 128))
    assert by_name["resnet"].network == ResNet(blocks=8, width=32)
    assert by_name["pixels"].network == Pixels()
    assert by_name["unet"].learning_rate == by_name["resnet"].learning_rate == 0.001
    for depth in (2, 4, 6):
        network = recipe(Settings(prior=f"encoder-decoder-{depth}")).network
        assert network == SkipNet(
            GROWING[:depth],
            GROWING[:depth],
            (0,) * depth,
            kernel_down=5,
            upsampling="nearest",
            pointwise_up=False,
        )


@pytest.mark.parametrize(("shape", "factor"), [((16, 400), 1), ((16, 200), 2)], ids=str)
def test_the_network_of_large_results_is_deeper(shape, factor):
    task = SuperResolve(factor=factor) if factor > 1 else Denoise()

    def levels(preset, *shape):
        block = Block(np.zeros((1, *shape)), np.ones((1, *shape), bool), (NoiseModel(),))
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


@pytest.mark.parametrize("task", [SuperResolve(), Inpaint()], ids=lambda task: task.kind)
def test_shared_planes_get_the_iterations_of_single_planes(task):
    lone, sharing = (recipe(Settings(task=task, share=share)) for share in ("none", "Z"))
    assert (lone.window, sharing.window) == (1, 8)
    assert sharing.iterations == lone.iterations
    assert not sharing.shared_iterations


def test_regularisation_follows_the_noise_level():
    weak, strong = (recipe(Settings(), sigma=sigma).tv_weight for sigma in (0.02, 0.1))
    assert strong == pytest.approx(5 * weak)


def test_along_z_only_given_noise_is_regularised():
    task = SuperResolve(axis="Z")
    estimated = recipe(Settings(task=task), sigma=0.1).tv_weight
    told = recipe(Settings(task=task, noise=25.0), sigma=0.1).tv_weight
    assert told > 5 * estimated > 0


def test_networks_without_muon_measurements_keep_adam():
    for name in ("unet", "resnet", "pixels"):
        assert recipe(Settings(prior=name)).optimiser == "adam"
    assert recipe(Settings(prior={"optimiser": "adam"})).optimiser == "adam"


def test_adam_gets_more_iterations_than_muon():
    asked = Settings(prior={"optimiser": "adam"})
    assert recipe(asked).iterations == 5 * recipe(Settings()).iterations
    assert recipe(asked.replace(iterations=7)).iterations == 7
    assert recipe(asked.replace(preset="paper")) == recipe(Settings(preset="paper"))
    slow, usual = (stage_settings(s.replace(task=SuperResolve()))[1] for s in (asked, Settings()))
    assert slow.iterations == 5 * usual.iterations
