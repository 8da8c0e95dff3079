"""Architectures are frozen values whose levels agree."""

from dataclasses import FrozenInstanceError

import pytest

from napari_dip.pipeline.presets import recipe
from napari_dip.settings import NETWORKS, Settings
from napari_dip.settings.architectures import Architecture, SkipNet


@pytest.mark.parametrize("network", Architecture.__subclasses__())
def test_architecture_is_a_frozen_value(network):
    one = network()
    assert one == network()
    assert hash(one) == hash(network())
    for name in vars(one):
        with pytest.raises(FrozenInstanceError):
            setattr(one, name, 3)


@pytest.mark.parametrize("preset", ["fast", "best", "paper"])
@pytest.mark.parametrize("name", [name for name in NETWORKS if name != "none"])
def test_levels_of_a_named_network_agree(name, preset):
    chosen = recipe(Settings(prior=name, preset=preset)).network
    assert isinstance(chosen, Architecture)
    if isinstance(chosen, SkipNet):
        assert len(chosen.down) == len(chosen.up) == len(chosen.skip)
