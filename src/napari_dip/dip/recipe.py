"""Define the choices of a preset for one fit: network, optimiser, iterations and filter passes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from napari_dip.settings import Architecture, Fixed, Stopping

__all__ = ["Recipe"]


@dataclass(frozen=True)
class Recipe:
    """Choices of a preset for one fit; intensities are scaled to about [0, 1].

    Parameters
    ----------
    network
        Architecture of the network.
    iterations
        The most iterations.
    stopping
        Settings of the stopping rule.
    code, code_channels
        Kind and number of channels of the input code.
    estimate_strength
        Standard deviation of the first estimate, which needs no network, among the channels of the
        code; 0 leaves it out.
    correction_span
        Difference of the largest and the smallest correction of that estimate by the network, in
        standard deviations of the noise; 0 for a network that returns the whole image.
    code_noise
        Standard deviation of the noise that each iteration adds to the code.
    noise_pool
        Whether that noise is drawn once and read from another place in each iteration.
    optimiser, learning_rate
        Optimiser and learning rate of Adam; that of Muon is proportional.
    tv_weight
        Weight of the total variation in the loss.
    averaging
        Weight of the earlier outputs in the exponential average, from 0 to 1.
    warm_up
        Whether the first outputs have less weight in the average.
    precision
        Of the convolutions; ``"auto"`` is the fastest on the device.
    members
        Ensemble members, which are averaged.
    refinement
        Passes of the patch filter that remove noise.
    gap_passes
        Passes of the patch filter that fill gaps.
    average_with_filter
        Whether the result is averaged with a filter that needs no network.
    window, context
        Planes that one network restores together, and further planes that it sees on both sides.
    shared_iterations
        The most iterations for several planes; 0 for ``iterations``.
    spacing
        Distance of two pixels of the result along each spatial axis; ``None`` if all are equal.
    projection_steps
        Steps of the projection onto the observation; 0 for none.
    guidance_decay
        Weight of the interpolation of gaps in the loss: this to the power of the iteration; 0 for
        no interpolation.
    """

    network: Architecture
    iterations: int
    stopping: Stopping = Fixed()
    code: Literal["noise", "meshgrid"] = "noise"
    code_channels: int = 32
    estimate_strength: float = 0.0
    correction_span: float = 0.0
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
    gap_passes: int = 0
    average_with_filter: bool = False
    window: int = 1
    context: int = 0
    shared_iterations: int = 0
    spacing: tuple[float, ...] | None = None
    projection_steps: int = 0
    guidance_decay: float = 0.0
