"""Define the recipes of ``paper``, the method as published.

Ulyanov, Vedaldi and Lempitsky, "Deep Image Prior", IJCV 128 (2020), 1867-1888.
"""

from __future__ import annotations

from napari_dip.dip.recipe import Recipe
from napari_dip.settings import Denoise, Hole, Inpaint, Settings, SuperResolve
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


def published_recipe(settings: Settings, hole: Hole, sigma: float) -> Recipe:
    """Return the published recipe of a task; ``sigma`` is relative to the range of intensities."""
    match settings.task:
        case Denoise(artefact="jpeg"):
            return Recipe(_JPEG, 2400, code_channels=3)
        case Denoise():
            # published for a sigma of 25 and of 50 of 255; the limit is in the middle
            return Recipe(SkipNet(), 1800, code_noise=1 / 30 if sigma < 37.5 / 255 else 1 / 20)
        case SuperResolve():
            # published for the factors 4 and 8
            if max(settings.factors.values()) <= 4:
                return Recipe(SkipNet(), 2000, code_noise=0.03)
            return Recipe(SkipNet(), 4000, code_noise=0.05)
        case Inpaint():
            return _PAPER_INPAINT[hole]
