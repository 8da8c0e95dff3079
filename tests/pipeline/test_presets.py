"""Test that settings change the recipe of a preset."""

import pytest

from napari_dip.pipeline.presets import recipe
from napari_dip.pipeline.stages import stage_settings
from napari_dip.settings import Inpaint, Settings, SuperResolve
from napari_dip.settings.architectures import Pixels, ResNet, SkipNet, UNet

GROWING = (16, 32, 64, 128, 128, 128)


def test_settings_override_the_preset():
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


def test_other_networks_have_their_published_rates():
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


@pytest.mark.parametrize("task", [SuperResolve(), Inpaint()], ids=lambda task: task.kind)
def test_shared_planes_get_the_iterations_of_single_planes(task):
    single, shared = (recipe(Settings(task=task, share=share)) for share in ("none", "Z"))
    assert (single.window, shared.window) == (1, 8)
    assert shared.iterations == single.iterations
    assert not shared.shared_iterations


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
    assert slow.iterations > 5 * usual.iterations


def test_pixel_sizes_of_the_optics_are_voxels():
    optics = {"na": 1.2, "ri": 1.33, "wavelength": 520, "pixel_size": 0.08, "z_step": 0.24}
    task = {"kind": "deconvolve"} | optics
    for voxel in (None, (9, 1, 1)):
        chosen = recipe(Settings(task=task, axes="ZYX", ndim=3, voxel=voxel))
        assert chosen.spacing == (0.24, 0.08, 0.08)
    known = recipe(Settings(task={"kind": "deconvolve"}, axes="ZYX", ndim=3, voxel=(3, 1, 1)))
    assert known.spacing == (3, 1, 1)
