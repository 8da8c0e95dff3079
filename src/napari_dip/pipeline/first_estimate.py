"""What the steps before a fit have in common: they estimate the image without a network."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from napari_dip.checkpoint import Interrupted
from napari_dip.generators import finished, map_steps
from napari_dip.pipeline.run_step import interrupted
from napari_dip.pipeline.steps import First, Immediate
from napari_dip.progress import Snapshot

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from numpy.typing import NDArray

    from napari_dip.pipeline.steps import Context, Data

    Estimates = Generator[NDArray[np.float32], None, First]

__all__ = ["AverageWithFirst", "FirstEstimate", "mean_with_first"]


class FirstEstimate:
    """A step before a fit: it defines ``estimates`` and ``filter_passes``.

    What it estimates is an input of the network, a part of the estimate after the fit, and the
    first preview.
    """

    def estimates(self, data: Data, context: Context, /) -> Estimates:
        """Yield coarser estimates, each of the shape of the result, and return the last one."""
        raise NotImplementedError

    def run(self, data: Data, context: Context, /) -> Generator[Snapshot, None, Data]:
        """Estimate, and yield previews; keep an estimate that the data hold."""
        if data.first is not None:
            return data
        coarser: list[NDArray[np.float32]] = []

        def preview(estimate: NDArray[np.float32]) -> Snapshot:
            coarser.append(estimate)
            return _preview(context, estimate)

        try:
            first = yield from map_steps(self.estimates(data, context), preview)
        except Interrupted:
            if not coarser:
                raise
            return interrupted(replace(data, first=First(coarser[-1])))
        yield _preview(context, first.fine)
        return replace(data, first=first)

    def apply(self, data: Data, context: Context, /) -> Data:
        """Estimate without a preview."""
        return replace(data, first=finished(self.estimates(data, context)))

    def preview(self, estimate: NDArray[np.float32], /) -> NDArray[np.float32]:
        """Leave a preview unchanged."""
        return estimate

    def peak_bytes(self, shape: Sequence[int], precision: str, /) -> int:
        """Take no more than the steps after the fit, which do not run at the same time."""
        return 0


@dataclass(frozen=True)
class AverageWithFirst(Immediate):
    """Average the estimate of a fit with that of the step before it: their errors differ."""

    def apply(self, data: Data, context: Context, /) -> Data:
        """Average."""
        assert data.estimate is not None
        return replace(data, estimate=mean_with_first(data, data.estimate))

    def describe(self) -> str:
        """Name both."""
        return "Average both estimates."


def mean_with_first(data: Data, estimate: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the mean of an estimate and of the one before the fit."""
    assert data.first is not None
    return np.float32(0.5) * (estimate + data.first.fine)


def _preview(context: Context, estimate: NDArray[np.float32]) -> Snapshot:
    """Return a snapshot of the block before its fit."""
    monitor = context.monitor
    image = monitor.convert(estimate)
    return Snapshot(iterations=monitor.iterations or 0, image=image).after(monitor.before)
