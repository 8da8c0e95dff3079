"""The step that fits a network."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch

from napari_dip.dip.choose_rule import make_rule
from napari_dip.dip.loop import fit, prepare_fit
from napari_dip.dip.operators import Blur
from napari_dip.dip.richardson_lucy import RichardsonLucy
from napari_dip.dip.stopping_rules import RuleContext
from napari_dip.network.build import build_network
from napari_dip.network.correction import Correction
from napari_dip.network.input_code import make_code, with_estimate
from napari_dip.patches.pilot import pilot
from napari_dip.pipeline.block import derived_seed
from napari_dip.pipeline.cost_model import (
    BLURS_OF_ITERATION,
    FIT_BYTES,
    HALF_NETWORK,
    LOOP,
    WIDE,
    WIDE_NETWORK,
    blur_seconds,
)
from napari_dip.pipeline.first_estimate import mean_with_first
from napari_dip.pipeline.observation import interpolation_guidance, to_tensor

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from numpy.typing import NDArray
    from torch import nn

    from napari_dip.dip.loop import FitResult
    from napari_dip.dip.objective import Observation
    from napari_dip.dip.recipe import Recipe
    from napari_dip.dip.state import FitState
    from napari_dip.dip.stopping_rules import StoppingRule
    from napari_dip.noise.domain import Domain
    from napari_dip.pipeline.cost_model import Costs
    from napari_dip.pipeline.steps import Context, Data
    from napari_dip.progress import Snapshot

__all__ = ["Fit"]

HEADROOM_STEPS = 10  # of sharpening, which amplifies noise little; not measured
HEADROOM = 1.5  # times the brightest pixel after these steps; not measured


@dataclass(frozen=True)
class Fit:
    """Fit a network to the observation until the stopping rule ends it.

    Parameters
    ----------
    recipe
        The network, the optimiser, the weights and the most iterations.
    domain
        The intensities of the fit.
    factors
        How many times longer the result is than the block along each spatial axis.
    sigma
        Standard deviation of the noise in the intensities of the fit.
    correlation
        Of the noise of neighbouring pixels; 0 for white noise.
    everything_observed
        Whether each pixel of the result was observed: none is missing, blurred or decimated.
    fills_only
        Whether the known pixels are returned unchanged.
    mean_of_averages
        Whether the estimate is the mean of the best and the latest average of the outputs. The
        patch filter recovers texture that the best average lacks, but removes no spots of noise
        that the latest average has.
    expected_iterations
        After how many the stopping rule is likely to end the fit; for estimates of the time.
    kernel
        The sides of the point spread function; for estimates of the time.
    """

    recipe: Recipe
    domain: Domain
    factors: tuple[int, ...]
    sigma: float
    correlation: float = 0.0
    everything_observed: bool = True
    fills_only: bool = False
    mean_of_averages: bool = False
    expected_iterations: float = 0.0
    kernel: tuple[int, ...] = ()

    @property
    def filter_passes(self) -> float:
        """Do not filter."""
        return 0.0

    def run(self, data: Data, context: Context, /) -> Generator[Snapshot, None, Data]:
        """Fit, or continue the fit_state that the data hold."""
        if data.stopped_by_user:
            return data  # before the fit
        context.monitor.report("fit", 0.0)
        fit_state = data.fit_state or self.begin(data, context)
        if data.first is not None:
            monitor = context.monitor.through(partial(self._mixed_with_first, data))
            context = replace(context, monitor=monitor)
        fitted = yield from self.advance(fit_state, context)
        estimate = self.choose(fitted.latest, fitted.estimate)
        return replace(data, estimate=estimate, fits=(fitted,), fit_state=fit_state)

    def begin(
        self,
        data: Data,
        context: Context,
        watch: Callable[[StoppingRule], StoppingRule] = lambda rule: rule,
    ) -> FitState:
        """Prepare the fit; ``watch`` may replace the stopping rule."""
        recipe, seed, device = self.recipe, context.member_seed, context.device
        rule, observation = make_rule(
            recipe.stopping,
            RuleContext(
                _with_surroundings(data),
                self.sigma,
                torch.Generator().manual_seed(derived_seed(seed, "held out")),
                self.correlation,
                self.everything_observed,
                self.fills_only,
            ),
        )
        channels, *low = data.block.values.shape
        shape = tuple(size * factor for size, factor in zip(low, self.factors, strict=True))
        order = context.arithmetic.memory_format(len(shape))
        code = make_code(recipe.code, recipe.code_channels, shape, derived_seed(seed, "code"))
        first = None if data.first is None else to_tensor(data.first.fine)
        if first is not None:
            code = with_estimate(code, first, recipe.estimate_strength)
        network: nn.Module = build_network(
            recipe.network,
            code,
            channels,
            derived_seed(seed, "weights"),
            recipe.spacing,
            shortest_last=device.type != "cuda",
        ).to(device, memory_format=order)  # type: ignore[call-overload]
        if first is not None and recipe.correction_span:
            network = Correction(network, first.to(device), recipe.correction_span * self.sigma)
        elif data.block.psf is not None:
            network = self._with_headroom(network, data)
        guidance = (
            interpolation_guidance(data.block, self.domain, self.sigma, self.factors, device)
            if recipe.guidance_decay
            else None
        )
        return prepare_fit(
            replace(observation, guidance=guidance),
            network,
            code.to(device).contiguous(memory_format=order),
            watch(rule),
            recipe,
            seed=derived_seed(seed, "noise on the code"),
        )

    def _with_headroom(self, network: nn.Module, data: Data) -> nn.Module:
        """Let the network draw values above 1: a sharp point is brighter than its blur."""
        assert data.observation is not None
        assert data.block.psf is not None
        seen = data.observation
        mean = (seen.y * seen.known).sum() / seen.known.sum().clamp(min=1)
        blurred = seen.y.where(seen.known > 0, mean)
        for axis, factor in enumerate(self.factors, start=2):
            blurred = blurred.repeat_interleave(factor, dim=axis)
        sharpening = RichardsonLucy(blurred, torch.from_numpy(data.block.psf).to(blurred.device))
        sharpening.advance(HEADROOM_STEPS)
        brightest = max(1.0, HEADROOM * float(sharpening.estimate.max()))
        return Correction(network, torch.full_like(blurred, brightest / 2), brightest)

    def advance(
        self, fit_state: FitState, context: Context
    ) -> Generator[Snapshot, None, FitResult]:
        """Run the loop."""
        recipe, every = self.computed(context), context.preview_every_s
        return fit(fit_state, recipe, context.monitor, preview_every_s=every)

    def computed(self, context: Context) -> Recipe:
        """Return the recipe with the precision of the device."""
        return replace(self.recipe, precision=context.arithmetic.precision)

    def choose(self, latest: NDArray[np.float32], best: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the estimate of a fit that has ended, from two averages of its outputs."""
        return np.float32(0.5) * (latest + best) if self.mean_of_averages else best

    def _mixed_with_first(self, data: Data, estimate: NDArray[np.float32]) -> NDArray[np.float32]:
        """Mix a preview with the first estimate, as the steps after the fit do."""
        assert data.first is not None
        assert data.observation is not None
        if not self.everything_observed:
            return mean_with_first(data, estimate)
        noisy = data.observation.y
        images = (to_tensor(estimate).to(noisy), to_tensor(data.first.fine).to(noisy), noisy)
        network, first, noisy = (image.reshape(-1, 1, *image.shape[-2:]) for image in images)
        mixed = pilot(network, first, noisy, self.sigma)
        return mixed.reshape(estimate.shape).cpu().numpy()

    def preview(self, estimate: NDArray[np.float32], /) -> NDArray[np.float32]:
        """Leave a preview unchanged."""
        return estimate

    def seconds(self, shape: Sequence[int], costs: Costs, /) -> float:
        """Estimate the time of the iterations."""
        ratio = WIDE_NETWORK if self._is_wide else 1
        ratio *= HALF_NETWORK if self.recipe.network.is_half_resolution else 1
        iteration = costs.iteration_s + self._pixels(shape) * costs.pixel_s * ratio
        if self.kernel:  # forward and backward; the rule blurs the average
            sides = [size * factor for size, factor in zip(shape[1:], self.factors, strict=True)]
            iteration += BLURS_OF_ITERATION * blur_seconds((shape[0], *sides), self.kernel, costs)
        return LOOP * self.expected_iterations * iteration

    def peak_bytes(self, shape: Sequence[int], precision: str, /) -> int:
        """Estimate the memory of the network, its gradients and its activations."""
        return FIT_BYTES[self._is_wide, precision].of(self._pixels(shape), shape[0])

    @property
    def _is_wide(self) -> bool:
        return self.recipe.network.width >= WIDE

    def _pixels(self, shape: Sequence[int]) -> int:
        return math.prod(shape[1:]) * math.prod(self.factors)

    def describe(self) -> str:
        """Name the network, the optimiser and the end."""
        recipe = self.recipe
        stopping = recipe.stopping
        role = ", with that estimate as an input" if recipe.estimate_strength else ""
        role = ", as a correction of that estimate" if recipe.correction_span else role
        end = f"; the rule {stopping.rule} may stop it earlier" if stopping.stops_early else ""
        return (
            f"Fit {recipe.network.words} to the image with {recipe.optimiser.capitalize()}"
            f"{role}, "
            f"at most {recipe.iterations} iterations{end}."
        )


def _with_surroundings(data: Data) -> Observation:
    """Return the observation, with the light of its surroundings where that was estimated."""
    seen = data.observation
    assert seen is not None
    if data.first is None or data.first.from_outside is None:
        return seen
    assert data.block.psf is not None
    return replace(
        seen,
        operator=Blur(torch.from_numpy(data.block.psf).to(seen.y), border="dark"),
        from_outside=to_tensor(data.first.from_outside).to(seen.y),
    )
