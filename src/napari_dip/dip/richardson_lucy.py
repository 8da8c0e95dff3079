"""Sharpen a blurred image without noise by the iteration of Richardson and Lucy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional

from napari_dip.dip.operators import CircularBlur, padding

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["RichardsonLucy"]

SMALLEST = 1e-6  # part of the mean intensity: no division by 0, and no pixel is 0 for ever
SEEN = 0.01  # part of the light of a surrounding pixel in the image: with less it is left unchanged
FASTEST = 0.98  # largest step of the acceleration, as in the publication


class RichardsonLucy:
    """Sharpen an image step by step, with unknown light around it.

    The estimate reaches beyond the image by half of the kernel. What is there is estimated too,
    from the light that it sends into the image: so the sharpened image, with its surroundings and
    blurred again, has the sum of the image, and light that crossed a border is put back.

    Parameters
    ----------
    blurred
        ``(1, channels, *spatial)``, not negative, with hardly any noise.
    psf
        Point spread function, with a sum of 1.
    inside
        A sharp image of the same shape, which is kept: only its surroundings are estimated.

    Notes
    -----
    Richardson, J. Opt. Soc. Am. 62 (1972), 55-59; Lucy, Astron. J. 79 (1974), 745-754; accelerated
    by Biggs and Andrews, Appl. Opt. 36 (1997), 1766-1775; for an unknown surrounding by Bertero and
    Boccacci, Astron. Astrophys. 437 (2005), 369-374. It starts as the mirror image.

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

    def __init__(self, blurred: Tensor, psf: Tensor, inside: Tensor | None = None) -> None:
        sides = blurred.shape[2:]
        self._margins = padding(psf.shape, sides)
        self._sides = tuple(sides)
        data = blurred
        for axis, (size, widths) in enumerate(zip(sides, self._margins, strict=True), start=2):
            mirrored = np.pad(np.arange(size), widths, mode="symmetric")
            data = data.index_select(axis, torch.from_numpy(mirrored).to(data.device))
        self._axes = tuple(range(2, data.ndim))
        self._least = SMALLEST * data.mean().clamp(min=torch.finfo(data.dtype).tiny)
        self._blur = CircularBlur(psf.to(data), data.shape[2:])
        self._data = blurred.clamp(min=0)
        self._seen = self._blur.adjoint(self._padded(torch.ones_like(blurred[:, :1])))
        self._kept = None if inside is None else self._padded(inside)
        self._around = 1 - self._padded(torch.ones_like(blurred))
        self._estimate = self._before = self._with_kept(data.clamp(min=self._least))
        self._change: Tensor | None = None
        self._speed: Tensor | float = 0.0

    def advance(self, steps: int) -> None:
        """Run some steps."""
        for _ in range(steps):
            start = self._estimate + self._speed * (self._estimate - self._before)
            start = start.clamp(min=0)
            ratio = self._data / self._inside(self._blur(start)).clamp(min=self._least)
            factor = self._blur.adjoint(self._padded(ratio)) / self._seen.clamp(min=SEEN)
            self._before = self._estimate
            changed = (start * factor.where(self._seen > SEEN, 1)).clamp(min=0)
            self._estimate = self._with_kept(changed)
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

    def reblurred_with(self, inside: Tensor) -> Tensor:
        """Blur another image with the same surroundings."""
        return self._inside(self._blur(self._estimate + self._padded(inside - self.estimate)))

    @property
    def from_outside(self) -> Tensor:
        """The light that the surroundings send into the image."""
        return self.reblurred - self._inside(self._blur(self._padded(self.estimate)))

    @property
    def share_from_outside(self) -> Tensor:
        """The same for surroundings and an image that are 1 everywhere."""
        inside = torch.ones_like(self._data[:, :1])
        return 1 - self._inside(self._blur(self._padded(inside)))

    def _with_kept(self, x: Tensor) -> Tensor:
        return x if self._kept is None else self._kept + self._around * x

    def _padded(self, x: Tensor) -> Tensor:
        """Put zeros around an image."""
        return functional.pad(x, [width for each in self._margins[::-1] for width in each])

    def _inside(self, x: Tensor) -> Tensor:
        for axis, ((before, _), size) in enumerate(
            zip(self._margins, self._sides, strict=True), start=2
        ):
            x = x.narrow(axis, before, size)
        return x
