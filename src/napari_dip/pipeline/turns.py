"""What is asked in turn of a noisy image with large pixels: its noise first, then its pixels."""

from __future__ import annotations

from napari_dip.pipeline.presets import recipe
from napari_dip.settings import Denoise, Settings, SuperResolve

__all__ = ["denoises_first", "in_turn"]

_PART = 0.5
"""Of the preset's iterations, for what comes second, unless asked otherwise: it has no noise."""


def denoises_first(settings: Settings) -> bool:
    """Whether what is seen is denoised before its pixels are refined, if there is noise."""
    task = settings.task
    refines = isinstance(task, SuperResolve) and not task.axial
    return refines and settings.preset != "paper" and settings.noise != "none"


def in_turn(settings: Settings) -> tuple[Settings, Settings]:
    """Ask for the noise to be taken out, and for the pixels of what is then without noise.

    Examples
    --------
    >>> denoising, refining = in_turn(Settings(task=SuperResolve(factor=2), noise=12.0))
    >>> denoising.task.kind, refining.noise
    ('denoise', 'none')
    """
    iterations = settings.iterations or round(_PART * recipe(settings).iterations)
    refining = settings.replace(noise="none", stopping="fixed", iterations=iterations)
    return settings.replace(task=Denoise()), refining
