"""Draw the input code z of a network, and the noise that each iteration adds to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["CodeNoise", "make_code", "with_estimate"]


MIN_STD = 1e-6  # of the intensity range: a constant estimate is not scaled


def make_code(
    kind: Literal["noise", "meshgrid"], channels: int, shape: Sequence[int], seed: int
) -> Tensor:
    """Draw the input code z.

    Parameters
    ----------
    kind
        ``"noise"`` is uniform in [0, 0.1). ``"meshgrid"`` has one channel for each axis, from 0 to
        1 along it.
    channels
        Number of channels of noise.
    shape
        Spatial shape.
    seed
        Seed of the noise; torch's global generator is not used.

    Returns
    -------
    Tensor
        float32, ``(1, channels, *shape)``.

    Examples
    --------
    >>> make_code("meshgrid", 0, (3, 2), seed=0)[0, 0].tolist()
    [[0.0, 0.0], [0.5, 0.5], [1.0, 1.0]]
    """
    if kind == "meshgrid":
        lines = [torch.linspace(0, 1, size, dtype=torch.float32) for size in shape]
        return torch.stack(torch.meshgrid(*lines, indexing="ij"))[None]
    generator = torch.Generator().manual_seed(seed)
    uniform = torch.rand(1, channels, *shape, generator=generator, dtype=torch.float32)
    return 0.1 * uniform


def with_estimate(code: Tensor, estimate: Tensor, strength: float) -> Tensor:
    """Append an estimate of the image to the code, so that a fit starts from it.

    Parameters
    ----------
    code
        ``(1, channels, *spatial)``.
    estimate
        ``(1, image channels, *spatial)``, on any device.
    strength
        Standard deviation of the appended channels; their mean is 0.

    Examples
    --------
    >>> code = torch.zeros(1, 2, 4, 4)
    >>> with_estimate(code, torch.arange(16.0).reshape(1, 1, 4, 4), 0.5).shape
    torch.Size([1, 3, 4, 4])
    """
    deviation = estimate - estimate.mean()
    scaled = deviation * (strength / estimate.std().clamp(min=MIN_STD))
    return torch.cat([code, scaled.to(code)], dim=1)


class CodeNoise:
    """Input code with normal noise, which is different in each iteration.

    Parameters
    ----------
    code
        The code z, in the memory format of the network.
    strength
        Standard deviation of the noise.
    seed
        Seed of the noise.
    pooled
        Whether the noise is drawn once, twice as much as a code needs, and each iteration uses
        another part of it. New noise would take up to a sixth of a fast iteration.

    Examples
    --------
    >>> codes = CodeNoise(torch.zeros(1, 2, 8, 8), 0.1, seed=0, pooled=True)
    >>> codes.draw()
    >>> bool(codes.noisy.std() > 0.05)
    True
    """

    def __init__(self, code: Tensor, strength: float, seed: int, *, pooled: bool) -> None:
        self.code, self.strength, self.pooled = code, strength, pooled
        self.generator = torch.Generator(code.device).manual_seed(seed)
        self.starts = torch.Generator().manual_seed(seed)
        size = 2 * code.numel() if pooled else 0
        self.pool = self._normal((size,))
        self.noisy = torch.empty_like(code) if strength else code

    def draw(self) -> None:
        """Add new noise to the code, in place in the tensor ``noisy``."""
        if not self.strength:
            return
        if self.pooled:
            size = self.code.numel()
            start = int(torch.randint(size, (1,), generator=self.starts))
            # In the memory format of the code.
            noise = self.pool[start : start + size].as_strided(self.code.shape, self.code.stride())
        else:
            noise = self._normal(self.code.shape)
        torch.add(self.code, noise, alpha=self.strength, out=self.noisy)

    def _normal(self, shape: Sequence[int]) -> Tensor:
        device, dtype = self.code.device, self.code.dtype
        return torch.randn(shape, generator=self.generator, device=device, dtype=dtype)
