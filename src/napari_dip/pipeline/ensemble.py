"""The step that fits several networks to one block and averages them."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from napari_dip.compute.concurrency import in_fit_order, run_concurrently
from napari_dip.pipeline.block import derived_seed
from napari_dip.pipeline.steps import run_steps

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

    from numpy.typing import NDArray

    from napari_dip.dip.loop import FitProgress
    from napari_dip.pipeline.cost_model import Costs
    from napari_dip.pipeline.steps import Context, Data, Step

__all__ = ["Ensemble", "of_member"]


@dataclass(frozen=True)
class Ensemble:
    """Run steps several times, each time with other random numbers, and average the results.

    A member that the user interrupts counts only if no member was finished.
    """

    members: int
    steps: tuple[Step, ...]

    def run(self, data: Data, context: Context, /) -> Generator[FitProgress, None, Data]:
        """Run the members, ``context.concurrency`` at the same time."""
        ended: dict[int, Data] = {}

        def members() -> Iterator[Generator[FitProgress, None, Data]]:
            for number in range(self.members):
                if not any(one.stopped_by_user for one in ended.values()):
                    yield run_steps(self.steps, data, of_member(context, number))

        running = run_concurrently(
            members(), context.concurrency, str(context.device), ended.__setitem__
        )
        with closing(in_fit_order(running, ended, _without_preview)) as in_order:
            for number, progress in in_order:
                before = sum(ended[one].fits[0].iterations for one in range(number))
                yield _with_ended(list(ended.values()), progress.after(before))
        return self._averaged(data, [one for _, one in sorted(ended.items())])

    def _averaged(self, data: Data, ended: Sequence[Data]) -> Data:
        estimates = _to_average(ended)
        return replace(
            data,
            estimate=np.mean(estimates, axis=0),
            spread=np.std(estimates, axis=0, ddof=1) if len(estimates) > 1 else None,
            fits=tuple(fitted for one in ended for fitted in one.fits),
            fit_state=ended[-1].fit_state if self.members == 1 else None,
        )

    def preview(self, estimate: NDArray[np.float32], /) -> NDArray[np.float32]:
        """Convert a preview of an earlier step by the steps of a member."""
        for step in self.steps:
            estimate = step.preview(estimate)
        return estimate

    def seconds(self, shape: Sequence[int], costs: Costs, /) -> float:
        """Estimate the time of all members, one after the other."""
        return self.members * sum(step.seconds(shape, costs) for step in self.steps)

    def peak_bytes(self, shape: Sequence[int], precision: str, /) -> int:
        """Estimate the memory of one member; its network stays until its last step."""
        return sum(step.peak_bytes(shape, precision) for step in self.steps)

    def describe(self) -> str:
        """Tell how many members there are; their steps describe themselves."""
        if self.members == 1:
            return ""
        return f"Do that {self.members} times with other random numbers, and average the results."


def of_member(context: Context, number: int) -> Context:
    """Return the context of one member: its number and its seed."""
    return replace(context, member=number, seed=derived_seed(context.seed, f"fit {number}"))


def _to_average(ended: Sequence[Data]) -> list[NDArray[np.float32]]:
    """Leave out the interrupted members, unless there is no other."""
    whole = [one.estimate for one in ended if not one.stopped_by_user]
    estimates = whole or [one.estimate for one in ended]
    return [estimate for estimate in estimates if estimate is not None]


def _with_ended(ended: Sequence[Data], progress: FitProgress) -> FitProgress:
    """Show the mean of the members that have ended in place of one that has not."""
    if progress.estimate is None or not ended:
        return progress
    return replace(progress, estimate=np.mean(_to_average(ended), axis=0))


def _without_preview(progress: FitProgress) -> FitProgress:
    return progress if progress.estimate is None else replace(progress, estimate=None)
