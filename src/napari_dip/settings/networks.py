"""List the networks that ``prior.network`` can name, and what each changes in a preset."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from napari_dip.errors import BadSettings
from napari_dip.settings.architectures import NoNetwork, Pixels, ResNet, SkipNet, UNet
from napari_dip.settings.stopping import Fixed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from napari_dip.settings.architectures import Architecture

__all__ = ["NETWORKS", "NamedNetwork", "encoder_decoder", "register_network"]


@dataclass(frozen=True)
class NamedNetwork:
    """A network with a name.

    Parameters
    ----------
    architecture
        Returns the architecture, given that of the preset.
    changes
        Numbers of the preset's recipe that the network replaces, by their names in
        :class:`~napari_dip.dip.recipe.Recipe`. With ``optimiser="adam"``, the most iterations are
        enough for Adam.
    """

    architecture: Callable[[SkipNet], Architecture]
    changes: Mapping[str, Any] = field(default_factory=dict)


def encoder_decoder(depth: int) -> SkipNet:
    """Return the published encoder-decoder without skip connections.

    Examples
    --------
    >>> encoder_decoder(2).down
    (16, 32)
    """
    widths = (16, 32, 64, 128, 128, 128)[:depth]
    return SkipNet(
        widths, widths, (0,) * depth, kernel_down=5, upsampling="nearest", pointwise_up=False
    )


# as published: a code of one channel, and Adam with a low learning rate
_COMPARED = {"code_channels": 1, "optimiser": "adam", "learning_rate": 0.001}

NETWORKS = {
    "skip": NamedNetwork(lambda preset: preset),
    "skip-half": NamedNetwork(lambda preset: replace(preset, skip_after_down=True)),
    "hourglass": NamedNetwork(lambda preset: replace(preset, skip=(0,) * len(preset.down))),
    "encoder-decoder-2": NamedNetwork(lambda _: encoder_decoder(2), {"code_channels": 1}),
    "encoder-decoder-4": NamedNetwork(lambda _: encoder_decoder(4), {"code_channels": 1}),
    "encoder-decoder-6": NamedNetwork(lambda _: encoder_decoder(6), {"code_channels": 1}),
    "unet": NamedNetwork(lambda _: UNet(), _COMPARED),
    "resnet": NamedNetwork(lambda _: ResNet(), _COMPARED),
    # a comparison without a network has no other prior than the one asked for
    "pixels": NamedNetwork(
        lambda _: Pixels(), {"optimiser": "adam", "code_noise": 0.0, "guidance_decay": 0.0}
    ),
    # one iteration without a fit: the patch filter alone
    "none": NamedNetwork(
        lambda _: NoNetwork(),
        {
            "stopping": Fixed(),
            "iterations": 1,
            "shared_iterations": 0,
            "members": 1,
            "average_with_filter": False,
        },
    ),
}
"""The networks by their names."""


def register_network(
    name: str, architecture: Callable[[SkipNet], Architecture], **changes: Any
) -> None:
    """Make a network known by its name.

    ``napari_dip.network.build.build_layers`` needs a builder for its architecture.

    Parameters
    ----------
    name
        For ``prior.network``.
    architecture, changes
        Of the :class:`NamedNetwork`.

    Raises
    ------
    BadSettings
        If another module has registered the name.

    Examples
    --------
    >>> register_network("unet-small", lambda _: UNet((8, 16, 32)), code_channels=1)
    >>> from napari_dip.settings import Settings
    >>> Settings(prior="unet-small").prior.network
    'unet-small'
    >>> del NETWORKS["unet-small"]
    """
    known = NETWORKS.get(name)
    if known and known.architecture.__module__ != architecture.__module__:
        raise BadSettings(f"the network {name!r} exists; choose another name")
    NETWORKS[name] = NamedNetwork(architecture, changes)
