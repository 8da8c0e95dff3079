"""Super-resolution of a noisy block in two stages: denoise first, then refine the pixels."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from napari_dip.noise.domain import Domain
from napari_dip.noise.poisson_gaussian import PoissonGaussian
from napari_dip.pipeline.conditions import filters_and_projects, uses_noise_model
from napari_dip.pipeline.presets import recipe
from napari_dip.settings import Denoise

if TYPE_CHECKING:
    from napari_dip.pipeline.block import Block
    from napari_dip.settings import Settings

__all__ = ["denoises_first", "has_noise", "stage_settings", "stages"]

SECOND_STAGE_ITERATIONS = 0.5  # of the preset's: the input of the second stage has no noise. A fit
# before a filter and projections keeps all of its few iterations: half of them lose 0.2 dB (NOTES,
# "Denoising before super-resolution").

# See NOTES, "Denoising before super-resolution".
STRONG_NOISE = 0.025  # of the range of intensities: removed, though it may be texture
STRONGEST_TEXTURE = 0.07  # of the range: correlated noise of bright pixels may be texture up to it
DARK_NOISE = 0.55  # of the noise: with less in the darkest pixel, it is that of bright pixels
ENOUGH_PIXELS = 2000  # with fewer, the estimate errs more and the noise has to be stronger


def denoises_first(settings: Settings) -> bool:
    """Whether the task is done in two stages if the image has noise."""
    task = settings.task
    refines_planes = task.decimates and not settings.is_axial
    return refines_planes and uses_noise_model(settings) and settings.noise != "none"


def stage_settings(
    settings: Settings, *, blurred: bool = False, one_plane: bool = True
) -> tuple[Settings, Settings]:
    """Return the settings of both stages.

    ``blurred`` says that a point spread function is given, and ``one_plane`` that the block is
    neither a volume nor several planes.

    Examples
    --------
    >>> from napari_dip.settings import Settings, SuperResolve
    >>> denoising, refining = stage_settings(Settings(task=SuperResolve(factor=2), noise=12.0))
    >>> denoising.task.kind, refining.noise
    ('denoise', 'none')
    """
    projects = filters_and_projects(settings, blurred=blurred, one_plane=one_plane)
    preset = recipe(settings, projects=projects).iterations
    part = 1 if projects else SECOND_STAGE_ITERATIONS
    iterations = settings.iterations or round(part * preset)
    refining = settings.replace(noise="none", stopping="fixed", iterations=iterations)
    return settings.replace(task=Denoise()), refining


def stages(block: Block, settings: Settings) -> tuple[tuple[Block, Settings], ...]:
    """Return the block and the settings of each stage.

    The values of the last block are those of ``block``: put the result of the stage before in.

    Behind an operator that mixes pixels, noise can be neither stabilised nor told from texture by
    similar patches, and each fit would have to stop before it.
    """
    if not denoises_first(settings):
        return ((block, settings),)
    clean = replace(block, noises=(PoissonGaussian(),) * len(block.noises))
    if not has_noise(block):
        return ((clean, settings.replace(noise="none")),)
    denoising, refining = stage_settings(
        settings,
        blurred=block.psf is not None,
        one_plane=block.values.ndim == 3 and not block.shares_planes,
    )
    # The point spread function has the pixel size of the result, so the second stage applies it.
    return (replace(block, psf=None), denoising), (clean, refining)


def has_noise(block: Block) -> bool:
    """Whether there is noise to remove; an uncertain estimate may be texture, unless it is strong.

    Dense texture of bright structures looks like noise that is correlated, and weak where it is
    dark. Correlation cannot be estimated from few pixels.
    """
    sigma = Domain.of(block.noises, stabilise=False).sigma(block.values, block.known)
    if all(noise.sure for noise in block.noises):
        return sigma > 0
    size = block.known[0].size
    correlated = any(noise.correlated for noise in block.noises)
    if size < ENOUGH_PIXELS:
        return not correlated and sigma > STRONG_NOISE * math.sqrt(ENOUGH_PIXELS / size)
    if correlated and _darkest_sigma(block) < DARK_NOISE * sigma:
        return sigma > STRONGEST_TEXTURE
    return sigma > STRONG_NOISE


def _darkest_sigma(block: Block) -> float:
    """Return the root mean square of the noise in the darkest pixels of the channels."""
    known = np.where(block.known, block.values, np.inf)
    darkest = known.min(axis=tuple(range(1, known.ndim)))
    each = zip(block.noises, darkest, strict=True)
    return math.sqrt(sum(float(noise.sigma(dark)) ** 2 for noise, dark in each) / len(darkest))
