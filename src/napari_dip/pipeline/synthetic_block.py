"""Simulate the observation of an image that is known: a block with noise of the same kind."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from napari_dip.noise.synthesis import add_noise, unit_noise
from napari_dip.pipeline.block import derived_seed
from napari_dip.pipeline.conditions import mixes_pixels
from napari_dip.pipeline.observation import forward_operator, to_tensor

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_dip.pipeline.block import Block
    from napari_dip.settings import Settings

__all__ = ["synthetic_block"]


def synthetic_block(
    block: Block, settings: Settings, image: NDArray[np.float32], seed: int
) -> Block:
    """Return the block that would be observed if ``image`` were the truth.

    Parameters
    ----------
    block
        Gives the noise models, the missing pixels and the point spread function.
    settings
        Give the forward operator.
    image
        ``(channels, *spatial)``, of the shape of the result.
    seed
        Of the noise.
    """
    clean = image
    if mixes_pixels(settings, blurred=block.psf is not None):
        factors = tuple(settings.factors.values())
        observe = forward_operator(settings.task, block.psf, factors, torch.device("cpu"))
        with torch.no_grad():
            clean = observe(to_tensor(image))[0].numpy()
    values = np.empty_like(block.values)
    for number, noise in enumerate(block.noises):
        drawn = unit_noise(
            clean.shape[1:], noise.correlation, derived_seed(seed, f"channel {number}")
        )
        values[number] = add_noise(clean[number], noise, drawn)
    return replace(block, values=np.where(block.known, values, block.values))
