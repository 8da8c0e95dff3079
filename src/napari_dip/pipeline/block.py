"""One block of an image: what is known of it, and how it will be fitted."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from napari_dip.noise.domain import ChannelDomain, Domain
from napari_dip.pipeline.presets import recipe
from napari_dip.settings import Hole, Settings, SuperResolve

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from napari_dip.dip.recipe import Recipe
    from napari_dip.noise.model import NoiseModel

__all__ = [
    "Block",
    "block_recipe",
    "derived",
    "has_noise",
    "knows_noise",
    "mixes_pixels",
]

_STRONG = 0.025
"""Of the range of intensities: noise that is to be taken out though it may be texture."""

_ENOUGH = 2000
"""Pixels of an image in which such noise can be told; in fewer it has to be stronger, as the error
is of what is told, and what neighbours share cannot be told at all."""


@dataclass(frozen=True)
class Block:
    """What is to be restored at once, with intensities scaled to about [0, 1].

    ``values``, float32, and ``known``, bool, have the shape ``(channels, *spatial)``; the noises
    are those of the scaled values, one for each channel. ``shared`` is the axis of the image that
    the channels come from: T or Z for planes that are alike, C, or nothing for one plane.
    ``places`` tell where on a canvas planes that were aligned lie, as
    :func:`~napari_dip.pipeline.registration.places` gives them.
    """

    values: NDArray[np.float32]
    known: NDArray[np.bool_]
    noises: tuple[NoiseModel, ...]
    hole: Hole = "scratches"
    psf: NDArray[np.float32] | None = None
    shared: str = ""
    places: NDArray[np.intp] | None = None


def block_recipe(block: Block, settings: Settings) -> tuple[Recipe, Domain]:
    """Settle how a block is fitted, and in which intensities."""
    evenly = knows_noise(settings) and not mixes_pixels(settings, block.psf)
    domain = Domain(
        tuple(ChannelDomain(noise, evenly and noise.gain > 0) for noise in block.noises)
    )
    sigma = domain.sigma(block.values, block.known)
    factors = settings.factors.values()
    side = max(n * f for n, f in zip(block.values.shape[1:], factors, strict=True))
    chosen = recipe(settings, hole=block.hole, sigma=sigma, side=side)
    if block.shared and chosen.shared_iterations and settings.iterations is None:
        chosen = replace(chosen, iterations=chosen.shared_iterations)
    return chosen, domain


def knows_noise(settings: Settings) -> bool:
    """Whether the noise is more than a number: not so in the method as published."""
    return settings.preset != "paper"


def mixes_pixels(settings: Settings, psf: NDArray[np.float32] | None) -> bool:
    """Whether what was seen of a pixel holds something of its neighbours."""
    return isinstance(settings.task, SuperResolve) or psf is not None


def has_noise(block: Block) -> bool:
    """Whether there is noise to be taken out; what may as well be texture stays, unless strong."""
    plain = Domain(tuple(ChannelDomain(noise, stabilised=False) for noise in block.noises))
    sigma = plain.sigma(block.values, block.known)
    if all(noise.sure for noise in block.noises):
        return sigma > 0
    size = block.known[0].size
    if size >= _ENOUGH:
        return sigma > _STRONG
    shared = any(noise.correlated for noise in block.noises)
    return not shared and sigma > _STRONG * math.sqrt(_ENOUGH / size)


def derived(seed: int, purpose: str) -> int:
    """Give each random draw a stream of its own, so that adding one leaves the others alone."""
    digest = hashlib.sha256(f"{seed} {purpose}".encode()).digest()
    return int.from_bytes(digest[:8], "little") >> 1
