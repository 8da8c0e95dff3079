"""A result as it stands, for the viewer: no more of it is in memory than is looked at."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_dip.image.lazy import LazyArray

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

    from napari_dip.image.axes import Index
    from napari_dip.image.plan import Unit
    from napari_dip.image.problem import Problem
    from napari_dip.image.sink import Output

__all__ = ["Canvas", "Upright", "whole_index"]

_MOST = 2**27  # values of a duplicate that is made at once, while the user waits


class Canvas(LazyArray):
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


class Upright(Canvas):
    """A canvas whose units are sections: each plane of it has a few rows of every unit.

    A plane that is looked at is kept, so that to show it anew only what was restored since is read.

    Parameters
    ----------
    problem, output
        What is restored, and where it goes.

    Examples
    --------
    >>> import numpy as np
    >>> from napari_dip.settings import Settings, SuperResolve
    >>> from napari_dip.image.sink import InMemory
    >>> from napari_dip.image.problem import make_problem
    >>> coarse = np.random.default_rng(0).random((3, 9, 8))
    >>> settings = Settings(task=SuperResolve(factor=2, axis="Z"), axes="ZYX", device="cpu")
    >>> problem = make_problem(coarse, settings, None, None)
    >>> upright = Upright(problem, InMemory(problem))
    >>> upright[:, 4] = np.ones((6, 8))
    >>> upright[5, 3:6, 0]
    array([nan,  1., nan])
    """

    def __init__(self, problem: Problem, output: Output) -> None:
        super().__init__(problem, output)
        self._looked_at: tuple[Index, NDArray[Any], set[int]] | None = None

    def copy(self) -> Upright:
        """Keep the preview, while this goes on to the next."""
        kept = Upright(self._problem, self._output)
        kept._preview = self._preview
        return kept

    def __getitem__(self, index: Any, /) -> NDArray[Any]:
        """Put together what numbers and slices choose."""
        asked, steps = _without_steps(whole_index(index, self.ndim), self.shape)
        looked_at = self._looked_at
        if looked_at is None or looked_at[0] != asked:
            looked_at = asked, self._problem.empty(asked), set()
        _, values, there = looked_at
        for unit in self._problem.plan.units:
            if unit.number in there or (met := _meet(asked, unit.index, self.shape)) is None:
                continue
            part, inside = met
            restored = self._output.restored(unit, part)
            if restored is not None:
                values[inside] = restored
                there.add(unit.number)
        self._looked_at = looked_at if values.ndim <= 2 else None
        shown = values.copy()
        if self._preview is not None:
            self._lay_over(shown, asked, *self._preview)
        return shown[steps]

    def _lay_over(
        self, shown: NDArray[Any], asked: Index, index: Index, picture: NDArray[Any]
    ) -> None:
        """Put the part of a preview that was asked for in its place."""
        met = _meet(asked, index, self.shape)
        if met is None:
            return
        part, inside = met
        index = whole_index(index, self.ndim)
        within = tuple(
            slice(one.start - own.start, one.stop - own.start)
            if isinstance(one, slice)
            else one - own.start
            for one, own in zip(part, _without_steps(index, self.shape)[0], strict=True)
            if isinstance(own, slice)
        )
        shown[inside] = picture[within].reshape(shown[inside].shape)


def _without_steps(parts: Index, shape: tuple[int, ...]) -> tuple[Index, tuple[slice, ...]]:
    """Write an index with numbers and ends from 0 on, and what then remains to be left out."""
    plain: list[int | slice] = []
    steps = []
    for part, size in zip(parts, shape, strict=True):
        chosen = range(size)[part]
        if isinstance(chosen, int):
            plain.append(chosen)
            continue
        plain.append(slice(min(chosen, default=0), max(chosen, default=-1) + 1))
        steps.append(slice(None, None, chosen.step))
    return tuple(plain), tuple(steps)


def _meet(
    asked: Index, own: Index, shape: tuple[int, ...]
) -> tuple[Index, tuple[slice, ...]] | None:
    """Find what of a unit was asked for, and where it lies in that; ``None`` if nothing of it."""
    part: list[int | slice] = []
    inside = []
    unit, _ = _without_steps(whole_index(own, len(shape)), shape)
    for one, other in zip(asked, unit, strict=True):
        low, high = (other.start, other.stop) if isinstance(other, slice) else (other, other + 1)
        if isinstance(one, slice):
            low, high = max(low, one.start), min(high, one.stop)
            part.append(slice(low, high))
            inside.append(slice(low - one.start, high - one.start))
        else:
            low, high = max(low, one), min(high, one + 1)
            part.append(one)
        if low >= high:
            return None
    return tuple(part), tuple(inside)
