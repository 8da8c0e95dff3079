"""Define changes to the network, input code and optimiser of a preset."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from napari_dip.extensions import is_registered
from napari_dip.settings.frozen import Frozen
from napari_dip.settings.networks import NETWORKS

__all__ = ["Prior"]


def _checked_network(name: str) -> str:
    if not is_registered(name, NETWORKS):
        raise ValueError(f"choose one of {', '.join(map(repr, NETWORKS))}")
    return name


class Prior(Frozen):
    """Changes to the prior of a preset; ``None`` keeps the preset's choice.

    ``network`` is a name in :data:`~napari_dip.settings.networks.NETWORKS`.

    ``network="pixels"`` optimises the pixels themselves: with ``tv_weight=0`` there is no prior,
    with a weight the prior is total variation alone. With ``optimiser="muon"``, Muon optimises the
    matrices of the convolutions at three times the learning rate, and Adam the other parameters.
    ``network="none"`` fits nothing: the image is denoised by the patch filter alone.

    Raises
    ------
    BadSettings
        If a value is out of range or a name is unknown.

    Examples
    --------
    >>> Prior(network="unet", learning_rate=0.01).network
    'unet'
    """

    network: Annotated[str, AfterValidator(_checked_network)] | None = None
    code: Literal["noise", "meshgrid"] | None = None
    code_channels: int | None = Field(None, ge=1, le=512)
    code_noise: float | None = Field(None, ge=0, le=1)
    optimiser: Literal["adam", "muon"] | None = None
    learning_rate: float | None = Field(None, gt=0, le=1)
    tv_weight: float | None = Field(None, ge=0, le=1e6)
