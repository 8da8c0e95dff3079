"""Fit the network f_theta(z) to one observation, and keep the best average of its outputs."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from napari_dip.compute.cuda_graph import GraphRunner
from napari_dip.compute.device import torch_errors
from napari_dip.dip.constants import CHECK_INTERVAL
from napari_dip.dip.iteration import run_iteration
from napari_dip.dip.optimisers import make_optimiser
from napari_dip.dip.state import Averages, DeviceState, FitState, divergence_remedy
from napari_dip.errors import Diverged
from napari_dip.network.input_code import CodeNoise
from napari_dip.progress import Monitor, Snapshot

if TYPE_CHECKING:
    from collections.abc import Generator

    import numpy as np
    from numpy.typing import NDArray

    from napari_dip.dip.objective import Observation
    from napari_dip.dip.recipe import Recipe
    from napari_dip.dip.stopping_rules import StoppingRule

__all__ = ["FitResult", "fit", "prepare_fit", "without_fit"]


@dataclass(frozen=True)
class FitResult:
    """Result of a fit.

    Parameters
    ----------
    estimate, latest
        The best and the latest average of the outputs, float32, ``(channels, *spatial)``.
    iterations, best_iteration
        Iterations that were run, and the one of the estimate.
    rule, reason
        Name of the stopping rule, and why the fit ended.
    stopped_by_user
        Whether the user stopped the fit.
    loss
        Mean loss of the last iterations.
    rollbacks
        How many times the loss jumped and the fit was rolled back.
    launch_mode
        Whether a GPU ran the iterations as one graph, as told by
        :class:`~napari_dip.compute.cuda_graph.GraphRunner`.
    metrics
        Iteration and first number of the stopping rule; without rolled-back iterations.
    """

    estimate: NDArray[np.float32]
    latest: NDArray[np.float32]
    iterations: int
    best_iteration: int
    rule: str
    reason: str
    stopped_by_user: bool
    loss: float
    rollbacks: int
    launch_mode: str
    metrics: tuple[tuple[int, float], ...]


def without_fit(
    estimate: NDArray[np.float32], *, iterations: int = 0, stopped: bool = False
) -> FitResult:
    """Return the result of a filter in place of a fit, which the user may have stopped."""
    return FitResult(
        estimate=estimate,
        latest=estimate,
        iterations=iterations,
        best_iteration=iterations,
        rule="none",
        reason="stopped by the user" if stopped else "filtered without a network",
        stopped_by_user=stopped,
        loss=0.0,
        rollbacks=0,
        launch_mode="",
        metrics=(),
    )


def prepare_fit(
    observation: Observation,
    network: nn.Module,
    code: Tensor,
    rule: StoppingRule,
    recipe: Recipe,
    *,
    seed: int = 0,
) -> FitState:
    """Build the state of a fit before its first iteration.

    Parameters
    ----------
    observation
        What is fitted, on the device of the code.
    network, code
        f_theta and z, on one device. The network is trained in place.
    rule
        When to stop, and which average is the best.
    recipe
        Learning rate, weights and noise of the fit.
    seed
        Of the noise that each iteration adds to the code.
    """
    input_code = CodeNoise(code, recipe.code_noise, seed, pooled=recipe.noise_pool)
    iteration = torch.zeros((), dtype=torch.int64, device=code.device)
    shape = (1, observation.y.shape[1], *code.shape[2:])
    averages = Averages(torch.zeros(shape, device=code.device, dtype=torch.float32))
    state = DeviceState(network, make_optimiser(network, recipe), rule, averages, iteration)
    return FitState(observation, state, input_code)


def fit(
    fit_state: FitState,
    recipe: Recipe,
    monitor: Monitor = Monitor(),
    *,
    preview_every_s: float = 1.0,
) -> Generator[Snapshot, None, FitResult]:
    """Minimise E(f_theta(z); y) + R(f_theta(z)) over theta.

    This is equation (2) of Ulyanov, Vedaldi and Lempitsky, IJCV 128 (2020). Numbers are copied from
    the device only for checks and previews.

    Parameters
    ----------
    fit_state
        From :func:`prepare_fit`, or of a fit that has ended. Such a fit is continued; it gives the
        same bytes as without the interruption, unless the loss jumps near it. If the stopping rule
        had ended the fit, the rule no longer counts: the estimate is the latest average.
    recipe
        Weights and the most iterations, counted from the start of the first fit.
    monitor
        How the caller stops the fit, which then returns the best estimate so far, and sees its
        previews.
    preview_every_s
        The least time between two previews, in seconds.

    Yields
    ------
    Snapshot
        Every few iterations, and when a preview is due.

    Returns
    -------
    FitResult
        The best average, and how the fit ended.

    Raises
    ------
    Diverged
        If the loss is not finite again and again.
    OutOfMemory, DeviceFailed
        In place of the errors of torch.
    """
    state, history, input_code = fit_state.device_state, fit_state.history, fit_state.input_code
    device = input_code.code.device
    with torch_errors(device):
        launch = GraphRunner(partial(run_iteration, fit_state, recipe), device)
        save = GraphRunner(state.save, device)
        ignores_rule = bool(history.reason)
        unchecked: list[Tensor] = []  # loss and numbers of each iteration since the last check
        last_preview = time.monotonic()
        stopped_by_user = False

        for iteration in range(fit_state.iteration + 1, recipe.iterations + 1):
            fit_state.iteration = iteration
            input_code.draw()
            unchecked.append(launch().clone())
            if iteration == 1:
                state.save()  # the optimiser and the rule have all their tensors now

            # no check and no preview: go on without waiting for the device
            stopped_by_user = monitor.stop_requested()
            is_last = iteration == recipe.iterations
            check = stopped_by_user or iteration % CHECK_INTERVAL == 0 or is_last
            preview = time.monotonic() - last_preview >= preview_every_s
            if not (check or preview):
                continue

            # check: pass the numbers to the rule, or roll back after a jump
            numbers: list[list[float]] = torch.stack(unchecked).tolist()
            if check:
                unchecked = []
                if history.has_jumped(numbers):
                    history.count_rollback(iteration, recipe)
                    state.roll_back()
                else:
                    history.record(state.rule, iteration, numbers)
                    save()

            # report the progress; an average that is not finite will be rolled back
            finite = all(math.isfinite(row[0]) for row in numbers)
            average = state.averages.average
            snapshot = Snapshot(
                iteration=iteration,
                iterations=monitor.iterations or recipe.iterations,
                loss=numbers[-1][0],
                metric=numbers[-1][1],
                image=monitor.convert(_to_array(average)) if preview and finite else None,
                best_iteration=history.best_iteration(state.rule),
            )
            yield snapshot.after(monitor.before)
            last_preview = time.monotonic() if preview else last_preview
            if stopped_by_user or (history.reason and not ignores_rule):
                break

        if not history.metrics:
            raise Diverged(f"no iteration gave a finite loss; {divergence_remedy(recipe)}")
        reason = f"continued to iteration {fit_state.iteration}" if ignores_rule else history.reason
        if stopped_by_user:
            reason = "stopped by the user"
        return _result(
            fit_state,
            reason or f"all {recipe.iterations} iterations done",
            returns_latest=ignores_rule,
            stopped_by_user=stopped_by_user,
            launch_mode=launch.launch_mode,
        )


def _result(
    fit_state: FitState,
    reason: str,
    *,
    returns_latest: bool,
    stopped_by_user: bool,
    launch_mode: str,
) -> FitResult:
    """Choose the estimate, and copy it to the host."""
    state, history = fit_state.device_state, fit_state.history
    assert state.averages.best is not None
    latest = _to_array(state.averages.average)
    if returns_latest:
        estimate, best_iteration = latest, fit_state.iteration
    else:
        estimate = _to_array(state.averages.best[state.rule.choice])
        best_iteration = history.best_iteration(state.rule)
    return FitResult(
        estimate=estimate,
        latest=latest,
        iterations=fit_state.iteration,
        best_iteration=best_iteration,
        rule=state.rule.name,
        reason=reason,
        stopped_by_user=stopped_by_user,
        loss=history.mean_loss,
        rollbacks=history.rollbacks,
        launch_mode=launch_mode,
        metrics=tuple(history.metrics),
    )


def _to_array(x: Tensor) -> NDArray[np.float32]:
    """Copy ``(1, channels, *spatial)`` to the host, without its first axis."""
    return x[0].cpu().numpy().copy()
