"""Choose a plane of the input and of the result, and show both on one scale."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_dip.assess.result_pixels import index_in_result
from napari_dip.assess.section import Picture
from napari_dip.assess.thumbnails import DETAIL_SIDE, contrast_limits, detail_window
from napari_dip.image.coverage import place_in_words

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_dip.image.lazy import LazyArray
    from napari_dip.image.problem import Problem

__all__ = ["ShownPlanes", "shown_planes"]

MAX_SEARCHED_PLANES = 64  # of a mask: the one with the most missing pixels is shown


@dataclass(frozen=True)
class ShownPlanes:
    """A plane of the input and of the result, with equal sizes and limits.

    Parameters
    ----------
    pictures
        Input and result, and a detail of both.
    limits
        The intensities that are shown black and white.
    place
        Which plane it is, such as ``"plane 13 of 25"``; empty for a single one.
    axis
        The letter of the axis along the width.
    """

    pictures: tuple[Picture, ...]
    limits: tuple[float, float]
    place: str
    axis: str = "X"


def shown_planes(problem: Problem, restored: LazyArray) -> ShownPlanes:
    """Show the middle plane, or that with the most missing pixels, and a detail.

    Parameters
    ----------
    problem
        What was restored.
    restored
        The result, with the axes of the image.
    """
    layout = problem.layout
    rows, columns = layout.spatial[-2], layout.spatial[-1]
    numbers = _numbers(problem, rows + columns)
    index = tuple(dict(numbers).get(letter, slice(None)) for letter in layout.axes)
    observed = problem.observed.read(index)
    factors = [problem.factors.get(letter, 1) for letter in (rows, columns)]
    order = [letter for letter in layout.axes if letter in rows + columns + "S"]
    wanted = [order.index(letter) for letter in rows + columns + "S"[: "S" in order]]

    def plane(values: NDArray[Any], times: tuple[int, int] = (1, 1)) -> NDArray[Any]:
        ordered = values.transpose(wanted)
        if ordered.ndim == 3:  # without alpha
            ordered = ordered[..., :3] if ordered.shape[-1] >= 3 else ordered[..., 0]
        return ordered.repeat(times[0], 0).repeat(times[1], 1)

    enlarged = (factors[0], factors[1])
    given = plane(observed.values.astype(np.float64), enlarged)
    known = plane(observed.known, enlarged)
    given[~known] = np.nan
    at = index_in_result(problem, index)
    result = plane(np.asarray(restored[at], np.float64))
    limits = contrast_limits(given)
    shown = [Picture("Input", given, limits), Picture("Result", result, limits)]
    grey, missing = (one if one.ndim == 2 else one.mean(-1) for one in (result, ~known))
    window = detail_window(grey, missing > 0)
    if min(grey.shape) > DETAIL_SIDE:
        shown += [Picture(f"{one.name}, detail", one.pixels[window], limits) for one in [*shown]]
    leading = [part for part in index if not isinstance(part, slice)]
    place = place_in_words(layout, index) if leading and layout.leading else ""
    if layout.ndim == 3:
        depth = layout.shape[layout.axes.index("Z")]
        place = ", ".join(filter(None, [place, f"plane {dict(numbers)['Z'] + 1} of {depth}"]))
    return ShownPlanes(tuple(shown), limits, place, columns)


def _numbers(problem: Problem, plane: str) -> list[tuple[str, int]]:
    """Return the chosen number along each axis that the plane lacks."""
    layout, missing = problem.layout, problem.observed.missing
    others = [letter for letter in layout.axes if letter not in plane + "S"]
    sizes = [layout.shape[layout.axes.index(letter)] for letter in others]
    middle = tuple(0 if letter == "C" else n // 2 for letter, n in zip(others, sizes, strict=True))
    total = int(np.prod(sizes))
    if missing is None or total == 1:
        return list(zip(others, middle, strict=True))
    searched = np.unique(np.linspace(0, total - 1, min(total, MAX_SEARCHED_PLANES)).astype(int))
    places = [tuple(map(int, np.unravel_index(number, sizes))) for number in searched]

    def gaps(place: tuple[int, ...]) -> int:
        numbers = dict(zip(others, place, strict=True))
        index = tuple(numbers.get(letter, slice(None)) for letter in layout.axes)
        return int(np.count_nonzero(missing[index]))

    best = max([middle, *places], key=gaps)
    return list(zip(others, best, strict=True))
