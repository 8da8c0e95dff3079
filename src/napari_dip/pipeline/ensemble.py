"""Several fits of one block, averaged; and the only one gone on with."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from napari_dip.compute.concurrency import in_fit_order, run_concurrently, threads_per_fit
from napari_dip.compute.device import cpu_threads, torch_errors
from napari_dip.pipeline.block import block_recipe, derived
from napari_dip.pipeline.member import Fit
from napari_dip.pipeline.precision import choose_arithmetic
from napari_dip.pipeline.registration import aligned

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence

    from numpy.typing import NDArray

    from napari_dip.dip.loop import Fitted, Iterate
    from napari_dip.dip.state import Course
    from napari_dip.pipeline.block import Block
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
    pixels planes that were aligned lay apart at most. ``tiles`` have so many fits together; the
    rest of ``of_tiles`` were not begun, and are NaN.
    """

    estimate: NDArray[np.float32]
    spread: NDArray[np.float32] | None
    fits: tuple[Fitted, ...]
    arithmetic: str
    last: tuple[Fit, Course] | None = None
    before: tuple[Fitted, ...] = ()
    moved: int = 0
    tiles: int = 1
    of_tiles: int = 1

    @property
    def stopped_by_user(self) -> bool:
        """Whether any of the fits was interrupted."""
        return any(fitted.stopped_by_user for fitted in self.fits)


def restore_block(
    block: Block,
    settings: Settings,
    device: str,
    *,
    seed: int,
    stop_requested: Callable[[], bool],
    at_once: int = 1,
) -> Generator[Iterate, None, Restored]:
    """Fit networks to one block, and average them.

    ``device`` is a name as :func:`~napari_dip.compute.device.choose_device` returns it, ``seed``
    that of the block; see :func:`~napari_dip.dip.loop.fit` for the rest. The iterations of all
    fits are counted on, as though they came one after another. One that is interrupted counts only
    if none has come to its end.
    """
    block = aligned(block, settings)
    threads = threads_per_fit(cpu_threads(), at_once)
    ended: dict[int, _Ended] = {}
    one: Fit

    def fits() -> Iterator[Generator[Iterate, None, _Ended]]:
        nonlocal one
        for one in plan_fits(block, settings, device, seed, threads):
            if not any(fit.fitted.stopped_by_user for fit in ended.values()):
                yield _to_its_end(one, stop_requested)

    with (
        torch_errors(torch.device(device)),
        closing(
            in_fit_order(
                run_concurrently(fits(), at_once, device, ended.__setitem__), ended, _blind
            )
        ) as steps,
    ):
        for number, iterate in steps:
            before = sum(ended[earlier].fitted.iterations for earlier in range(number))
            yield _among(list(ended.values()), iterate.after(before))
        in_order = [fit for _, fit in sorted(ended.items())]
        fitted = tuple(fit.fitted for fit in in_order)
        done = _to_be_averaged(in_order)
        mean = np.mean(done, axis=0)
        interrupted = any(fit.stopped_by_user for fit in fitted)
        if one.recipe.second_opinion and one.filters and not interrupted:
            mean = (mean + one.second_opinion()) / 2
    spread = np.std(done, axis=0, ddof=1) if len(done) > 1 else None
    course = in_order[-1].course
    last = None if course is None else (one, course)
    how = f"threads: {threads}" if one.place.type == "cpu" else fitted[-1].launched
    arithmetic = ", ".join(filter(None, [str(one.arithmetic), how]))
    moved = 0 if block.places is None else int(block.places.max())
    return Restored(mean, spread, fitted, arithmetic, last, moved=moved)


@dataclass(frozen=True)
class _Ended:
    """How one of the fits ended; the course of the only one, which may go on."""

    fitted: Fitted
    estimate: NDArray[np.float32]
    course: Course | None


def _to_its_end(one: Fit, stop_requested: Callable[[], bool]) -> Generator[Iterate, None, _Ended]:
    course = one.begin()
    fitted, estimate = yield from one.run(course, stop_requested)
    return _Ended(fitted, estimate, course if one.recipe.members == 1 else None)


def _to_be_averaged(fits: Sequence[_Ended]) -> list[NDArray[np.float32]]:
    """Leave out those that were interrupted, unless there is no other."""
    whole = [fit.estimate for fit in fits if not fit.fitted.stopped_by_user]
    return whole or [fit.estimate for fit in fits]


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


def plan_fits(
    block: Block, settings: Settings, device: str, seed: int, threads: int | None = None
) -> Iterator[Fit]:
    """Give the fits that are averaged, one after another: each has random numbers of its own.

    ``threads`` are those with which each of them will be computed on the CPU.
    """
    chosen, domain = block_recipe(block, settings)
    place = torch.device(device)
    arithmetic = choose_arithmetic(chosen.precision, place, block.values.ndim - 1, threads)
    for member in range(chosen.members):
        own_seed = derived(seed, f"fit {member}")
        side = _SIDES[member % len(_SIDES)]
        yield Fit(block, settings, chosen, domain, arithmetic, place, own_seed, side)


def _among(ended: Sequence[_Ended], iterate: Iterate) -> Iterate:
    """Show the mean of the fits that are done, if there are, in place of one that is not."""
    if iterate.estimate is None or not ended:
        return iterate
    return replace(iterate, estimate=np.mean(_to_be_averaged(ended), axis=0))


def _blind(iterate: Iterate) -> Iterate:
    return iterate if iterate.estimate is None else replace(iterate, estimate=None)
