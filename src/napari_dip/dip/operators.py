"""Apply the forward operator A of the observation y = A x + n.

Every operator is a linear map of tensors ``(1, channels, *spatial)`` that keeps the channels. The
adjoint comes from autograd; the tests compare it with its definition <A x, y> = <x, A* y>.
"""

# ruff: noqa: D102 - the protocol documents the method

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, Protocol

import torch
from scipy.fft import next_fast_len
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

__all__ = [
    "Blur",
    "CircularBlur",
    "Composed",
    "Downsample",
    "ForwardOperator",
    "Identity",
    "Mask",
    "kernel_1d",
    "padding",
]


class ForwardOperator(Protocol):
    """Linear map A of the observation y = A x + n."""

    def __call__(self, x: Tensor, /) -> Tensor:
        """Apply A to ``(1, channels, *spatial)``."""
        ...


@dataclass(frozen=True)
class Identity:
    """A x = x: the observation is the image with noise."""

    def __call__(self, x: Tensor, /) -> Tensor:
        return x


@dataclass(frozen=True)
class Mask:
    """A x = m x: missing pixels become 0. ``known`` is 1 or 0 and can be broadcast to x."""

    known: Tensor

    def __call__(self, x: Tensor, /) -> Tensor:
        return x * self.known


@dataclass(frozen=True)
class Downsample:
    """Low-pass filter and decimation by integer factors, one for each spatial axis.

    Low-resolution pixel j is at the centre of the high-resolution pixels ``factor * j`` to
    ``factor * j + factor - 1``, for odd and even factors: the "phase 1/2" of the published
    super-resolution. The border is replicated. Axes with the factor 1 are unchanged. A factor along
    Z alone is the sampling of a stack, and the kernel is its slice profile.

    Parameters
    ----------
    factors
        One for each spatial axis.
    kernel
        Name of a kernel, as in :func:`kernel_1d`.
    """

    factors: tuple[int, ...]
    kernel: str = "lanczos2"

    def __call__(self, x: Tensor, /) -> Tensor:
        for axis, factor in enumerate(self.factors, start=2):
            if factor > 1:
                weights = _weights(self.kernel, factor, x.dtype, x.device)
                pad = (len(weights) - factor) // 2
                x = _filter_axis(x, weights, axis, pad=pad, stride=factor)
        return x


@dataclass(frozen=True)
class Blur:
    """Convolution with the point spread function of a microscope.

    It is computed by the fast Fourier transform, so a large kernel costs little more than a small
    one.

    Parameters
    ----------
    psf
        One dimension for each spatial axis, an odd size along each; its sum is 1.
    border
        ``"replicate"`` continues the image by its border, and ``"dark"`` by zeros.
    """

    psf: Tensor
    border: Literal["replicate", "dark"] = "replicate"
    _circular: dict[tuple[object, ...], CircularBlur] = field(
        default_factory=dict, repr=False, compare=False
    )

    def __call__(self, x: Tensor, /) -> Tensor:
        sides = x.shape[2:]
        margins = padding(self.psf.shape, sides)
        pad = [width for widths in reversed(margins) for width in widths]
        padded = functional.pad(x, pad, mode="constant" if self.border == "dark" else "replicate")
        key = (*padded.shape[2:], x.dtype, x.device)
        if key not in self._circular:
            self._circular[key] = CircularBlur(self.psf.to(x), padded.shape[2:])
        blurred = self._circular[key](padded)
        for axis, ((before, _), size) in enumerate(zip(margins, sides, strict=True), start=2):
            blurred = blurred.narrow(axis, before, size)
        return blurred


class CircularBlur:
    """Convolution on a torus: values near a border depend on those at the opposite one.

    Parameters
    ----------
    psf
        One dimension for each spatial axis, an odd size along each.
    sides
        Of the images, along the spatial axes; none shorter than the kernel.
    """

    def __init__(self, psf: Tensor, sides: Sequence[int]) -> None:
        kernel = functional.pad(
            psf, [n for k, s in zip(psf.shape[::-1], sides[::-1], strict=True) for n in (0, s - k)]
        )
        centred = kernel.roll([-(size // 2) for size in psf.shape], tuple(range(psf.ndim)))
        self._sides = tuple(sides)
        self._axes = tuple(range(2, 2 + psf.ndim))
        self._transfer = torch.fft.rfftn(centred)

    def __call__(self, x: Tensor, /) -> Tensor:
        """Blur ``(1, channels, *spatial)``."""
        return self._filtered(x, self._transfer)

    def adjoint(self, x: Tensor) -> Tensor:
        """Correlate with the kernel."""
        return self._filtered(x, self._transfer.conj())

    def _filtered(self, x: Tensor, transfer: Tensor) -> Tensor:
        spectrum = torch.fft.rfftn(x, dim=self._axes) * transfer
        filtered: Tensor = torch.fft.irfftn(spectrum, s=self._sides, dim=self._axes)
        return filtered


def padding(kernel: Sequence[int], sides: Sequence[int]) -> list[tuple[int, int]]:
    """Return pixels to add before and after each axis, so that opposite borders do not mix.

    The padded sides are products of small primes, for which the transform is fast.

    Examples
    --------
    >>> padding((3, 5), (97, 64))
    [(1, 2), (2, 6)]
    """
    margins = []
    for taps, size in zip(kernel, sides, strict=True):
        half = taps // 2
        margins.append((half, next_fast_len(size + 2 * half, real=True) - size - half))
    return margins


@dataclass(frozen=True)
class Composed:
    """A x = A_n ... A_2 A_1 x, with the operators in the order in which they are applied."""

    operators: tuple[ForwardOperator, ...]

    def __call__(self, x: Tensor, /) -> Tensor:
        for operator in self.operators:
            x = operator(x)
        return x


def _filter_axis(x: Tensor, weights: Tensor, axis: int, *, pad: int, stride: int) -> Tensor:
    """Filter one axis with a 1-D kernel and a replicated border; keep every ``stride``-th value."""
    lines = x.movedim(axis, -1)
    shape = lines.shape
    lines = lines.reshape(-1, 1, shape[-1])
    lines = functional.pad(lines, (pad, pad), mode="replicate")
    lines = functional.conv1d(lines, weights[None, None], stride=stride)
    return lines.reshape(*shape[:-1], lines.shape[-1]).movedim(-1, axis)


@lru_cache(maxsize=64)
def _weights(name: str, factor: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Return a kernel on the device; cached, as a copy in each call would make a GPU wait."""
    return torch.tensor(kernel_1d(name, factor), dtype=dtype, device=device)


def kernel_1d(name: str, factor: int) -> list[float]:
    """Return the weights of an anti-aliasing filter around a low-resolution pixel.

    Parameters
    ----------
    name
        ``"lanczos2"``, ``"lanczos3"``, ``"box"`` (camera binning) or ``"gaussian"`` (its full
        width at half maximum is one low-resolution pixel).
    factor
        Factor of the decimation.

    Returns
    -------
    list of float
        Symmetric weights at the high-resolution pixels, with a sum of 1. Their number is odd for an
        odd factor.

    Examples
    --------
    >>> kernel_1d("box", 4)
    [0.25, 0.25, 0.25, 0.25]
    """
    window, support = _KERNELS[name]
    taps = math.ceil(2 * support * factor)
    taps -= (taps - factor) % 2
    weights = [window((tap - (taps - 1) / 2) / factor) for tap in range(taps)]
    return [weight / sum(weights) for weight in weights]


def _lanczos(lobes: int) -> Callable[[float], float]:
    """Return the Lanczos kernel over low-resolution pixels (Turkowski, Graphics Gems, 1990)."""
    return lambda t: _sinc(t) * _sinc(t / lobes)


def _sinc(t: float) -> float:
    return 1.0 if t == 0 else math.sin(math.pi * t) / (math.pi * t)


_KERNELS: dict[str, tuple[Callable[[float], float], float]] = {
    "lanczos2": (_lanczos(2), 2),
    "lanczos3": (_lanczos(3), 3),
    "box": (lambda _: 1.0, 0.5),
    "gaussian": (lambda t: math.exp(-4 * math.log(2) * t * t), 1.5),
}
