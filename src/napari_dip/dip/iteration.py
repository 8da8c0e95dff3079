"""Run one iteration of a fit on the device, without waiting for the host."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from napari_dip.dip.constants import AVERAGE_WARM_UP
from napari_dip.dip.objective import total_variation
from napari_dip.dip.stopping_rules import IterationState

if TYPE_CHECKING:
    from torch import Tensor

    from napari_dip.dip.recipe import Recipe
    from napari_dip.dip.state import FitState

__all__ = ["run_iteration"]


def run_iteration(fit_state: FitState, recipe: Recipe) -> Tensor:
    """Update the weights, the average of the outputs and the best averages once.

    All tensors are changed in place, and the number of the iteration is a tensor on the device, so
    that :class:`~napari_dip.compute.cuda_graph.GraphRunner` can launch the iteration as one graph.

    Returns
    -------
    Tensor
        The loss and the numbers of the stopping rule, ``(1 + numbers,)``.
    """
    state, z = fit_state.device_state, fit_state.input_code.noisy
    iteration = state.iteration.add_(1)
    number = iteration.float()

    # forward: the output of the network and its loss
    with torch.autocast(
        z.device.type,
        torch.bfloat16,
        enabled=recipe.precision == "bfloat16",
        cache_enabled=False,  # each weight is cast once, and a graph must not keep the cast
    ):
        output = state.network(z)
    output = output.float()
    data_term = fit_state.observation.data_term(output)
    loss = data_term
    if recipe.tv_weight:
        loss = loss + recipe.tv_weight * total_variation(output)
    if (guidance := fit_state.observation.guidance) is not None:
        loss = loss + (number * math.log(recipe.guidance_decay)).exp() * guidance.distance(output)

    # backward: one step of the optimiser
    state.optimiser.zero_grad()
    loss.backward()
    state.optimiser.step()

    # average the outputs, measure the stopping rule, keep the best averages
    with torch.no_grad():
        output = output.detach()
        average = state.averages.average.lerp_(output, _weight_of_output(recipe, number))
        numbers = state.rule.measure(
            IterationState(iteration, output, average, data_term.detach())
        ).reshape(-1)
        state.averages.keep_better(numbers)
        return torch.cat([loss.detach().reshape(1), numbers])


def _weight_of_output(recipe: Recipe, number: Tensor) -> Tensor:
    """Return the weight of the latest output in the exponential average; 1 for the first output."""
    weight = torch.full_like(number, 1 - recipe.averaging)
    if recipe.warm_up:
        weight = torch.maximum(weight, (AVERAGE_WARM_UP - 1) / (AVERAGE_WARM_UP + number))
    return torch.where(number > 1, weight, 1.0)
