"""The step that fits several networks to one block and averages them."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from napari_dip.compute.concurrency import in_fit_order, run_concurrently
from napari_dip.pipeline.run_step import run_step
from napari_dip.pipeline.steps import with_previews
from napari_dip.progress import Snapshot

if TYPE_CHECKING:
    from collections.abc import Collection, Generator, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from napari_dip.pipeline.cost_model import Costs
    from napari_dip.pipeline.steps import Context, Data, Step

__all__ = ["Ensemble"]


@dataclass(frozen=True)
class Ensemble:
    """Run steps two times or more, each time with other random numbers, and average the results.

    A member that the user interrupts counts only if no member was finished.
    """

    members: int
    steps: tuple[Step, ...]

    @property
    def filter_passes(self) -> float:
        """Leave the filters to the members."""
        return 0.0

    def run(self, data: Data, context: Context, /) -> Generator[Snapshot, None, Data]:
        """Run the members, ``context.concurrency`` at the same time."""
        ended: dict[int, Data] = {}

        def members() -> Iterator[Generator[Snapshot, None, Data]]:
            for number in range(self.members):
                if not any(one.stopped_by_user for one in ended.values()):
                    yield self._member(data, replace(context, member=number), ended)

        running = run_concurrently(
            members(), context.concurrency, str(context.device), ended.__setitem__
        )
        with closing(in_fit_order(running, ended, Snapshot.without_image)) as in_order:
            for number, snapshot in in_order:
                yield snapshot.after(sum(ended[one].fits[0].iterations for one in range(number)))
        return self._averaged(data, [one for _, one in sorted(ended.items())])

    def _member(
        self, data: Data, context: Context, ended: Mapping[int, Data]
    ) -> Generator[Snapshot, None, Data]:
        monitor = context.monitor.through(partial(_mean_of_ended, ended, context.member))
        for step, monitored in with_previews(self.steps, replace(context, monitor=monitor)):
            data = yield from run_step(step, data, monitored)
        return data

    def _averaged(self, data: Data, ended: Sequence[Data]) -> Data:
        """Average, and leave out the first estimate, which is in the intensities of the fit."""
        estimates = _to_average(ended)
        return replace(
            data,
            first=None,
            estimate=np.mean(estimates, axis=0),
            fits=tuple(fitted for one in ended for fitted in one.fits),
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
        return f"Do that {self.members} times with other random numbers, and average the results."


def _to_average(ended: Collection[Data]) -> list[NDArray[np.float32]]:
    """Leave out the interrupted members, unless there is no other."""
    whole = [one.estimate for one in ended if not one.stopped_by_user]
    estimates = whole or [one.estimate for one in ended]
    return [estimate for estimate in estimates if estimate is not None]


def _mean_of_ended(
    ended: Mapping[int, Data], number: int, estimate: NDArray[np.float32]
) -> NDArray[np.float32] | None:
    """Show the mean of the members that have ended; before that, the first member.

    A later member of concurrent ones may have a preview before the first member ends. It would be
    shown only after that end.
    """
    if ended:
        mean: NDArray[np.float32] = np.mean(_to_average(list(ended.values())), axis=0)
        return mean
    return estimate if number == 0 else None
