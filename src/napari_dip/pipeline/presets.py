"""Choose the recipe of a preset for a task.

:func:`recipe` finds the recipe of a preset and applies the changes in the settings.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from napari_dip.pipeline.fast_recipes import (
    before_projection,
    best_recipe,
    correcting_estimate,
    correcting_sharp,
    fast_recipe,
    starting_from_estimate,
)
from napari_dip.pipeline.published_recipes import published_recipe
from napari_dip.settings import NETWORKS
from napari_dip.settings.architectures import SkipNet

if TYPE_CHECKING:
    from napari_dip.dip.recipe import Recipe
    from napari_dip.settings import Hole, Settings
    from napari_dip.settings.networks import NamedNetwork

__all__ = ["recipe"]

MIN_ADAM_ITERATIONS = 2000
"""Iterations with Adam in place of Muon. Brackets name the section of ``benchmarks/NOTES.md`` with
the measurement [Network and optimiser of `fast`]."""

DEFAULT_WINDOW = 8
"""Planes in other tasks, if a shared axis is set [Joint inpainting and super-resolution of
planes]."""

_FIELDS_OF_SETTINGS = (
    "iterations",
    "stopping",
    "averaging",
    "precision",
    "members",
    "refinement",
    "window",
    "context",
)


def recipe(
    settings: Settings,
    *,
    hole: Hole = "scratches",
    sigma: float = 25 / 255,
    side: int = 256,
    from_estimate: bool = False,
    projects: bool = False,
    sharpens: bool = False,
) -> Recipe:
    """Return the recipe of a preset with the changes in the settings.

    Parameters
    ----------
    settings
        Task, preset and changes.
    hole
        The kind of gaps; used for inpainting only.
    sigma
        Standard deviation of the noise; 1 is the range of intensities.
    side
        The longest side of the result in pixels: the network of a large result is deeper.
    from_estimate
        Whether a filter can estimate the image before the fit. The fit starts from the estimate if
        the preset filters, and if no other network or optimiser is compared.
    projects
        Whether a filter and a projection can refine the result. They follow the fit, which is
        then shorter, unless the preset is ``paper``, or another network or optimiser is compared.
    sharpens
        Whether the estimate before the fit is a sharpened one.

    Examples
    --------
    >>> from napari_dip.settings import Settings
    >>> recipe(Settings(preset="paper", task="super-resolve", iterations=7)).iterations
    7
    """
    match settings.preset:
        case "paper":
            chosen = published_recipe(settings.task, settings, hole, sigma)
        case "fast":
            chosen = fast_recipe(settings, hole, sigma, side)
        case "best":
            chosen = best_recipe(settings, hole, sigma, side)
    compares = settings.prior.network is not None or settings.prior.optimiser == "adam"
    if from_estimate and chosen.refinement and not compares:
        starts = starting_from_estimate if settings.keeps_known else correcting_estimate
        chosen = starts(chosen)
        if sharpens:
            chosen = correcting_sharp(chosen)
    if projects and settings.preset != "paper" and not compares:
        chosen = before_projection(chosen, max(settings.factors.values()))
    if chosen.window == 1 and settings.share in ("Z", "T", "C"):
        chosen = replace(chosen, window=DEFAULT_WINDOW)
    if settings.prior.network is not None:
        chosen = _with_network(chosen, NETWORKS[settings.prior.network])
    if settings.prior.optimiser == "adam" != chosen.optimiser:
        chosen = _with_adam(chosen)
    changes = settings.prior.model_dump(exclude_none=True, exclude={"network"})
    for name in _FIELDS_OF_SETTINGS:
        if getattr(settings, name) is not None:
            changes[name] = getattr(settings, name)
    if settings.refinement is not None:
        changes["gap_passes"] = settings.refinement
    return replace(chosen, **changes, spacing=_spacing(settings))


def _spacing(settings: Settings) -> tuple[float, ...] | None:
    """Return the voxel spacing of the result, or ``None`` if that of the image is unknown."""
    # The sizes that the optics are told are those of the pixels: a file may be wrong or silent.
    sizes = settings.task.voxel or settings.voxel
    if sizes is None:
        return None
    voxel = dict(zip("ZYX", sizes, strict=True))
    return tuple(voxel[letter] / factor for letter, factor in settings.factors.items())


def _with_network(base: Recipe, named: NamedNetwork) -> Recipe:
    """Replace the network, and the numbers that its publication changed with it."""
    skip = base.network if isinstance(base.network, SkipNet) else SkipNet()
    if named.changes.get("optimiser") == "adam":
        base = _with_adam(base)
    return replace(base, network=named.architecture(skip), **named.changes)


def _with_adam(base: Recipe) -> Recipe:
    """Replace the optimiser by Adam, which needs about five times as many iterations."""
    return replace(base, optimiser="adam", iterations=max(base.iterations, MIN_ADAM_ITERATIONS))
