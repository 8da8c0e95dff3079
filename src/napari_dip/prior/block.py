"""One block of an image: what is known of it, and how it will be fitted."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from napari_dip.prior.domain import Channel, Domain
from napari_dip.prior.recipes import Recipe, recipe
from napari_dip.settings import Hole, Settings, SuperResolve

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from napari_dip.prior.noise import NoiseModel

__all__ = ["Block", "block_recipe", "derived", "knows_noise", "mixes_pixels"]


@dataclass(frozen=True)
class Block:
    """What is to be restored at once, with intensities scaled to about [0, 1].

    ``values``, float32, and ``known``, bool, have the shape ``(channels, *spatial)``; the noises
    are those of the scaled values, one for each channel. ``shared`` is the axis of the image that
    the channels come from: T or Z for planes that are alike, C, or nothing for one plane.
    """

    values: NDArray[np.float32]
    known: NDArray[np.bool_]
    noises: tuple[NoiseModel, ...]
    hole: Hole = "scratches"
    psf: NDArray[np.float32] | None = None
    shared: str = ""


def block_recipe(block: Block, settings: Settings) -> tuple[Recipe, Domain]:
    """Settle how a block is fitted, and in which intensities."""
    evenly = knows_noise(settings) and not mixes_pixels(block, settings)
    domain = Domain(tuple(Channel(noise, evenly and noise.gain > 0) for noise in block.noises))
    sigma = domain.sigma(block.values, block.known)
    chosen = recipe(settings, hole=block.hole, sigma=sigma)
    if block.shared and chosen.shared_iterations and settings.iterations is None:
        chosen = replace(chosen, iterations=chosen.shared_iterations)
    return chosen, domain


def knows_noise(settings: Settings) -> bool:
    """Whether the noise is more than a number: not so in the method as published."""
    return settings.preset != "paper"


def mixes_pixels(block: Block, settings: Settings) -> bool:
    """Whether what was seen of a pixel holds something of its neighbours."""
    return isinstance(settings.task, SuperResolve) or block.psf is not None


def derived(seed: int, purpose: str) -> int:
    """Give each random draw a stream of its own, so that adding one leaves the others alone."""
    digest = hashlib.sha256(f"{seed} {purpose}".encode()).digest()
    return int.from_bytes(digest[:8], "little") >> 1
