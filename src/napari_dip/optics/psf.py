"""Point spread functions, in pixels of the image that they blur."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


__all__ = ["PSF", "gaussian_psf", "normalised", "times"]

SIGMAS = 4.0  # of a Gaussian: half of its side
FWHM = math.sqrt(8 * math.log(2))  # standard deviations in the full width at half maximum
MARGIN_LIGHT = 0.95  # of the light: the overlap of tiles includes it


@dataclass(frozen=True)
class PSF:
    """A point spread function: what the microscope makes of a point.

    Parameters
    ----------
    values
        float32, one axis for each spatial axis, each of an odd length; their sum is 1.
    source
        What it is, in words.
    notes
        Sentences about what was done.
    losses
        Sentences about detail that the image cannot show, as its pixels are too large.
    file
        Where it was read from; empty if it was not.
    channels
        Those of all channels, if they differ; ``values`` are those of the first.

    Examples
    --------
    >>> print(gaussian_psf((2.5, 2.5)).describe())
    Gaussian of 2.5 × 2.5 pixels (full width at half maximum), 11 × 11 pixels
    """

    values: NDArray[np.float32]
    source: str
    notes: tuple[str, ...] = ()
    losses: tuple[str, ...] = ()
    file: str = ""
    channels: tuple[PSF, ...] = ()

    @classmethod
    def of_channels(cls, channels: Sequence[PSF]) -> PSF:
        """Combine those of several channels."""
        losses = dict.fromkeys(loss for each in channels for loss in each.losses)
        return replace(channels[0], losses=tuple(losses), channels=tuple(channels))

    def of_channel(self, number: int) -> PSF:
        """Return that of one channel, from 0."""
        return self.channels[number] if self.channels else self

    @property
    def digest(self) -> str:
        """A number of the values, the same for the same values."""
        each = [one.values.tobytes() for one in self.channels or [self]]
        return hashlib.blake2b(b"".join(each), digest_size=16).hexdigest()

    @property
    def margin(self) -> int:
        """Distance along Y and X in pixels within which most of the light is."""
        if self.channels:
            return max(one.margin for one in self.channels)
        centre = [size // 2 for size in self.values.shape[-2:]]
        plane = self.values.reshape(-1, *self.values.shape[-2:]).sum(axis=0)
        for margin in range(max(centre)):
            part = [slice(max(0, c - margin), c + margin + 1) for c in centre]
            if plane[tuple(part)].sum() >= MARGIN_LIGHT:
                return margin
        return int(max(centre))

    def record(self) -> dict[str, Any]:
        """Return what identifies it, as values that JSON can hold."""
        return {
            "description": self.describe(),
            "notes": [*self.notes, *self.losses],
            "file": self.file,
            "shape": list(self.values.shape),
            "digest": self.digest,
        }

    def describe(self) -> str:
        """Describe it for the plan of a restoration."""
        if self.channels:
            each = enumerate(self.channels, start=1)
            return "; ".join(f"channel {number}: {one.describe()}" for number, one in each)
        where = f" ({self.file})" if self.file else ""
        return f"{self.source}{where}, {times(self.values.shape)} pixels"

    def __array__(
        self, dtype: np.dtype | None = None, copy: bool | None = None
    ) -> NDArray[np.generic]:
        """Return the values."""
        return np.array(self.values, dtype=dtype)


def gaussian_psf(fwhm: Sequence[float]) -> PSF:
    """Return a Gaussian with these full widths at half maximum, in pixels.

    It is the integral over each pixel of a Gaussian, cut at four standard deviations.

    Examples
    --------
    >>> psf = gaussian_psf((3.0, 2.0))
    >>> psf.values.shape, round(float(psf.values.sum()), 5)
    ((13, 9), 1.0)
    """
    from scipy.special import ndtr

    values = np.ones(())
    for width in fwhm:
        sigma = width / FWHM
        half = max(1, math.ceil(SIGMAS * sigma))
        edges = (np.arange(-half, half + 2) - 0.5) / sigma
        values = np.multiply.outer(values, np.diff(ndtr(edges)))
    source = f"Gaussian of {times(fwhm)} pixels (full width at half maximum)"
    return PSF(normalised(values), source)


def normalised(values: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return values without negative ones, with a sum of 1."""
    values = values.clip(0)
    return np.ascontiguousarray(values / values.sum(), np.float32)


def times(numbers: Sequence[float]) -> str:
    """Write the sides of an array, such as ``"3 × 5"``."""
    return " × ".join(f"{number:.4g}" for number in numbers)
