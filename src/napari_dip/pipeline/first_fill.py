"""The step before a fit that fills gaps."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from napari_dip.generators import finished
from napari_dip.pipeline.first_estimate import FirstEstimate
from napari_dip.pipeline.observation import interpolation_guidance, to_tensor
from napari_dip.pipeline.steps import First

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_dip.noise.domain import Domain
    from napari_dip.pipeline.cost_model import Costs
    from napari_dip.pipeline.filter_steps import PatchFilter
    from napari_dip.pipeline.first_estimate import Estimates
    from napari_dip.pipeline.steps import Context, Data

__all__ = ["FirstFill"]


@dataclass(frozen=True)
class FirstFill(FirstEstimate):
    """Interpolate the missing pixels, then fill them from similar patches.

    Parameters
    ----------
    domain
        The intensities of the fit.
    sigma
        Standard deviation of the noise in these intensities.
    patches
        Fills the gaps of the interpolation.
    """

    domain: Domain
    sigma: float
    patches: PatchFilter

    def estimates(self, data: Data, context: Context, /) -> Estimates:
        """Interpolate, then compare patches."""
        assert data.observation is not None
        seen, unchanged = data.observation.y, (1,) * (data.block.values.ndim - 1)
        guess = interpolation_guidance(
            data.block, self.domain, self.sigma, unchanged, context.device
        )
        filled = seen if guess is None else seen.where(guess.missing == 0, guess.values)
        interpolated = filled[0].cpu().numpy()
        yield interpolated
        estimate = self.patches.apply(replace(data, estimate=interpolated), context).estimate
        assert estimate is not None
        return First(estimate)

    def filled(self, data: Data, context: Context) -> Data:
        """Return an observation in which no pixel is missing."""
        assert data.observation is not None
        seen = data.observation
        first = finished(self.estimates(data, context))
        y = seen.y.where(seen.known > 0, to_tensor(first.fine).to(seen.y))
        return replace(
            data,
            block=replace(data.block, known=np.ones_like(data.block.known)),
            observation=replace(seen, y=y, known=torch.ones_like(seen.known)),
        )

    @property
    def filter_passes(self) -> float:
        """Count the passes that fill."""
        return self.patches.filter_passes

    def seconds(self, shape: Sequence[int], costs: Costs, /) -> float:
        """Estimate the time of the passes; the interpolation takes little."""
        return self.patches.seconds(shape, costs)

    def describe(self) -> str:
        """Name the interpolation and the filter."""
        return f"Interpolate the missing pixels. {self.patches.describe()}"
