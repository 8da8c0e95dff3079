"""Record the progress of a restoration, and monitor the fits that it consists of."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    Report = Callable[[str, float], object]

__all__ = ["Monitor", "Snapshot", "no_report"]


@dataclass(frozen=True)
class Snapshot:
    """Progress of a restoration.

    Parameters
    ----------
    unit, units
        The number of the unit (plane, volume or window) that is restored, from 0, and of all.
    index
        Where ``image`` belongs: ``output[index] = image``.
    iteration, iterations
        The iteration of this unit, from 1, and the most that it may take; 0 for a preview before
        the fit.
    loss, metric
        The objective, and the number that the stopping rule monitors; NaN before the fit.
    elapsed_s, remaining_s
        Seconds since the start, and until the end if no unit stops early.
    image
        A preview in the units, dtype and order of axes of the result, or ``None``.
    best_iteration
        The iteration that the stopping rule would return now; 0 before it is known.
    denoising
        In the second stage of a super-resolution, the iterations of the first, which denoised;
        else 0.
    part
        What is restored, such as ``"plane 5 of 7"``; empty for the whole image.

    Notes
    -----
    If several units are restored at the same time, ``unit`` and ``iteration`` count as if they were
    restored one after the other. The rest is of the unit that reported last.

    The loop of a fit fills in ``iteration``, ``iterations``, ``loss``, ``metric``, ``image`` and
    ``best_iteration``. The restoration of the whole image fills in the rest.
    """

    unit: int = 0
    units: int = 1
    index: tuple[int | slice, ...] = ()
    iteration: int = 0
    iterations: int = 0
    loss: float = math.nan
    metric: float = math.nan
    elapsed_s: float = 0.0
    remaining_s: float = 0.0
    image: NDArray[Any] | None = None
    best_iteration: int = 0
    part: str = ""
    denoising: int = 0

    def after(self, before: int) -> Snapshot:
        """Return the snapshot with the iterations of earlier fits added."""
        best = before + self.best_iteration
        return replace(self, iteration=before + self.iteration, best_iteration=best)

    def without_image(self) -> Snapshot:
        """Return the snapshot without its preview; itself if it has none."""
        return self if self.image is None else replace(self, image=None)


def _never() -> bool:
    return False


def no_report(stage: str, done: float) -> None:
    """Do not report."""


def _unchanged(estimate: NDArray[np.float32]) -> NDArray[np.float32]:
    return estimate


@dataclass(frozen=True)
class Monitor:
    """How a caller stops a fit and sees its previews.

    Each level that divides its work into fits passes a changed monitor down. So the loop of a fit
    yields snapshots that the levels above it do not change.

    Parameters
    ----------
    stop_requested
        Called in every iteration and between the batches of a filter; true ends the fit. It may
        block to pause the run.
    overdue
        Whether the stop was requested so long ago that a filter must be interrupted.
    report
        Called with the name of a stage, ``"filter"`` or ``"fit"``, and with the part of it that is
        done, from 0 to 1.
    convert
        Converts an estimate of the fit, float32, ``(channels, *spatial)``, to the preview of the
        caller; ``None`` for no preview. It is called only if a preview is due.
    before
        Iterations of earlier fits, which are added to those of the fit.
    iterations
        The most iterations of all fits together; ``None`` for those of this fit.

    Examples
    --------
    >>> doubled = Monitor(convert=str).through(lambda estimate: 2 * estimate)
    >>> doubled.convert(21)
    '42'
    """

    stop_requested: Callable[[], bool] = _never
    overdue: Callable[[], bool] = _never
    report: Report = no_report
    convert: Callable[[NDArray[np.float32]], NDArray[Any] | None] = _unchanged
    before: int = 0
    iterations: int | None = None

    def through(
        self, first: Callable[[NDArray[np.float32]], NDArray[np.float32] | None]
    ) -> Monitor:
        """Return a monitor whose previews are converted by ``first`` before this one's."""

        def convert(estimate: NDArray[np.float32]) -> NDArray[Any] | None:
            converted = first(estimate)
            return None if converted is None else self.convert(converted)

        return replace(self, convert=convert)

    def after(self, iterations: int) -> Monitor:
        """Return a monitor of a fit that follows so many iterations of earlier fits."""
        return replace(self, before=self.before + iterations)
