"""Conditions on settings and operators that decide which steps are possible."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_dip.settings import Settings

__all__ = [
    "LITTLE_NOISE",
    "can_sharpen",
    "filters_and_projects",
    "may_align",
    "mixes_pixels",
    "uses_noise_model",
]

LITTLE_NOISE = 0.02  # of the range of intensities: weaker noise does not end a fit with gaps


def uses_noise_model(settings: Settings) -> bool:
    """Whether the noise is modelled; the method as published knows its strength alone."""
    return settings.preset != "paper"


def filters_and_projects(settings: Settings, *, blurred: bool, one_plane: bool) -> bool:
    """Whether a filter and a projection in turn can refine decimated planes without noise.

    A projection on blurred data would amplify their rounding.
    """
    decimated = settings.task.decimates and not settings.is_axial
    return decimated and one_plane and not blurred and settings.refinement != 0


def can_sharpen(settings: Settings, *, blurred: bool) -> bool:
    """Whether a blurred image is sharpened before the fit: the blur is all that mixes pixels."""
    return blurred and uses_noise_model(settings) and not settings.task.mixes_pixels


def mixes_pixels(settings: Settings, *, blurred: bool) -> bool:
    """Whether an observed pixel depends on several pixels of the result."""
    return settings.task.mixes_pixels or blurred


def may_align(settings: Settings, *, blurred: bool) -> bool:
    """Whether neighbouring planes may be aligned: no operator may mix pixels across a border."""
    return uses_noise_model(settings) and not mixes_pixels(settings, blurred=blurred)
