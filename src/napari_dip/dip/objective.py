"""The energy that is minimised: a data term E(x; y) and an explicit prior R(x)."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from napari_dip.dip.operators import ForwardOperator, Mask

if TYPE_CHECKING:
    from napari_dip.dip.initial_guess import Guess

__all__ = ["Clipping", "Observation", "total_variation"]


@dataclass(frozen=True)
class Clipping:
    """What the mean of normal noise becomes where the sensor clips it.

    Parameters
    ----------
    sensors
        Of each channel: the standard deviation of the noise, and the low and high end of the range,
        infinite where it has none.
    """

    sensors: tuple[tuple[float, float, float], ...]

    def __call__(self, x: Tensor, /) -> Tensor:
        """Give E[min(max(x + n, low), high)] of ``(1, channels, *spatial)``."""
        if len(set(self.sensors)) == 1:
            return _clipped(x, *self.sensors[0])
        channels = zip(x.split(1, dim=1), self.sensors, strict=True)
        return torch.cat([_clipped(one, *sensor) for one, sensor in channels], dim=1)


def _clipped(x: Tensor, sigma: float, low: float, high: float) -> Tensor:
    mean = x
    if math.isfinite(low):
        mean = low + _excess(x - low, sigma)
    return mean - _excess(x - high, sigma) if math.isfinite(high) else mean


def _excess(x: Tensor, sigma: float) -> Tensor:
    """Give E[max(x + n, 0)]."""
    t = x / sigma
    density = (-t.square() / 2).exp() / math.sqrt(2 * math.pi)
    excess: Tensor = sigma * (t * torch.special.ndtr(t) + density)
    return excess


@dataclass(frozen=True)
class Observation:
    """What was seen: y = m A x + n.

    Parameters
    ----------
    y
        ``(1, channels, *spatial)``, any finite number where it is unknown.
    operator
        A, without the mask.
    known
        m, of the shape of y: 1 where y was observed and 0 elsewhere.
    weight
        Of each squared residual, of a shape that y's contains and 1 on average: the inverse
        variance of the noise, where it differs from channel to channel.
    clipping
        How the sensor clipped A x + n; ``None`` where it did not.
    guess
        At what is missing of x, for the first iterations; ``None`` for none.
    """

    y: Tensor
    operator: ForwardOperator
    known: Tensor
    weight: Tensor | None = None
    clipping: Clipping | None = None
    guess: Guess | None = None

    def data_term(self, x: Tensor) -> Tensor:
        """Mean of (A x - y)² over the known pixels, weighted where the noise differs."""
        squares = self.residual(x).square()
        if self.weight is not None:
            squares = squares * self.weight
        return squares.sum() / self.known.sum()

    def residual(self, x: Tensor) -> Tensor:
        """Give m (A x - y), of the shape of y."""
        mask = Mask(self.known)
        predicted = self.operator(x)
        if self.clipping is not None:
            predicted = self.clipping(predicted)
        return mask(predicted) - mask(self.y)

    def hold_out(
        self, fraction: float, generator: torch.Generator
    ) -> tuple[Observation, Observation]:
        """Split the known pixels at random into those to fit and those to judge by.

        A pixel is held out in all its channels. At least one pixel is, and one stays.
        """
        anywhere = self.known.amax(dim=1, keepdim=True).flatten()
        candidates = anywhere.nonzero().flatten()
        count = min(max(1, round(fraction * len(candidates))), len(candidates) - 1)
        order = torch.randperm(len(candidates), generator=generator, device="cpu")
        held = torch.zeros_like(anywhere)
        held[candidates[order[:count].to(candidates.device)]] = 1
        held = held.reshape(1, 1, *self.known.shape[2:]) * self.known
        return replace(self, known=self.known - held), replace(self, known=held)


def total_variation(x: Tensor) -> Tensor:
    """Isotropic total variation a pixel, of ``(1, channels, *spatial)``.

    Rudin, Osher and Fatemi, Physica D 60 (1992); the gradient vanishes at the far border.
    """
    squares = torch.zeros_like(x)
    for axis in range(2, x.ndim):
        last = x.narrow(axis, x.shape[axis] - 1, 1)
        squares = squares + x.diff(dim=axis, append=last).square()
    # The square root has no derivative at zero.
    return (squares + 1e-8).sqrt().mean()
