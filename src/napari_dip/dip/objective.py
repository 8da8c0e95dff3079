"""Compute the loss of a fit: the data term E(x; y) and the explicit prior R(x)."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from napari_dip.dip.constants import INVERSION_STEPS, TV_EPSILON
from napari_dip.dip.operators import ForwardOperator, Mask

if TYPE_CHECKING:
    from napari_dip.dip.guidance import Guidance

__all__ = ["Clipping", "Observation", "total_variation"]


@dataclass(frozen=True)
class Clipping:
    """Predict the mean of pixels with normal noise that the sensor clips.

    Parameters
    ----------
    sensors
        For each channel the standard deviation of the noise, and the low and the high end of the
        range, infinite without a limit.
    """

    sensors: tuple[tuple[float, float, float], ...]

    def __call__(self, x: Tensor, /) -> Tensor:
        """Return E[min(max(x + n, low), high)] for x of shape ``(1, channels, *spatial)``."""
        if len(set(self.sensors)) == 1:
            return _clipped(x, *self.sensors[0])
        channels = zip(x.split(1, dim=1), self.sensors, strict=True)
        return torch.cat([_clipped(channel, *sensor) for channel, sensor in channels], dim=1)

    def inverse(self, mean: Tensor) -> Tensor:
        """Return an x whose clipped mean is the given one, by fixed-point iteration.

        Examples
        --------
        >>> clipping = Clipping(((0.1, 0.0, 1.0),))
        >>> dark = torch.full((1, 1, 2, 2), 0.02)
        >>> bool((clipping.inverse(clipping(dark)) - dark).abs().max() < 1e-3)
        True
        """
        x = mean
        for _ in range(INVERSION_STEPS):
            x = x + mean - self(x)
        return x


def _clipped(x: Tensor, sigma: float, low: float, high: float) -> Tensor:
    mean = x
    if math.isfinite(low):
        mean = low + _excess(x - low, sigma)
    return mean - _excess(x - high, sigma) if math.isfinite(high) else mean


def _excess(x: Tensor, sigma: float) -> Tensor:
    """Return E[max(x + n, 0)] for normal noise n."""
    t = x / sigma
    density = (-t.square() / 2).exp() / math.sqrt(2 * math.pi)
    excess: Tensor = sigma * (t * torch.special.ndtr(t) + density)
    return excess


@dataclass(frozen=True)
class Observation:
    """Observation y = m A x + n of an image x.

    Parameters
    ----------
    y
        ``(1, channels, *spatial)``, with any finite numbers where pixels are missing.
    operator
        A, without the mask.
    known
        m, of the shape of y: 1 where y was observed and 0 elsewhere.
    weight
        Weight of each squared residual, 1 on average; its shape can be broadcast to that of y. It
        is the inverse variance of the noise where that differs between channels.
    clipping
        How the sensor clips A x + n; ``None`` if it does not.
    guidance
        Interpolation of the missing pixels of x, for the first iterations; ``None`` for none.
    from_outside
        Light b that the surroundings of x send into the image, of the shape of y: A x + b is
        observed in place of A x. ``None`` for none.
    """

    y: Tensor
    operator: ForwardOperator
    known: Tensor
    weight: Tensor | None = None
    clipping: Clipping | None = None
    guidance: Guidance | None = None
    from_outside: Tensor | None = None

    def data_term(self, x: Tensor) -> Tensor:
        """Return the mean of the weighted (A x - y)² over the known pixels."""
        squares = self.residual(x).square()
        if self.weight is not None:
            squares = squares * self.weight
        return squares.sum() / self.known.sum()

    def residual(self, x: Tensor) -> Tensor:
        """Return m (A x - y), of the shape of y."""
        mask = Mask(self.known)
        predicted = self.operator(x)
        if self.from_outside is not None:
            predicted = predicted + self.from_outside
        if self.clipping is not None:
            predicted = self.clipping(predicted)
        return mask(predicted) - mask(self.y)

    def hold_out(
        self, fraction: float, generator: torch.Generator
    ) -> tuple[Observation, Observation]:
        """Split the known pixels at random into pixels to fit and held-out pixels.

        A pixel is held out in all channels. Each part has at least one pixel.

        Parameters
        ----------
        fraction
            Fraction of the known pixels to hold out.
        generator
            Source of the random numbers; on the CPU.

        Returns
        -------
        fitted, held_out
            Observations that differ in their ``known`` pixels.
        """
        any_channel = self.known.amax(dim=1, keepdim=True).flatten()
        candidates = any_channel.nonzero().flatten()
        count = min(max(1, round(fraction * len(candidates))), len(candidates) - 1)
        order = torch.randperm(len(candidates), generator=generator, device="cpu")
        held = torch.zeros_like(any_channel)
        held[candidates[order[:count].to(candidates.device)]] = 1
        held = held.reshape(1, 1, *self.known.shape[2:]) * self.known
        return replace(self, known=self.known - held), replace(self, known=held)


def total_variation(x: Tensor) -> Tensor:
    """Return the isotropic total variation per pixel of ``(1, channels, *spatial)``.

    Rudin, Osher and Fatemi, Physica D 60 (1992). The gradient is 0 at the far border.
    """
    squares = torch.zeros_like(x)
    for axis in range(2, x.ndim):
        last = x.narrow(axis, x.shape[axis] - 1, 1)
        squares = squares + x.diff(dim=axis, append=last).square()
    return (squares + TV_EPSILON).sqrt().mean()
