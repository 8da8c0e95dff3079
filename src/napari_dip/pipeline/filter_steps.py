"""Steps after the fit: the patch filter, the filter alone, and the projection on the data."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from napari_dip.dip.loop import without_fit
from napari_dip.dip.projection import project
from napari_dip.patches.constants import PATCH_SEARCH
from napari_dip.patches.fill_gaps import fill_gaps
from napari_dip.patches.nl_bayes import nl_bayes
from napari_dip.patches.refine import FirstEstimate, first_estimate, refine
from napari_dip.patches.stack_filter import first_of_stack, map_planes, refine_stack
from napari_dip.patches.wiener import collaborative_filter
from napari_dip.pipeline.cost_model import (
    FILTER_BYTES,
    FILTERS_OF_BEST,
    GAP_PASS,
    PASSES_BEFORE,
    pass_seconds,
)
from napari_dip.pipeline.observation import interpolation_guidance, to_tensor
from napari_dip.pipeline.steps import Immediate, Stabilise, Unstabilise

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch
    from numpy.typing import NDArray

    from napari_dip.dip.objective import Observation
    from napari_dip.noise.domain import Domain
    from napari_dip.noise.model import Correlation
    from napari_dip.pipeline.cost_model import Costs
    from napari_dip.pipeline.equal_noise import EqualNoise
    from napari_dip.pipeline.steps import Context, Data

__all__ = ["AverageWithFilter", "FilterAlone", "PatchFilter", "Project"]

PATCH_SIDES = (7, 6)  # pixels: one ensemble member after the other, since their errors differ

KNOWN_WEIGHT = 0.5  # where known pixels are filtered next: half of the noise is left in them


@dataclass(frozen=True)
class PatchFilter(Immediate):
    """Fill gaps from similar patches, then filter groups of similar patches.

    Parameters
    ----------
    scaling
        The scaling of the channels.
    correlation
        The correlation of the noise along Y and along X.
    has_gaps, filling
        Whether a pixel is missing, and the passes that fill such pixels; with 0 passes the
        estimate of the fit fills them.
    passes
        Passes that remove noise; 0 for none.
    follows_first
        Whether :class:`~napari_dip.pipeline.first_filter.FirstFilter` has run before.
    """

    scaling: EqualNoise
    correlation: Correlation
    has_gaps: bool
    filling: int
    passes: int
    follows_first: bool = False

    @property
    def filter_passes(self) -> float:
        """Count the passes over all pixels."""
        return (self.filling if self.has_gaps else 0) + self._smoothing

    def apply(self, data: Data, context: Context, /) -> Data:
        """Filter the estimate."""
        assert data.observation is not None
        assert data.estimate is not None
        observation = data.observation
        guide = to_tensor(data.estimate).to(context.device)
        noisy = observation.y
        if observation.clipping is not None:
            noisy = noisy + guide - observation.clipping(guide)
        images = [guide, noisy]
        if self.follows_first and data.first is not None and data.first.coarse is not None:
            images += [to_tensor(image).to(noisy) for image in (data.first.fine, data.first.coarse)]
        function = partial(self._filtered, side=PATCH_SIDES[context.member % len(PATCH_SIDES)])
        known = observation.known
        return replace(data, estimate=self.scaling.filtered(function, *images, known=known))

    def _filtered(
        self,
        guide: torch.Tensor,
        noisy: torch.Tensor,
        *first: torch.Tensor,
        known: torch.Tensor,
        sigma: float,
        side: int,
    ) -> torch.Tensor:
        """Fill gaps, then remove noise as if the filled pixels had been observed.

        ``first`` is the first estimate, fine and coarse, if there is one.
        """
        planes = self.scaling.planes
        if self.has_gaps:
            images = guide, noisy, known
            fill = partial(
                fill_gaps, sigma=sigma, correlation=self.correlation, passes=self.filling
            )
            filled = map_planes(fill, *images) if planes else fill(*images)
            noisy = noisy.where(known > 0, filled)
            guide = filled.lerp(guide, known * (KNOWN_WEIGHT if self.passes else 0))
        if not self.passes:
            return guide
        smooth = partial(
            refine_stack if planes else refine, first=FirstEstimate(*first) if first else None
        )
        search = replace(PATCH_SEARCH, side=side)
        return smooth(guide, noisy, sigma, self.correlation, passes=self.passes, search=search)

    def seconds(self, shape: Sequence[int], costs: Costs, /) -> float:
        """Estimate the time of the passes."""
        filling = self.filling * GAP_PASS if self.has_gaps else 0.0
        one = pass_seconds(shape, costs, planes=self.scaling.planes)
        return (filling + self._smoothing) * one

    @property
    def _smoothing(self) -> int:
        """Passes that remove noise, with those of a first estimate."""
        before = 0 if self.follows_first else PASSES_BEFORE
        return self.passes + before if self.passes else 0

    def peak_bytes(self, shape: Sequence[int], precision: str, /) -> int:
        """Estimate the memory of the patches, beside that of the fit."""
        return FILTER_BYTES.of(math.prod(shape[1:]), shape[0])

    def describe(self) -> str:
        """Name the filter and its passes."""
        said = []
        if self.has_gaps and self.filling:
            said.append(f"Fill the gaps from similar patches, {_passes(self.filling)}.")
        if self.passes:
            where = " of neighbouring planes" if self.scaling.planes else ""
            said.append(f"Filter groups of similar patches{where}, {_passes(self.passes)}.")
        return " ".join(said)


@dataclass(frozen=True)
class AverageWithFilter(Immediate):
    """Average the estimate with that of a filter that never saw a network."""

    stabilise: Stabilise
    unstabilise: Unstabilise
    scaling: EqualNoise
    correlation: Correlation

    @property
    def filter_passes(self) -> float:
        """Count three passes of one filter, and one of another."""
        return 4.0

    def apply(self, data: Data, context: Context, /) -> Data:
        """Average, unless the fit was interrupted."""
        if data.stopped_by_user:
            return data
        assert data.estimate is not None
        seen = self.stabilise.apply(data, context).observation
        assert seen is not None
        mean = (data.estimate + self.filter_alone(seen)) / np.float32(2)
        return replace(data, estimate=mean)

    def filter_alone(self, seen: Observation) -> NDArray[np.float32]:
        """Denoise without a network, in the intensities of the block."""

        def filtered(noisy: torch.Tensor, *, known: torch.Tensor, sigma: float) -> torch.Tensor:
            alone = nl_bayes(noisy, sigma, self.correlation)
            return collaborative_filter(alone, noisy, sigma, self.correlation)

        return self.unstabilise.preview(self.scaling.filtered(filtered, seen.y, known=seen.known))

    def seconds(self, shape: Sequence[int], costs: Costs, /) -> float:
        """Estimate the time of the filters."""
        return FILTERS_OF_BEST * math.prod(shape) * costs.filter_s

    def describe(self) -> str:
        """Name the filters."""
        return "Average it with the image filtered without a network (non-local Bayes, Wiener)."


@dataclass(frozen=True)
class FilterAlone(Immediate):
    """Denoise with the patch filter in place of a fit, for comparison.

    Missing pixels are interpolated first.
    """

    domain: Domain
    sigma: float
    scaling: EqualNoise
    correlation: Correlation
    passes: int

    @property
    def filter_passes(self) -> float:
        """Count the passes."""
        return PASSES_BEFORE + self.passes

    def apply(self, data: Data, context: Context, /) -> Data:
        """Filter the observation."""
        assert data.observation is not None
        seen = data.observation
        noisy = seen.y
        sides = (1,) * (noisy.ndim - 2)
        guess = interpolation_guidance(data.block, self.domain, self.sigma, sides, context.device)
        if guess is not None:
            noisy = noisy.where(guess.missing == 0, guess.values)
        estimate = noisy[0].cpu().numpy()
        if self.sigma:
            estimate = self.scaling.filtered(self._filtered, noisy, known=seen.known)
        return replace(data, estimate=estimate, fits=(without_fit(estimate, iterations=1),))

    def _filtered(self, noisy: torch.Tensor, *, known: torch.Tensor, sigma: float) -> torch.Tensor:
        estimate, smooth = (
            (first_of_stack, refine_stack) if self.scaling.planes else (first_estimate, refine)
        )
        first = estimate(noisy, sigma, self.correlation)
        return smooth(first.fine, noisy, sigma, self.correlation, passes=self.passes, first=first)

    def seconds(self, shape: Sequence[int], costs: Costs, /) -> float:
        """Estimate the time of the passes."""
        passes = PASSES_BEFORE + self.passes if self.sigma else 0
        return passes * pass_seconds(shape, costs, planes=self.scaling.planes)

    def peak_bytes(self, shape: Sequence[int], precision: str, /) -> int:
        """Estimate the memory of the patches."""
        return FILTER_BYTES.of(math.prod(shape[1:]), shape[0])

    def describe(self) -> str:
        """Name the filter."""
        where = " of neighbouring planes" if self.scaling.planes else ""
        return f"Filter groups of similar patches{where}, without a network."


@dataclass(frozen=True)
class Project(Immediate):
    """Move the estimate towards the images that agree with the data."""

    steps: int
    sigma: float

    def apply(self, data: Data, context: Context, /) -> Data:
        """Take the steps of the conjugate gradients."""
        assert data.observation is not None
        assert data.estimate is not None
        first = to_tensor(data.estimate).to(context.device)
        agreeing = project(first, data.observation, self.sigma, self.steps)
        return replace(data, estimate=agreeing[0].cpu().numpy())

    def describe(self) -> str:
        """Name the number of steps."""
        return f"Bring the estimate into agreement with the data, {self.steps} CG steps."


def _passes(number: int) -> str:
    return f"{number} pass{'es' * (number != 1)}"
