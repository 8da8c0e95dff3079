"""The step after the fit to an image that is decimated: filter and project in turn."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from napari_dip.dip.projection import project
from napari_dip.patches.nl_bayes import nl_bayes_pass
from napari_dip.pipeline.cost_model import FILTER_BYTES, MORE_CHANNELS, PROJECTION
from napari_dip.pipeline.observation import to_tensor
from napari_dip.pipeline.steps import Immediate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_dip.pipeline.cost_model import Costs
    from napari_dip.pipeline.steps import Context, Data

__all__ = ["FilterAndProject"]

STEPS = 5  # of conjugate gradients in each projection; 3 are equal on decimated data


@dataclass(frozen=True)
class FilterAndProject(Immediate):
    """Filter groups of similar patches and project on the data in turn, with less and less noise.

    What the network lacks or adds is noise to the filter, and the projection returns the part of
    it that the data show. The filter is the prior, as in Venkatakrishnan, Bouman and Wohlberg,
    "Plug-and-play priors for model based reconstruction", GlobalSIP 2013.

    Parameters
    ----------
    sigmas
        Standard deviation of the noise that the filter assumes in each round.
    factor
        How many times longer the result is than the data.
    """

    sigmas: tuple[float, ...]
    factor: int

    @property
    def filter_passes(self) -> float:
        """Count the rounds; they filter the pixels of the result."""
        return len(self.sigmas) * self.factor**2

    def apply(self, data: Data, context: Context, /) -> Data:
        """Filter and project the estimate."""
        assert data.observation is not None
        assert data.estimate is not None
        x = to_tensor(data.estimate).to(context.device)
        for sigma in self.sigmas:
            planes = project(x, data.observation, 0.0, STEPS)[:, :, None]
            x = nl_bayes_pass(planes, noisy=planes, sigma=sigma)[:, :, 0]
        x = project(x, data.observation, 0.0, STEPS)
        return replace(data, estimate=x[0].cpu().numpy())

    def seconds(self, shape: Sequence[int], costs: Costs, /) -> float:
        """Estimate the time of the rounds."""
        channels, pixels = shape[0], self.factor**2 * math.prod(shape[1:])
        each = 1 + MORE_CHANNELS * (channels - 1) + PROJECTION * channels
        return len(self.sigmas) * each * pixels * costs.filter_s

    def peak_bytes(self, shape: Sequence[int], precision: str, /) -> int:
        """Estimate the memory of the patches, beside that of the fit."""
        return FILTER_BYTES.of(self.factor**2 * math.prod(shape[1:]), shape[0])

    def describe(self) -> str:
        """Name the filter and the projection."""
        return (
            "Filter groups of similar patches and bring the estimate into agreement with the data, "
            f"{len(self.sigmas)} times."
        )
