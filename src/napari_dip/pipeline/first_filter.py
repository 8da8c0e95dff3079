"""The step before a fit: filter the noisy image alone."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from napari_dip.patches.coarse_scales import estimate_coarse
from napari_dip.patches.local_wiener import local_wiener
from napari_dip.patches.refine import first_fine
from napari_dip.patches.stack_filter import coarse_of_stack, fine_of_stack, map_planes
from napari_dip.pipeline.cost_model import PASSES_BEFORE, pass_seconds
from napari_dip.pipeline.first_estimate import FirstEstimate
from napari_dip.pipeline.observation import to_tensor
from napari_dip.pipeline.steps import First

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import torch
    from numpy.typing import NDArray

    from napari_dip.noise.model import Correlation
    from napari_dip.pipeline.cost_model import Costs
    from napari_dip.pipeline.equal_noise import EqualNoise
    from napari_dip.pipeline.first_estimate import Estimates
    from napari_dip.pipeline.steps import Context, Data

__all__ = ["FirstFilter"]


@dataclass(frozen=True)
class FirstFilter(FirstEstimate):
    """Filter groups of similar patches of the noisy image at several scales.

    The result is a pilot estimate of the filter after the fit, too.
    """

    scaling: EqualNoise
    correlation: Correlation

    @property
    def filter_passes(self) -> float:
        """Count two passes, and three over the means of 2, 4 and 8 pixels."""
        return 3.0

    def estimates(self, data: Data, context: Context, /) -> Estimates:
        """Give a first look at once, then filter the coarse scales, then the finest."""
        yield self.look(data)
        noisy = self.unclipped(data)
        coarse = self.coarse(data, noisy)
        rows, columns = data.block.values.shape[-2:]
        enlarged = coarse.repeat(2, axis=-2).repeat(2, axis=-1)
        yield enlarged[..., :rows, :columns]
        return self.first(data, noisy, coarse)

    def look(self, data: Data) -> NDArray[np.float32]:
        """Denoise coarsely and fast: nothing but a preview depends on it."""
        assert data.observation is not None
        return self.scaling.filtered(self._look, data.observation.y, known=data.observation.known)

    def unclipped(self, data: Data) -> torch.Tensor:
        """Return the observation, corrected for the bias of clipped pixels.

        The bias is found from an estimate of the observation as it is.
        """
        assert data.observation is not None
        noisy, clipping = data.observation.y, data.observation.clipping
        if clipping is None:
            return noisy
        biased = self.first(data, noisy, self.coarse(data, noisy)).fine
        estimate = clipping.inverse(to_tensor(biased).to(noisy))
        return noisy + estimate - clipping(estimate)

    def coarse(self, data: Data, noisy: torch.Tensor) -> NDArray[np.float32]:
        """Filter the means of 2 x 2 pixels."""
        assert data.observation is not None
        return self.scaling.filtered(self._coarse, noisy, known=data.observation.known)

    def first(self, data: Data, noisy: torch.Tensor, coarse: NDArray[np.float32]) -> First:
        """Filter a noisy image whose coarse scales have been filtered."""
        assert data.observation is not None
        known, means = data.observation.known, to_tensor(coarse).to(noisy)
        return First(self.scaling.filtered(self._fine, noisy, means, known=known), coarse)

    def _look(self, noisy: torch.Tensor, *, known: torch.Tensor, sigma: float) -> torch.Tensor:
        once = partial(local_wiener, sigma=sigma, correlation=self.correlation)
        return map_planes(once, noisy) if self.scaling.planes else once(noisy)

    def _coarse(self, noisy: torch.Tensor, *, known: torch.Tensor, sigma: float) -> torch.Tensor:
        estimate = coarse_of_stack if self.scaling.planes else estimate_coarse
        return estimate(noisy, sigma, self.correlation)

    def _fine(
        self, noisy: torch.Tensor, coarse: torch.Tensor, *, known: torch.Tensor, sigma: float
    ) -> torch.Tensor:
        estimate = fine_of_stack if self.scaling.planes else first_fine
        return estimate(noisy, coarse, sigma, self.correlation)

    def seconds(self, shape: Sequence[int], costs: Costs, /) -> float:
        """Estimate the time of the passes."""
        return PASSES_BEFORE * pass_seconds(shape, costs, planes=self.scaling.planes)

    def describe(self) -> str:
        """Name the filter."""
        return "Filter groups of similar patches of the noisy image, at several scales."
