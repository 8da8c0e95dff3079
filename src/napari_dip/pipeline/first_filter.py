"""The step before a fit: filter the noisy image alone."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from napari_dip.patches.coarse_scales import estimate_coarse
from napari_dip.patches.refine import first_fine
from napari_dip.pipeline.cost_model import MORE_CHANNELS, PASSES_BEFORE
from napari_dip.pipeline.observation import to_tensor
from napari_dip.pipeline.steps import First
from napari_dip.progress import Snapshot

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    import numpy as np
    import torch
    from numpy.typing import NDArray

    from napari_dip.noise.model import Correlation
    from napari_dip.pipeline.cost_model import Costs
    from napari_dip.pipeline.equal_noise import EqualNoise
    from napari_dip.pipeline.steps import Context, Data

__all__ = ["FirstFilter"]


@dataclass(frozen=True)
class FirstFilter:
    """Filter groups of similar patches of the noisy image at several scales.

    The result is an input of the network, a pilot estimate of the filter after the fit, and the
    first preview.
    """

    scaling: EqualNoise
    correlation: Correlation

    def run(self, data: Data, context: Context, /) -> Generator[Snapshot, None, Data]:
        """Filter, and yield two previews; keep an estimate that the data hold."""
        if data.first is not None:
            return data
        noisy = self.unclipped(data)
        coarse = self.coarse(data, noisy)
        rows, columns = data.block.values.shape[1:]
        yield _preview(coarse.repeat(2, axis=1).repeat(2, axis=2)[:, :rows, :columns], context)
        first = self.first(data, noisy, coarse)
        yield _preview(first.fine, context)
        return replace(data, first=first)

    def apply(self, data: Data, context: Context, /) -> Data:
        """Filter without a preview."""
        noisy = self.unclipped(data)
        return replace(data, first=self.first(data, noisy, self.coarse(data, noisy)))

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

    def _coarse(self, noisy: torch.Tensor, *, known: torch.Tensor, sigma: float) -> torch.Tensor:
        return estimate_coarse(noisy, sigma, self.correlation)

    def _fine(
        self, noisy: torch.Tensor, coarse: torch.Tensor, *, known: torch.Tensor, sigma: float
    ) -> torch.Tensor:
        return first_fine(noisy, coarse, sigma, self.correlation)

    def preview(self, estimate: NDArray[np.float32], /) -> NDArray[np.float32]:
        """Leave a preview unchanged."""
        return estimate

    def seconds(self, shape: Sequence[int], costs: Costs, /) -> float:
        """Estimate the time of the passes."""
        channels, pixels = shape[0], math.prod(shape[1:])
        return PASSES_BEFORE * (1 + MORE_CHANNELS * (channels - 1)) * pixels * costs.filter_s

    def peak_bytes(self, shape: Sequence[int], precision: str, /) -> int:
        """Take no more than the filter after the fit, which does not run at the same time."""
        return 0

    def describe(self) -> str:
        """Name the filter."""
        return "Filter groups of similar patches of the noisy image, at several scales."


def _preview(estimate: NDArray[np.float32], context: Context) -> Snapshot:
    """Return a snapshot of the block before its fit."""
    monitor = context.monitor
    image = monitor.convert(estimate)
    return Snapshot(iterations=monitor.iterations or 0, image=image).after(monitor.before)
