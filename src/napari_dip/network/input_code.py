"""The code z that a network is fed, and the fresh noise that each iteration adds to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["CodeNoise", "make_code"]


def make_code(
    kind: Literal["noise", "meshgrid"], channels: int, shape: Sequence[int], seed: int
) -> Tensor:
    """Draw the code z, ``(1, channels, *shape)``.

    Noise is uniform in [0, 0.1) with ``channels`` channels; a meshgrid has one
    channel for each axis, running from 0 to 1.
    """
    if kind == "meshgrid":
        lines = [torch.linspace(0, 1, size, dtype=torch.float32) for size in shape]
        return torch.stack(torch.meshgrid(*lines, indexing="ij"))[None]
    generator = torch.Generator().manual_seed(seed)
    uniform = torch.rand(1, channels, *shape, generator=generator, dtype=torch.float32)
    return 0.1 * uniform


class CodeNoise:
    """The code with normal noise on it, another for each iteration.

    Parameters
    ----------
    code
        z, in the memory format in which the network wants it.
    strength
        Standard deviation of the noise.
    seed
        Of the noise.
    pooled
        Draw the noise once, twice as much as a code needs, and take it from another place each
        time: drawing it anew takes up to a sixth of a fast iteration.
    """

    def __init__(self, code: Tensor, strength: float, seed: int, *, pooled: bool) -> None:
        self.code, self.strength, self.pooled = code, strength, pooled
        self.generator = torch.Generator(code.device).manual_seed(seed)
        self.places = torch.Generator().manual_seed(seed)
        size = 2 * code.numel() if pooled else 0
        self.pool = self._normal((size,))
        self.noisy = torch.empty_like(code) if strength else code

    def draw(self) -> None:
        """Put other noise on the code, and that into ``noisy``, the same tensor each time."""
        if not self.strength:
            return
        if self.pooled:
            size = self.code.numel()
            start = int(torch.randint(size, (1,), generator=self.places))
            # Laid out in memory as the code is, whichever format that may be.
            noise = self.pool[start : start + size].as_strided(self.code.shape, self.code.stride())
        else:
            noise = self._normal(self.code.shape)
        torch.add(self.code, noise, alpha=self.strength, out=self.noisy)

    def _normal(self, shape: Sequence[int]) -> Tensor:
        device, dtype = self.code.device, self.code.dtype
        return torch.randn(shape, generator=self.generator, device=device, dtype=dtype)
