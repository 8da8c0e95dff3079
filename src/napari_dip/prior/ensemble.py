"""Several fits of one block, averaged; and the only one gone on with."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch

from napari_dip.prior.align import aligned
from napari_dip.prior.block import block_recipe, derived
from napari_dip.prior.calibrate import choose_arithmetic
from napari_dip.prior.device import cpu_threads, torch_errors
from napari_dip.prior.member import Fit
from napari_dip.steps import each

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from numpy.typing import NDArray

    from napari_dip.prior.block import Block
    from napari_dip.prior.fit import Fitted, Iterate
    from napari_dip.prior.ledger import Course
    from napari_dip.settings import Settings

__all__ = ["Restored", "continue_block", "plan_fits", "restore_block"]

_SIDES = (7, 6)
"""Of the patches that one fit after another is refined with: their errors differ."""


@dataclass(frozen=True)
class Restored:
    """The mean of the fits, their spread, and how each of them ended.

    ``estimate`` and ``spread``, the standard deviation of one fit, are float32 of shape
    ``(channels, *spatial)``; there is no spread of a single fit. ``arithmetic`` tells in what
    precision the convolutions were computed, on the CPU with how many threads, and on CUDA whether
    an iteration was one graph. ``last`` is what it takes to go on with the only fit; several are at
    their end. ``before`` are fits by which the noise was taken out first. ``moved`` is by how many
    pixels planes that were aligned lay apart at most. ``tiles`` have so many fits together.
    """

    estimate: NDArray[np.float32]
    spread: NDArray[np.float32] | None
    fits: tuple[Fitted, ...]
    arithmetic: str
    last: tuple[Fit, Course] | None = None
    before: tuple[Fitted, ...] = ()
    moved: int = 0
    tiles: int = 1


def restore_block(
    block: Block,
    settings: Settings,
    device: str,
    *,
    seed: int,
    stop_requested: Callable[[], bool],
) -> Generator[Iterate, None, Restored]:
    """Fit networks to one block, one after another, and average them.

    ``device`` is a name as :func:`~napari_dip.prior.device.choose_device` returns it, ``seed``
    that of the block; see :func:`~napari_dip.prior.fit.fit` for the rest. The iterations of all
    fits are counted on. One that is interrupted counts only if there is no other.
    """
    done: list[NDArray[np.float32]] = []
    fits: list[Fitted] = []
    block = aligned(block, settings)
    with torch_errors(torch.device(device)):
        for one in plan_fits(block, settings, device, seed):
            before = sum(fitted.iterations for fitted in fits)
            course = one.begin()
            fitting = one.run(course, stop_requested)
            fitted, estimate = yield from each(fitting, partial(_among, done, before))
            fits.append(fitted)
            if not (fitted.stopped_by_user and done):
                done.append(estimate)
            if fitted.stopped_by_user:
                break
        mean = np.mean(done, axis=0)
        if one.recipe.second_opinion and one.filters and not fitted.stopped_by_user:
            mean = (mean + one.second_opinion()) / 2
    spread = np.std(done, axis=0, ddof=1) if len(done) > 1 else None
    last = (one, course) if one.recipe.members == 1 else None
    how = f"threads: {cpu_threads()}" if one.place.type == "cpu" else fitted.launched
    arithmetic = ", ".join(filter(None, [str(one.arithmetic), how]))
    moved = 0 if block.places is None else int(block.places.max())
    return Restored(mean, spread, tuple(fits), arithmetic, last, moved=moved)


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


def plan_fits(block: Block, settings: Settings, device: str, seed: int) -> Iterator[Fit]:
    """Give the fits that are averaged, one after another: each has random numbers of its own."""
    chosen, domain = block_recipe(block, settings)
    place = torch.device(device)
    arithmetic = choose_arithmetic(chosen.precision, place, block.values.ndim - 1)
    for member in range(chosen.members):
        own_seed = derived(seed, f"fit {member}")
        side = _SIDES[member % len(_SIDES)]
        yield Fit(block, settings, chosen, domain, arithmetic, place, own_seed, side)


def _among(done: list[NDArray[np.float32]], before: int, iterate: Iterate) -> Iterate:
    """Count an iterate on; what is shown is the mean of the fits that are done, if there are."""
    estimate = iterate.estimate
    if estimate is not None and done:
        estimate = np.mean(done, axis=0)
    return replace(iterate.after(before), estimate=estimate)
