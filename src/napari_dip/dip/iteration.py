"""One iteration: everything that is done on the device, and nothing that needs the host."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from napari_dip.dip.objective import total_variation
from napari_dip.dip.stopping_rules import Step

if TYPE_CHECKING:
    from torch import Tensor

    from napari_dip.dip.recipe import Recipe
    from napari_dip.dip.state import Course

__all__ = ["iterate"]


def iterate(course: Course, recipe: Recipe) -> Tensor:
    """Fit once to the code with the noise that is on it.

    All that stays is changed in place, and what differs from one iteration to the next is counted
    by a clock on the device, so that :class:`~napari_dip.compute.cuda_graph.GraphRunner` may launch
    it as a whole.

    Returns
    -------
    Tensor
        The loss and the numbers of the stopping rule, ``(1 + numbers,)``.
    """
    state, z = course.state, course.codes.noisy
    clock = state.clock.add_(1)
    now = clock.float()

    # forward: the estimate and its energy
    with torch.autocast(
        z.device.type,
        torch.bfloat16,
        enabled=recipe.precision == "bfloat16",
        cache_enabled=False,  # no weight is cast twice, and no cast may outlive a graph
    ):
        output = state.network(z)
    output = output.float()
    data_term = course.observation.data_term(output)
    loss = data_term
    if recipe.tv_weight:
        loss = loss + recipe.tv_weight * total_variation(output)
    if (guess := course.observation.guess) is not None:
        loss = loss + (now * math.log(recipe.guidance)).exp() * guess.distance(output)

    # backward: one step of the optimiser
    state.optimiser.zero_grad()
    loss.backward()
    state.optimiser.step()

    # average the outputs, let the rule rate the average, keep the best on the side
    with torch.no_grad():
        output = output.detach()
        average = state.averages.average.lerp_(output, _weight_of_latest(recipe, now))
        step = Step(clock, output, average, data_term.detach())
        numbers = state.rule.measure(step).reshape(-1)
        state.averages.keep_better(numbers)
        return torch.cat([loss.detach().reshape(1), numbers])


def _weight_of_latest(recipe: Recipe, now: Tensor) -> Tensor:
    """Weight in the exponential average; with warm-up its memory is a tenth of the time so far."""
    weight = torch.full_like(now, 1 - recipe.averaging)
    if recipe.warm_up:
        weight = torch.maximum(weight, 9 / (10 + now))
    return torch.where(now > 1, weight, 1.0)  # it begins as the first output
