"""A result as it stands, for the viewer: no more of it is in memory than is looked at."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_dip.image.lazy import Lazy

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

    from napari_dip.image.axes import Index
    from napari_dip.image.plan import Unit
    from napari_dip.image.problem import Problem
    from napari_dip.image.sink import Output

__all__ = ["Canvas", "whole_index"]

_MOST = 2**27  # values of a duplicate that is made at once, while the user waits


class Canvas(Lazy):
    """The latest preview, the planes that are restored, and nothing everywhere else.

    What is not restored is NaN, or 0 where the dtype holds whole numbers.

    Parameters
    ----------
    problem
        What is restored.
    output
        Where it goes.

    Examples
    --------
    >>> from napari_dip.settings import Settings, SuperResolve
    >>> from napari_dip.image.sink import InMemory
    >>> from napari_dip.image.problem import make_problem
    >>> noisy = np.random.default_rng(0).random((3, 8, 8))
    >>> settings = Settings(task=SuperResolve(factor=2), axes="QYX", device="cpu")
    >>> problem = make_problem(noisy, settings, None, None)
    >>> canvas = Canvas(problem, InMemory(problem))
    >>> canvas[1,] = np.ones((16, 16))
    >>> canvas.shape, canvas[1].mean(), canvas[2, 15, 15]
    ((3, 16, 16), np.float64(1.0), np.float64(nan))
    """

    def __init__(self, problem: Problem, output: Output) -> None:
        self._problem, self._output = problem, output
        self._units = {
            numbers: unit for unit in problem.plan.units for numbers in _planes(problem, unit)
        }
        self._preview: tuple[Index, NDArray[Any]] | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the result."""
        return self._problem.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the result."""
        return self._problem.dtype

    def __setitem__(self, index: Index, image: NDArray[Any]) -> None:
        """Show a preview of a unit, in the place of the one before."""
        self._preview = index, image

    def copy(self) -> Canvas:
        """Keep the preview, while this goes on to the next."""
        kept = Canvas(self._problem, self._output)
        kept._preview = self._preview
        return kept

    def __deepcopy__(self, memo: Any) -> Any:
        """Give the pixels as they are now, as napari asks for when it duplicates a layer.

        Of what is too large to be read at once, that is a canvas to which the run adds.
        """
        return self[()] if math.prod(self.shape) <= _MOST else self.copy()

    def astype(self, dtype: DTypeLike) -> NDArray[Any]:
        """Convert the pixels as they are now, as napari's menus do."""
        return self[()].astype(dtype)

    def __getitem__(self, index: Any, /) -> NDArray[Any]:
        """Put together what numbers and slices choose, plane by plane."""
        parts = whole_index(index, self.ndim)
        chosen = [np.arange(n)[part] for n, part in zip(self.shape, parts, strict=True)]
        places = [np.atleast_1d(each) for each in chosen]
        leading = self._problem.layout.leading
        # Slices and no lists of numbers, by which numpy takes ten times as long over a plane.
        inside = tuple(
            part if isinstance(part, slice) else slice(place[0], place[0] + 1)
            for axis, (part, place) in enumerate(zip(parts, places, strict=True))
            if axis not in leading
        )
        values = np.empty([each.size for each in places], self.dtype)
        target: list[int | slice] = [slice(None)] * self.ndim
        for numbers in np.ndindex(*(places[axis].size for axis in leading)):
            for axis, number in zip(leading, numbers, strict=True):
                target[axis] = number
            plane = (
                int(places[axis][number]) for axis, number in zip(leading, numbers, strict=True)
            )
            values[tuple(target)] = self._plane(tuple(plane))[inside]
        return values.squeeze(tuple(axis for axis, each in enumerate(chosen) if each.ndim == 0))[()]

    def _plane(self, numbers: tuple[int, ...]) -> NDArray[Any]:
        """Take a plane, by its numbers along the leading axes, from where it is newest."""
        layout, unit = self._problem.layout, self._units[numbers]
        preview = self._preview
        if preview is not None and preview[0] == unit.index:
            place = dict(zip(layout.leading, numbers, strict=True))
            within = (
                place[axis] - part.start if axis in place else slice(None)
                for axis, part in enumerate(unit.index)
                if isinstance(part, slice)
            )
            return preview[1][tuple(within)]
        index = layout.index(dict(zip(layout.leading, numbers, strict=True)))
        restored = self._output.restored(unit, index)
        return self._problem.empty(index) if restored is None else restored


def _planes(problem: Problem, unit: Unit) -> itertools.product[tuple[int, ...]]:
    """List the planes of a unit by their numbers along the leading axes."""
    layout = problem.layout
    parts = (unit.index[axis] for axis in layout.leading)
    ranges = (
        range(part.start, part.stop) if isinstance(part, slice) else (part,) for part in parts
    )
    return itertools.product(*ranges)


def whole_index(index: Any, ndim: int) -> tuple[int | slice, ...]:
    """Write out an index: one number or slice for each axis."""
    parts = list(index) if isinstance(index, tuple) else [index]
    if Ellipsis not in parts:
        parts.append(Ellipsis)
    place = parts.index(Ellipsis)
    parts[place : place + 1] = [slice(None)] * (ndim - len(parts) + 1)
    return tuple(parts)
