"""Which machines restore: this process, several on this computer, or those of a dask scheduler."""

from __future__ import annotations

from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_dip.errors import BadSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from napari_dip.image.problem import Problem
    from napari_dip.image.restore import Restoration
    from napari_dip.image.sink import Output
    from napari_dip.plugin.layers import LayerInput
    from napari_dip.plugin.target import Target
    from napari_dip.settings import Settings

__all__ = ["Machines", "Work", "begin"]

_PATIENCE_S = 10.0
"""How long a scheduler may take to answer: somebody waits before the window."""


@dataclass(frozen=True)
class Machines:
    """Who restores; with neither of the two, this process.

    Attributes
    ----------
    workers
        How many processes of this computer, or ``None``.
    scheduler
        Address of a cluster of dask, such as ``"tcp://host:8786"``, or ``None``.
    """

    workers: int | None = None
    scheduler: str | None = None

    def check(self) -> None:
        """Make sure that an address was given where one is needed.

        Raises
        ------
        BadSettings
            If it is empty.
        """
        if self.scheduler == "":
            raise BadSettings("Type the address of the scheduler, such as tcp://host:8786.")


@dataclass(frozen=True)
class Work:
    """A restoration that waits to be started."""

    problem: Problem
    output: Output
    steps: Restoration


@contextmanager
def begin(
    source: LayerInput,
    settings: Settings,
    target: Target,
    machines: Machines,
    stop_requested: Callable[[], bool],
) -> Iterator[Work]:
    """Have what a restoration needs as long as the body runs.

    Raises
    ------
    NapariDipError
        If no machines can be had, or anything is wrong with the image, the mask, the settings or
        the target.
    """
    # Loading torch takes seconds: here, in a thread of its own, it holds up nobody.
    from napari_dip.image.problem import make_problem
    from napari_dip.image.restore import run

    if machines == Machines():
        device, mask = target.device or None, source.whole_mask
        problem = make_problem(source.data, settings, mask, None, device, target.before())
        output = target.open(problem, source)
        kept = target.path is None
        with closing(output):
            yield Work(problem, output, run(problem, output, stop_requested, keep_network=kept))
        return
    from napari_dip.cluster.machines import hire

    with hire(
        settings.device,
        machines.workers,
        machines.scheduler,
        patience_s=_PATIENCE_S,
        stop_requested=stop_requested,
    ) as crew:
        # hire() itself may have said that a package is missing: dask comes after it.
        from napari_dip.cluster.run import restore_on_cluster

        assert crew is not None
        problem = make_problem(
            source.data, settings, source.whole_mask, None, crew.device, target.before()
        )
        output = target.open(problem, source)
        steps = restore_on_cluster(
            problem, output, crew.client, stop_requested=stop_requested, threads=crew.threads
        )
        with closing(output):
            yield Work(problem, output, steps)
