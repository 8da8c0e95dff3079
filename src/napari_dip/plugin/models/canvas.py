"""Show a result that is not complete, and read only the planes that the viewer asks for."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_dip.image.lazy import LazyArray

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

    from napari_dip.image.axes import Index, Layout
    from napari_dip.image.plan import Unit
    from napari_dip.image.problem import Problem
    from napari_dip.image.sink import Sink

__all__ = ["Canvas", "SectionCanvas", "planes_of"]

MAX_COPIED_VALUES = 2**27  # values: a larger duplicate would block the viewer for seconds


class Canvas(LazyArray):
    """A lazy array of the latest preview and the restored planes.

    Pixels that are not restored are NaN, or 0 in an integer dtype.

    Parameters
    ----------
    problem
        What is restored.
    output
        Where the restored planes are.

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

    def __init__(self, problem: Problem, output: Sink) -> None:
        self._problem, self._output = problem, output
        self._units = {
            numbers: unit
            for unit in problem.plan.units
            for numbers in planes_of(problem.layout, unit)
        }
        self._preview: tuple[Index, NDArray[Any]] | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the result."""
        return self._problem.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the result."""
        return self._problem.dtype

    def __setitem__(self, index: Index, image: NDArray[Any]) -> None:
        """Replace the preview by that of a unit."""
        self._preview = index, image

    def copy(self) -> Canvas:
        """Return a canvas that keeps the current preview."""
        kept = Canvas(self._problem, self._output)
        kept._preview = self._preview
        return kept

    def __deepcopy__(self, memo: Any) -> Any:
        """Return the current pixels, which napari needs to duplicate a layer.

        A canvas that is too large to be read at once is copied as a canvas.
        """
        return self[()] if math.prod(self.shape) <= MAX_COPIED_VALUES else self.copy()

    def astype(self, dtype: DTypeLike) -> NDArray[Any]:
        """Convert the current pixels, which napari's menus need."""
        return self[()].astype(dtype)

    def __getitem__(self, index: Any, /) -> NDArray[Any]:
        """Read the pixels at numbers and slices, plane by plane."""
        parts = _full_index(index, self.ndim)
        chosen = [np.arange(n)[part] for n, part in zip(self.shape, parts, strict=True)]
        positions = [np.atleast_1d(each) for each in chosen]
        leading = self._problem.layout.leading
        # Slices: numpy reads a plane ten times as fast with them as with arrays of indices.
        within_plane = tuple(
            part if isinstance(part, slice) else slice(position[0], position[0] + 1)
            for axis, (part, position) in enumerate(zip(parts, positions, strict=True))
            if axis not in leading
        )
        values = np.empty([each.size for each in positions], self.dtype)
        target: list[int | slice] = [slice(None)] * self.ndim
        for numbers in np.ndindex(*(positions[axis].size for axis in leading)):
            for axis, number in zip(leading, numbers, strict=True):
                target[axis] = number
            plane = (
                int(positions[axis][number]) for axis, number in zip(leading, numbers, strict=True)
            )
            values[tuple(target)] = self._plane(tuple(plane))[within_plane]
        return values.squeeze(tuple(axis for axis, each in enumerate(chosen) if each.ndim == 0))[()]

    def _plane(self, numbers: tuple[int, ...]) -> NDArray[Any]:
        """Return a plane by its indices along the leading axes: preview, result or empty."""
        layout, unit = self._problem.layout, self._units[numbers]
        preview = self._preview
        if preview is not None and preview[0] == unit.index:
            place = dict(zip(layout.leading, numbers, strict=True))
            within_unit = (
                place[axis] - part.start if axis in place else slice(None)
                for axis, part in enumerate(unit.index)
                if isinstance(part, slice)
            )
            return preview[1][tuple(within_unit)]
        index = layout.index(dict(zip(layout.leading, numbers, strict=True)))
        restored = self._output.restored(unit, index)
        return self._problem.empty(index) if restored is None else restored


class SectionCanvas(Canvas):
    """A canvas of a stack that is restored in sections along Z.

    Each plane has some rows of every unit. The plane that was read last is cached, so that only
    the rows that were restored since then are read for the next display.

    Parameters
    ----------
    problem, output
        As for :class:`Canvas`.

    Examples
    --------
    >>> import numpy as np
    >>> from napari_dip.settings import Settings, SuperResolve
    >>> from napari_dip.image.sink import InMemory
    >>> from napari_dip.image.problem import make_problem
    >>> coarse = np.random.default_rng(0).random((3, 9, 8))
    >>> settings = Settings(task=SuperResolve(factor=2, axis="Z"), axes="ZYX", device="cpu")
    >>> problem = make_problem(coarse, settings, None, None)
    >>> canvas = SectionCanvas(problem, InMemory(problem))
    >>> canvas[:, 4] = np.ones((6, 8))
    >>> canvas[5, 3:6, 0]
    array([nan,  1., nan])
    """

    def __init__(self, problem: Problem, output: Sink) -> None:
        super().__init__(problem, output)
        self._cached: tuple[Index, NDArray[Any], set[int]] | None = None

    def copy(self) -> SectionCanvas:
        """Return a canvas that keeps the current preview."""
        kept = SectionCanvas(self._problem, self._output)
        kept._preview = self._preview
        return kept

    def __getitem__(self, index: Any, /) -> NDArray[Any]:
        """Read the pixels at numbers and slices, unit by unit."""
        wanted, steps = _without_steps(_full_index(index, self.ndim), self.shape)
        cached = self._cached
        if cached is None or cached[0] != wanted:
            cached = wanted, self._problem.empty(wanted), set()
        _, values, read = cached
        for unit in self._problem.plan.units:
            overlap = _overlap(wanted, unit.index, self.shape)
            if unit.number in read or overlap is None:
                continue
            part, inside = overlap
            restored = self._output.restored(unit, part)
            if restored is not None:
                values[inside] = restored
                read.add(unit.number)
        self._cached = cached if values.ndim <= 2 else None
        shown = values.copy()
        if self._preview is not None:
            self._insert_preview(shown, wanted, *self._preview)
        return shown[steps]

    def _insert_preview(
        self, shown: NDArray[Any], wanted: Index, index: Index, preview: NDArray[Any]
    ) -> None:
        """Copy the overlap of a preview with the wanted pixels."""
        overlap = _overlap(wanted, index, self.shape)
        if overlap is None:
            return
        part, inside = overlap
        index = _full_index(index, self.ndim)
        within = tuple(
            slice(one.start - own.start, one.stop - own.start)
            if isinstance(one, slice)
            else one - own.start
            for one, own in zip(part, _without_steps(index, self.shape)[0], strict=True)
            if isinstance(own, slice)
        )
        shown[inside] = preview[within].reshape(shown[inside].shape)


def planes_of(layout: Layout, unit: Unit) -> itertools.product[tuple[int, ...]]:
    """List the planes of a unit by their indices along the leading axes."""
    parts = (unit.index[axis] for axis in layout.leading)
    ranges = (
        range(part.start, part.stop) if isinstance(part, slice) else (part,) for part in parts
    )
    return itertools.product(*ranges)


def _full_index(index: Any, ndim: int) -> tuple[int | slice, ...]:
    """Expand an index to one number or slice for each axis."""
    parts = list(index) if isinstance(index, tuple) else [index]
    if Ellipsis not in parts:
        parts.append(Ellipsis)
    place = parts.index(Ellipsis)
    parts[place : place + 1] = [slice(None)] * (ndim - len(parts) + 1)
    return tuple(parts)


def _without_steps(parts: Index, shape: tuple[int, ...]) -> tuple[Index, tuple[slice, ...]]:
    """Split an index into one with non-negative ends and step 1, and the remaining steps."""
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


def _overlap(
    wanted: Index, own: Index, shape: tuple[int, ...]
) -> tuple[Index, tuple[slice, ...]] | None:
    """Return the overlap of two indices, in the result and in the wanted pixels, or ``None``."""
    part: list[int | slice] = []
    inside = []
    unit, _ = _without_steps(_full_index(own, len(shape)), shape)
    for one, other in zip(wanted, unit, strict=True):
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
