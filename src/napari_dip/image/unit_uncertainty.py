"""Convert the standard error of a unit to its uncertainty, with the axes and units of the image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_dip.image.standard_error import NORMAL_90
from napari_dip.image.unit_values import (
    is_window,
    output_planes,
    padded,
    repeated,
    unknown_channels,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_dip.image.intensity import Scale
    from napari_dip.image.observed import ObservedPart
    from napari_dip.image.plan import Unit
    from napari_dip.image.problem import Problem

__all__ = ["certain", "uncertainty_from_error"]


def uncertainty_from_error(
    problem: Problem,
    unit: Unit,
    observed: ObservedPart,
    scale: Scale,
    error: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Return half the width of the 90 % intervals of a unit.

    Pixels that are copied from the image have the error of their noise; padding has none. It is
    NaN in a channel without a known pixel.

    Parameters
    ----------
    problem, unit, observed, scale
        The problem, one of its units, what was observed there, and the scale of its block.
    error
        Standard error of each pixel of the block, in its intensities.
    """
    whole = error[unit.output_planes] * scale.span
    axes = "S" + problem.layout.spatial
    values, known = (
        output_planes(problem, unit, part)[: len(whole)]
        for part in (observed.values, observed.known)
    )
    if problem.settings.keeps_known:
        noises = problem.noises(unit)
        own = [noises[number % len(noises)].sigma(each) for number, each in enumerate(values)]
        of_noise = repeated(problem, np.where(known, np.stack(own), 0), axes)
        whole = np.where(repeated(problem, known, axes), of_noise, whole)
    else:
        whole = np.where(repeated(problem, padded(problem, values, known), axes), 0, whole)
    whole[unknown_channels(known)] = np.nan
    return _with_axes(problem, unit, observed, NORMAL_90 * whole)


def certain(problem: Problem, unit: Unit, observed: ObservedPart) -> NDArray[np.float32]:
    """Return the uncertainty of a unit whose values are all equal: 0."""
    values = output_planes(problem, unit, observed.values)
    colours = values[:3] if "S" in problem.layout.axes else values
    fine = repeated(problem, colours, "S" + problem.layout.spatial)
    return _with_axes(problem, unit, observed, np.zeros(fine.shape))


def _with_axes(
    problem: Problem, unit: Unit, observed: ObservedPart, widths: NDArray[Any]
) -> NDArray[np.float32]:
    """Order the axes of a block like those of the image; alpha is certain."""
    values = output_planes(problem, unit, observed.values)
    alpha = np.zeros((len(values) - len(widths), *widths.shape[1:]), np.float32)
    whole = np.concatenate([widths.astype(np.float32), alpha])
    return problem.layout.from_block(whole, window=is_window(problem, unit))
