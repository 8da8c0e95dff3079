"""Changes to the prior of a preset: its network, input code and optimiser."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from napari_dip.settings.frozen import Frozen

__all__ = ["NetworkName", "Prior"]

NetworkName = Literal[
    "skip",
    "skip-half",
    "hourglass",
    "encoder-decoder-2",
    "encoder-decoder-4",
    "encoder-decoder-6",
    "unet",
    "resnet",
    "pixels",
]


class Prior(Frozen):
    """What to change in the preset's prior; ``None`` keeps the preset's choice.

    ``network="pixels"`` optimises the pixels themselves: with ``tv_weight=0`` there is no prior
    at all, with a weight the prior is total variation alone. With ``optimiser="muon"`` the
    matrices of the convolutions move at three times the learning rate, all the rest by Adam.
    """

    network: NetworkName | None = None
    code: Literal["noise", "meshgrid"] | None = None
    code_channels: int | None = Field(None, ge=1, le=512)
    code_noise: float | None = Field(None, ge=0, le=1)
    optimiser: Literal["adam", "muon"] | None = None
    learning_rate: float | None = Field(None, gt=0, le=1)
    tv_weight: float | None = Field(None, ge=0, le=1e6)
