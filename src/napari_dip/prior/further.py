"""Go on with a fit that has ended: the same network, the same moments, more iterations."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from napari_dip.prior.device import torch_errors

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from napari_dip.prior.block import Restored
    from napari_dip.prior.fit import Iterate

__all__ = ["continue_block"]


def continue_block(
    restored: Restored, iterations: int, stop_requested: Callable[[], bool]
) -> Generator[Iterate, None, Restored]:
    """Continue the only fit of a block by so many iterations, and refine it anew.

    The fit is taken along: ``restored`` itself cannot be continued a second time.

    Raises
    ------
    ValueError
        If it is the mean of several fits.
    """
    if restored.last is None:
        raise ValueError("several fits are at their end")
    one, course = restored.last
    recipe = replace(one.recipe, iterations=course.iteration + iterations)
    one = replace(one, recipe=recipe)
    with torch_errors(one.place):
        fitted, estimate = yield from one.run(course, stop_requested)
        if one.recipe.second_opinion and one.filters and not fitted.stopped_by_user:
            estimate = np.mean([estimate, one.second_opinion()], axis=0)
    return replace(restored, estimate=estimate, fits=(fitted,), last=(one, course))
