"""Compute the uncertainty of units that are restored already."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_dip.image.replicas import restore_replicas
from napari_dip.image.unit import fit_block, make_block, unrestored_unit
from napari_dip.image.unit_uncertainty import uncertainty_from_error
from napari_dip.progress import Monitor

if TYPE_CHECKING:
    from collections.abc import Generator

    from numpy.typing import NDArray

    from napari_dip.image.lazy import LazyArray
    from napari_dip.image.plan import Unit
    from napari_dip.image.problem import Problem
    from napari_dip.progress import Snapshot

__all__ = ["uncertainty_of_unit"]


def uncertainty_of_unit(
    problem: Problem, unit: Unit, restored: LazyArray | NDArray[Any], monitor: Monitor = Monitor()
) -> Generator[Snapshot, None, NDArray[np.float32] | None]:
    """Return the uncertainty of a unit of a restored image, in units of the image.

    It is half the width of the 90 % interval; NaN where pixels are not restored. ``None`` if a stop
    was requested before the end, or if no pixel is known.

    Parameters
    ----------
    problem
        What was restored; ``settings.uncertainty`` has no influence.
    unit
        One of the units of its plan.
    restored
        The whole result; only the unit is read, with its context.
    monitor
        How the caller stops the fits.
    """
    from napari_dip.compute.device import release_memory

    observed = problem.observed.read(unit.input_index)
    if (kept := unrestored_unit(problem, unit, observed)) is not None:
        return kept.uncertainty
    scale = problem.scale(unit)
    assert scale is not None, "a constant unit is not restored"
    block = make_block(problem, unit, observed, scale)
    part = problem.layout.colours(np.asarray(restored[unit.input_index]))
    estimate = scale.to_unit(part).astype(np.float32)
    unknown = ~np.isfinite(estimate)
    estimate[unknown] = 0.5  # in the middle of the range, as the missing pixels of a block
    fit = partial(fit_block, problem, unit, problem.plan.tile)
    try:
        error = yield from restore_replicas(block, problem.settings, estimate, monitor, fit)
    finally:
        release_memory(problem.device)
    if error is None:
        return None
    error[unknown] = np.nan
    return uncertainty_from_error(problem, unit, observed, scale, error)
