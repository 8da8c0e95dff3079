"""Convert the estimate of a unit to values of the result: its units, dtype and axes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_dip.image.conserve_total import Total
from napari_dip.noise.padding import without_padding
from napari_dip.pipeline.conditions import uses_noise_model

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_dip.image.axes import Index
    from napari_dip.image.intensity import Scale
    from napari_dip.image.observed import ObservedPart
    from napari_dip.image.plan import Unit
    from napari_dip.image.problem import Problem

__all__ = [
    "constant_values",
    "is_window",
    "output_planes",
    "padded",
    "repeated",
    "restored_values",
    "unknown_channels",
    "unrestored_values",
]


def restored_values(
    problem: Problem,
    unit: Unit,
    observed: ObservedPart,
    scale: Scale,
    estimate: NDArray[np.float32],
) -> NDArray[Any]:
    """Convert the estimate of a unit to the units, dtype and axes of the result.

    Alpha is copied from the image; so are the known pixels if the task keeps them, and the
    padding otherwise. NaN in the estimate marks pixels that are not restored yet.
    """
    values, known = (
        output_planes(problem, unit, part) for part in (observed.values, observed.known)
    )
    colours = values[:3] if "S" in problem.layout.axes else values
    known = known[: len(colours)]
    estimate = estimate[unit.output_planes]
    kept = known if problem.settings.keeps_known else padded(problem, colours, known)
    totals = _totals(problem, colours, known & ~kept, estimate)
    restored = scale.from_unit(estimate, problem.dtype, totals, brighter=problem.psf is not None)
    if kept.any():
        axes = "S" + problem.layout.spatial
        copied = _refined(problem, colours, axes)
        kept = (_refined(problem, kept, axes) > 0) & ~np.isnan(estimate)
        restored = np.where(kept, copied, restored)
    for number in unknown_channels(known):
        restored[number] = _refined(problem, colours[number], problem.layout.spatial)
    alpha = _refined(problem, values[len(colours) :], "S" + problem.layout.spatial)
    whole = np.concatenate([restored, alpha])
    return problem.layout.from_block(whole, window=is_window(problem, unit))


def constant_values(problem: Problem, unit: Unit, observed: ObservedPart) -> NDArray[Any]:
    """Return the result of a unit with constant colours; alpha is copied from the image."""
    colours, known = (problem.layout.colours(part) for part in (observed.values, observed.known))
    values = output_planes(problem, unit, observed.values).astype(problem.dtype)
    values[: len(colours)] = colours[known][0].astype(problem.dtype)
    constant = _refined(problem, values, "S" + problem.layout.spatial)
    return problem.layout.from_block(constant, window=is_window(problem, unit))


def unrestored_values(problem: Problem, index: Index) -> NDArray[Any]:
    """Return a part of the input with the pixel size and dtype of the result."""
    indexed = {axis for axis, part in enumerate(index) if not isinstance(part, slice)}
    letters = (letter for axis, letter in enumerate(problem.layout.axes) if axis not in indexed)
    return _refined(problem, problem.observed.read_values(index), "".join(letters))


def padded(problem: Problem, values: NDArray[Any], known: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the mask of the padding of each channel; the published method restores padding."""
    if not uses_noise_model(problem.settings):
        return np.zeros_like(known)
    return known & ~np.stack(list(map(without_padding, values, known)))


def output_planes(problem: Problem, unit: Unit, part: NDArray[Any]) -> NDArray[Any]:
    """Return the restored planes of a fitted part, as a block with alpha."""
    return problem.layout.to_block(part)[unit.output_planes]


def repeated(problem: Problem, values: NDArray[Any], axes: str) -> NDArray[Any]:
    """Repeat each pixel over the pixels of the result that it covers."""
    for axis, letter in enumerate(axes):
        values = values.repeat(problem.factors.get(letter, 1), axis=axis)
    return values


def is_window(problem: Problem, unit: Unit) -> bool:
    """Whether a unit is indexed by a slice along the shared axis, even of one plane."""
    shared = problem.layout.shared
    return bool(shared) and isinstance(problem.layout.along(shared, unit.index), slice)


def unknown_channels(known: NDArray[np.bool_]) -> list[int]:
    """Return the numbers of the channels of a block without any known pixel."""
    return np.flatnonzero(~known.any(axis=tuple(range(1, known.ndim)))).tolist()


def _totals(
    problem: Problem,
    values: NDArray[Any],
    counted: NDArray[np.bool_],
    estimate: NDArray[np.float32],
) -> list[Total]:
    """Return the sum that each channel of a result is to have; none if none is conserved.

    It is the sum of the image in the pixels that are counted; of finer pixels, the same mean.
    """
    if not problem.settings.conserve_total:
        return []
    axes = "S" + problem.layout.spatial
    counted = (_refined(problem, counted, axes) > 0) & ~np.isnan(estimate)
    fine = repeated(problem, values.astype(np.float64), axes)
    return [
        Total(mask, float(channel[mask].sum())) for channel, mask in zip(fine, counted, strict=True)
    ]


def _refined(problem: Problem, values: NDArray[Any], axes: str) -> NDArray[Any]:
    """Repeat each pixel over the pixels of the result that it covers, in its dtype."""
    return repeated(problem, values, axes).astype(problem.dtype)
