"""How a unit ended: its fits, their curve and the reason of their end."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_dip.image.plan import Unit
    from napari_dip.noise.model import NoiseModel
    from napari_dip.pipeline.restore_block import Restored

__all__ = ["UnitReport", "report_of_fits", "report_without_fit"]

MAX_METRICS = 500  # points of the curve of the stopping rule that a report keeps


@dataclass(frozen=True)
class UnitReport:
    """How one unit ended.

    Parameters
    ----------
    index
        Numbers along the leading axes; of a window, first and last but one.
    reason
        Why each fit ended.
    rule, metric
        The stopping rule of the first fit, and its curve as (iteration, number), thinned.
    iterations, denoising
        Iterations of all members of all tiles and of both stages, and those of the denoising
        stage; 0 if there was nothing to restore.
    best_iteration
        The iteration of the first fit that was returned.
    loss
        The objective at the end.
    noise
        The noise model in the units of the image, or one for each channel.
    rollbacks
        How often a fit was set back after a jump of the loss.
    members, tiles, of_tiles
        Fits that were averaged, tiles that were restored, and all tiles.
    arithmetic
        The precision of the convolutions, and the threads on a CPU.
    moved
        By how many pixels aligned planes lay apart at most.
    stopped_by_user, most_iterations
        Whether the user stopped it, and the most iterations that it could take.
    unchanged
        Whether no pixel was known, so that the unit is a copy of the image.
    steps
        What was done, a sentence each.
    """

    index: tuple[int | tuple[int, int], ...]
    reason: str
    rule: str = ""
    iterations: int = 0
    best_iteration: int = 0
    loss: float = 0.0
    noise: dict[str, Any] | list[dict[str, Any]] = field(default_factory=dict)
    rollbacks: int = 0
    members: int = 0
    tiles: int = 1
    arithmetic: str = ""
    metric: tuple[tuple[int, float], ...] = ()
    denoising: int = 0
    moved: int = 0
    stopped_by_user: bool = False
    most_iterations: int = 0
    of_tiles: int = 1
    unchanged: bool = False
    steps: tuple[str, ...] = ()

    @property
    def stopped_early(self) -> bool:
        """Whether stopping rules ended it before the last iteration."""
        return 0 < self.iterations < self.most_iterations and not self.stopped_by_user


def report_without_fit(unit: Unit, reason: str) -> UnitReport:
    """Return the report of a unit that was not fitted."""
    return UnitReport(index=_numbers(unit), reason=reason)


def report_of_fits(
    unit: Unit, restored: Restored, noises: tuple[NoiseModel, ...], most: int, note: str
) -> UnitReport:
    """Return the report of a restored unit.

    Parameters
    ----------
    unit
        The unit.
    restored
        Its fits.
    noises
        The noise model of each channel, in the units of the image.
    most
        The most iterations that it could take.
    note
        Added to the reasons; empty for none.
    """
    everything = (*restored.before, *restored.fits)
    first, last = everything[0], everything[-1]
    # JSON cannot hold infinity, which a rule returns before it is ready.
    ready = [(number, metric) for number, metric in first.metrics if math.isfinite(metric)]
    denoising = sum(fitted.iterations for fitted in restored.before)
    reasons = [
        *(f"denoised before: {fitted.reason}" for fitted in restored.before),
        *(fitted.reason for fitted in restored.fits),
        *([note] if note else []),
    ]
    thinned = ready[:: -(-len(ready) // MAX_METRICS) or 1]
    return UnitReport(
        index=_numbers(unit),
        rule=first.rule,
        reason="; ".join(dict.fromkeys(reasons)),
        iterations=restored.iterations,
        best_iteration=denoising + restored.fits[0].best_iteration,
        loss=last.loss,
        noise=[each.as_dict() for each in noises] if len(noises) > 1 else noises[0].as_dict(),
        rollbacks=sum(fitted.rollbacks for fitted in everything),
        members=-(-len(restored.fits) // restored.tiles),
        tiles=restored.tiles,
        arithmetic=restored.arithmetic,
        metric=tuple(thinned),
        denoising=denoising,
        moved=restored.moved,
        stopped_by_user=restored.stopped_by_user,
        most_iterations=most,
        of_tiles=restored.of_tiles,
        steps=restored.steps,
    )


def _numbers(unit: Unit) -> tuple[int | tuple[int, int], ...]:
    """Return the numbers of a unit along the leading axes; of a window, first and last but one."""
    return tuple(
        (part.start, part.stop) if isinstance(part, slice) else part
        for part in unit.index
        if part != slice(None)
    )
