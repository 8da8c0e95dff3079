"""Define the recipes of ``paper``, the method as published.

Ulyanov, Vedaldi and Lempitsky, "Deep Image Prior", IJCV 128 (2020), 1867-1888.
"""

from __future__ import annotations

from functools import singledispatch

from napari_dip.dip.recipe import Recipe
from napari_dip.errors import BadSettings
from napari_dip.settings import Denoise, Hole, Inpaint, Settings, SuperResolve, Task
from napari_dip.settings.architectures import SkipNet
from napari_dip.settings.networks import encoder_decoder

__all__ = ["published_recipe"]
_JPEG = SkipNet((8, 16, 32, 64, 128), (8, 16, 32, 64, 128), (0, 0, 0, 4, 4))
_SCRATCHES = SkipNet(skip=(128,) * 5, upsampling="nearest")
_HOLE = SkipNet(skip=(0,) * 5, upsampling="nearest")

_PAPER_INPAINT: dict[Hole, Recipe] = {
    "scratches": Recipe(_SCRATCHES, 6000, code_noise=0.03),
    "hole": Recipe(_HOLE, 5000, code="meshgrid", code_channels=2, code_noise=0.03),
    "large-hole": Recipe(encoder_decoder(6), 3000, code_channels=1, code_noise=0.0),
    "pixels": Recipe(SkipNet(), 11000, code_noise=0.03, learning_rate=0.001),
}


@singledispatch
def published_recipe(task: Task, settings: Settings, hole: Hole, sigma: float) -> Recipe:
    """Return the published recipe of a task; ``sigma`` is relative to the range of intensities.

    Raises
    ------
    BadSettings
        If none is registered for the task.
    """
    raise BadSettings(f"preset='paper': nothing is published for {task.kind}; use preset='fast'")


@published_recipe.register(Denoise)
def _of_denoising(task: Denoise, settings: Settings, hole: Hole, sigma: float) -> Recipe:
    if task.removes_jpeg:
        return Recipe(_JPEG, 2400, code_channels=3)
    # published for a sigma of 25 and of 50 of 255; the limit is in the middle
    return Recipe(SkipNet(), 1800, code_noise=1 / 30 if sigma < 37.5 / 255 else 1 / 20)


@published_recipe.register(SuperResolve)
def _of_super_resolution(
    task: SuperResolve, settings: Settings, hole: Hole, sigma: float
) -> Recipe:
    # published for the factors 4 and 8
    if max(settings.factors.values()) <= 4:
        return Recipe(SkipNet(), 2000, code_noise=0.03)
    return Recipe(SkipNet(), 4000, code_noise=0.05)


@published_recipe.register(Inpaint)
def _of_inpainting(task: Inpaint, settings: Settings, hole: Hole, sigma: float) -> Recipe:
    return _PAPER_INPAINT[hole]
