"""Sharpen a blurred image without noise by the iteration of Richardson and Lucy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from napari_dip.dip.operators import CircularBlur, padding

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["RichardsonLucy"]

SMALLEST = 1e-6  # part of the mean intensity: no division by 0, and no pixel is 0 for ever
FASTEST = 0.98  # largest step of the acceleration, as in the publication


class RichardsonLucy:
    """Sharpen an image step by step; each step conserves its sum.

    Parameters
    ----------
    blurred
        ``(1, channels, *spatial)``, not negative, with hardly any noise.
    psf
        Point spread function, with a sum of 1.

    Notes
    -----
    Richardson, J. Opt. Soc. Am. 62 (1972), 55-59; Lucy, Astron. J. 79 (1974), 745-754; accelerated
    by Biggs and Andrews, Appl. Opt. 36 (1997), 1766-1775. The image is mirrored beyond its borders
    by half of the kernel, and the estimate includes these margins, so that no border is visible.

    Examples
    --------
    >>> line = torch.zeros(1, 1, 21, 21)
    >>> line[..., 10] = 1
    >>> psf = torch.tensor([[0.25, 0.5, 0.25]])
    >>> blurred = RichardsonLucy(line, psf).reblurred
    >>> sharpening = RichardsonLucy(blurred, psf)
    >>> sharpening.advance(30)
    >>> bool(blurred[0, 0, 5, 10] < 0.51 and sharpening.estimate[0, 0, 5, 10] > 0.9)
    True
    """

    def __init__(self, blurred: Tensor, psf: Tensor) -> None:
        sides = blurred.shape[2:]
        self._margins = padding(psf.shape, sides)
        self._sides = tuple(sides)
        data = blurred
        for axis, (size, widths) in enumerate(zip(sides, self._margins, strict=True), start=2):
            mirrored = np.pad(np.arange(size), widths, mode="symmetric")
            data = data.index_select(axis, torch.from_numpy(mirrored).to(data.device))
        self._axes = tuple(range(2, data.ndim))
        self._least = SMALLEST * data.mean().clamp(min=torch.finfo(data.dtype).tiny)
        self._data = data.clamp(min=0)
        self._blur = CircularBlur(psf.to(data), data.shape[2:])
        self._estimate = self._before = self._data.clamp(min=self._least)
        self._change: Tensor | None = None
        self._speed: Tensor | float = 0.0

    def advance(self, steps: int) -> None:
        """Run some steps."""
        for _ in range(steps):
            start = self._estimate + self._speed * (self._estimate - self._before)
            start = start.clamp(min=0)
            ratio = self._data / self._blur(start).clamp(min=self._least)
            self._before = self._estimate
            self._estimate = (start * self._blur.adjoint(ratio)).clamp(min=0)
            change = self._estimate - start
            if self._change is not None:
                along, norm = (
                    (each * self._change).sum(dim=self._axes, keepdim=True)
                    for each in (change, self._change)
                )
                self._speed = (along / norm.clamp(min=1e-30)).clamp(0, FASTEST)
            self._change = change

    @property
    def estimate(self) -> Tensor:
        """The sharpened image, of the shape of the blurred one."""
        return self._inside(self._estimate)

    @property
    def reblurred(self) -> Tensor:
        """The sharpened image, blurred again: what the microscope would show."""
        return self._inside(self._blur(self._estimate))

    def _inside(self, x: Tensor) -> Tensor:
        for axis, ((before, _), size) in enumerate(
            zip(self._margins, self._sides, strict=True), start=2
        ):
            x = x.narrow(axis, before, size)
        return x
