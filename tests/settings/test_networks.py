"""Test that names of networks stand for architectures, and that none is replaced."""

import pytest

from napari_dip.errors import BadSettings
from napari_dip.settings import NETWORKS, register_network
from napari_dip.settings.architectures import Architecture, SkipNet, UNet

PRESET = SkipNet((16, 32), (16, 32), (4, 4), upsampling="nearest")


@pytest.mark.parametrize("name", NETWORKS)
def test_each_name_gives_an_architecture(name):
    assert isinstance(NETWORKS[name].architecture(PRESET), Architecture)


def test_some_names_change_the_presets_network():
    skip, half, hourglass = (
        NETWORKS[name].architecture(PRESET) for name in ("skip", "skip-half", "hourglass")
    )
    assert skip == PRESET
    assert half.skip_after_down
    assert (hourglass.skip, hourglass.down) == ((0, 0), PRESET.down)


def test_a_known_network_is_not_replaced():
    known = NETWORKS["unet"]
    with pytest.raises(BadSettings, match="'unet' exists; choose another name"):
        register_network("unet", lambda _: UNet((4, 8)))
    assert NETWORKS["unet"] is known


def test_a_network_can_be_registered_again(monkeypatch):
    monkeypatch.setattr("napari_dip.settings.networks.NETWORKS", table := {})
    for widths in ((4, 8), (8, 16)):
        register_network("small", lambda _, widths=widths: UNet(widths), code_channels=2)
    assert table["small"].architecture(PRESET) == UNet((8, 16))
    assert table["small"].changes == {"code_channels": 2}
