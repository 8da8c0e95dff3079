"""Keep the light of an image: the sum of its intensities above those without light."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from napari_dip.patches.local_mean import local_mean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["as_bright", "with_light_of"]

MOST_BIAS = 0.05  # of the light of a denoised image: a larger one is that of clipped pixels
LIGHT_SIDE = 31  # pixels of a plane: side of the square around a pixel whose light is kept


def as_bright(
    denoised: NDArray[np.float32], noisy: NDArray[np.float32], offsets: Sequence[float]
) -> NDArray[np.float32]:
    """Scale the light of each channel to that of the noisy image, which has no bias."""
    scaled = []
    for estimate, observed, offset in zip(denoised, noisy, offsets, strict=True):
        light, found = (
            float(image.mean(dtype=np.float64)) - offset for image in (observed, estimate)
        )
        ratio = light / found if found > 0 else 1.0
        ratio = min(max(ratio, 1 - MOST_BIAS), 1 + MOST_BIAS)
        scaled.append((estimate - np.float32(offset)) * np.float32(ratio) + np.float32(offset))
    return np.stack(scaled)


def with_light_of(image: torch.Tensor, other: torch.Tensor, *, locally: bool) -> torch.Tensor:
    """Return another image with the light of an image in each channel, and around each pixel.

    A filtered point, without its pixels below 0, has too much light, which the ground would lose.
    """
    if locally:
        light, found = (local_mean(each, LIGHT_SIDE) for each in (image, other))
        other = other * torch.where(found > 0, light / found.clamp(min=1e-30), 1.0)
    axes = tuple(range(2, image.ndim))
    total, kept = (each.sum(dim=axes, keepdim=True) for each in (image, other))
    return other * torch.where(kept > 0, total / kept.clamp(min=1e-30), 1.0)
