"""All that a fit needs to know, as plain data: a network, rates and numbers of iterations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from napari_dip.settings import Fixed, Stopping

if TYPE_CHECKING:
    from napari_dip.network.architectures import Network

__all__ = ["Recipe"]


@dataclass(frozen=True)
class Recipe:
    """What a fit does, nothing left open, with intensities scaled to about [0, 1].

    With ``warm_up`` the average of the outputs forgets the first ones sooner. ``noise_pool`` uses
    the noise on the code again and again, from another place each time. ``precision="auto"`` is
    settled by the machine. ``second_opinion`` averages the mean of the fits with a filter that
    knows nothing of them. ``window`` planes share a network, and see ``context`` more of them on
    either side; ``shared_iterations`` are the most that it then takes, if not 0. ``spacing`` is the
    distance of two pixels of the result along each spatial axis, ``None`` where it is the same
    along all. ``projection`` is the number of steps in which an estimate is brought into agreement
    with what was seen. Missing pixels are drawn to a smooth interpolation at first; ``guidance`` is
    the part of that which an iteration leaves. In the end ``filling`` passes fill them in from
    patches alike, and ``refinement`` passes take out the noise.
    """

    network: Network
    iterations: int
    stopping: Stopping = Fixed()
    code: Literal["noise", "meshgrid"] = "noise"
    code_channels: int = 32
    code_noise: float = 1 / 30
    noise_pool: bool = False
    optimiser: Literal["adam", "muon"] = "adam"
    learning_rate: float = 0.01
    tv_weight: float = 0.0
    averaging: float = 0.99
    warm_up: bool = False
    precision: Literal["auto", "float32", "bfloat16"] = "float32"
    members: int = 1
    refinement: int = 0
    filling: int = 0
    second_opinion: bool = False
    window: int = 1
    context: int = 0
    shared_iterations: int = 0
    spacing: tuple[float, ...] | None = None
    projection: int = 0
    guidance: float = 0.0
