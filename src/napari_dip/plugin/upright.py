"""A stack that is restored in sections, as it stands, for a viewer that goes through its planes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_dip.plugin.canvas import Canvas, whole_index

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_dip.image.axes import Index
    from napari_dip.image.problem import Problem
    from napari_dip.image.sink import Output

__all__ = ["Upright"]


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
