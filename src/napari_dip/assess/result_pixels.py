"""Check the shape of a result, and find its pixels that lie in a part of the image."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_dip.errors import BadImage
from napari_dip.image.arrays import as_lazy

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from napari_dip.image.axes import Index
    from napari_dip.image.lazy import LazyArray
    from napari_dip.image.problem import Problem

__all__ = ["checked_result", "index_in_result"]


def checked_result(
    problem: Problem, result: ArrayLike | LazyArray, name: str = "restored image"
) -> LazyArray:
    """Return a result, or its uncertainty, as a lazy array.

    Raises
    ------
    BadImage
        If it has another shape than the problem asks for; the message has the ``name``.
    """
    lazy = as_lazy(result)
    if tuple(lazy.shape) != problem.shape:
        raise BadImage(
            f"the {name} has the shape {tuple(lazy.shape)}, but the settings make it "
            f"{problem.shape}; give the result of these settings"
        )
    return lazy


def index_in_result(problem: Problem, index: Index) -> Index:
    """Return the index in the result of a part of the image, whose pixels may be larger.

    A number along an axis of finer pixels becomes that of the middle one.

    Examples
    --------
    >>> import numpy as np
    >>> from napari_dip import Settings, problem
    >>> asked = problem(np.eye(16), Settings(task="super-resolve", noise="none", device="cpu"))
    >>> index_in_result(asked, (slice(2, 5), 3))
    (slice(4, 10, None), 7)
    """
    found: list[int | slice] = []
    for letter, part in zip(problem.layout.axes, index, strict=True):
        factor = problem.factors.get(letter, 1)
        if not isinstance(part, slice):
            found.append(part * factor + factor // 2)
        elif part == slice(None):
            found.append(part)
        else:
            found.append(slice(part.start * factor, part.stop * factor))
    return tuple(found)
