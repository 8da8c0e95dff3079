"""Measured features of a block, from which the steps of its restoration follow."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest
from statistics import fmean
from typing import TYPE_CHECKING

from napari_dip.noise.domain import Domain
from napari_dip.noise.poisson_gaussian import PoissonGaussian
from napari_dip.pipeline.registration import on_canvas, shifts_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_dip.noise.model import Correlation, NoiseModel
    from napari_dip.pipeline.block import Block
    from napari_dip.pipeline.registration import Shifts
    from napari_dip.settings import Hole, Settings

__all__ = ["Facts", "NoiseLevel", "assume", "measure"]

USUAL_NOISE = 25 / 255  # of the range of intensities: assumed before the survey
USUAL_GAPS = 0.2  # of the pixels: assumed before the mask is read
FAINT_NOISE = 0.01  # of the range: does not end a fit with gaps


@dataclass(frozen=True)
class NoiseLevel:
    """The standard deviation of the noise: of the whole block, and of each channel.

    Parameters
    ----------
    typical
        Root mean square over the known pixels, in the range of intensities, [0, 1].
    channels
        The same for each channel.
    """

    typical: float
    channels: tuple[float, ...]


@dataclass(frozen=True)
class Facts:
    """What was measured of one block before it is restored.

    Parameters
    ----------
    shape
        ``(channels, *spatial)``; of aligned planes, that of their common canvas.
    noises
        One model a channel, for intensities scaled to [0, 1].
    level
        The noise of the intensities as they are.
    stabilised_level
        The noise after the variance-stabilising transform of each channel that has photon noise.
    missing
        The part of the pixels that is missing.
    gaps
        What kind of gaps; it matters for inpainting alone.
    blurred
        Whether a point spread function is given.
    kernel
        The sides of the point spread function in pixels; empty while they are unknown.
    shared
        The axis that the channels come from: ``"T"`` or ``"Z"`` for neighbouring planes, ``"C"``
        for channels of a microscope, empty for one plane and for colours.
    shifts
        The place of each plane on the common canvas in pixels; ``None`` if no plane moved.
    """

    shape: tuple[int, ...]
    noises: tuple[NoiseModel, ...]
    level: NoiseLevel
    stabilised_level: NoiseLevel
    missing: float = 0.0
    gaps: Hole = "scratches"
    blurred: bool = False
    kernel: tuple[int, ...] = ()
    shared: str = ""
    shifts: Shifts | None = None

    @property
    def has_gaps(self) -> bool:
        """Whether a pixel is missing."""
        return self.missing > 0

    @property
    def is_stack(self) -> bool:
        """Whether there are neighbouring planes: a volume, or planes that share a network."""
        return len(self.shape) == 4 or self.shares_planes

    @property
    def shares_planes(self) -> bool:
        """Whether the channels are neighbouring planes."""
        return self.shared not in ("", "C")

    @property
    def correlation(self) -> Correlation:
        """The correlation of the noise along Y and along X, the mean of all channels."""
        y, x = (
            zip_longest(*(noise.correlation[axis] for noise in self.noises), fillvalue=0.0)
            for axis in (0, 1)
        )
        return tuple(map(fmean, y)), tuple(map(fmean, x))


def assume(
    settings: Settings,
    channels: int,
    sides: Sequence[int],
    *,
    gaps: Hole = "scratches",
    shared: str = "",
    noisy: bool = False,
    kernel: tuple[int, ...] = (),
) -> Facts:
    """Assume the facts of a block before it is read, for estimates of time and memory.

    Parameters
    ----------
    settings
        Noise is assumed unless they say that there is none; gaps are if they are to be filled, and
        a blur is if the task needs one.
    channels, sides
        The shape of the block, ``(channels, *sides)``.
    gaps, shared
        As in :class:`Facts`.
    noisy
        Whether the known pixels of an image with gaps have noise that ends a fit.
    kernel
        The sides of the point spread function; empty if there is none, or if it is unknown.
    """
    fills = settings.task.fills_gaps
    sigma = FAINT_NOISE if fills and not noisy else USUAL_NOISE
    sigma = 0.0 if settings.noise == "none" else sigma
    level = NoiseLevel(sigma, (sigma,) * channels)
    return Facts(
        shape=(channels, *sides),
        noises=(PoissonGaussian(read=sigma),) * channels,
        level=level,
        stabilised_level=level,
        missing=USUAL_GAPS if fills else 0.0,
        gaps=gaps,
        blurred=bool(kernel) or settings.task.spec.needs_psf,
        kernel=kernel,
        shared=shared if channels > 1 else "",
    )


def measure(block: Block, *, register: bool) -> Facts:
    """Measure a block.

    Parameters
    ----------
    block
        With its noise models.
    register
        Whether neighbouring planes may be aligned; then they are registered.

    Examples
    --------
    >>> import numpy as np
    >>> from napari_dip.noise.poisson_gaussian import PoissonGaussian
    >>> from napari_dip.pipeline.block import Block
    >>> values, known = np.zeros((1, 8, 8), np.float32), np.ones((1, 8, 8), bool)
    >>> measure(Block(values, known, (PoissonGaussian(read=0.1),)), register=True).level.typical
    0.1
    """
    found = shifts_of(block) if register else None
    if found is not None:
        block = on_canvas(block, found)

    def level(domain: Domain) -> NoiseLevel:
        channels = domain.sigmas(block.values, block.known)
        typical = channels[0] if domain.uniform else domain.sigma(block.values, block.known)
        return NoiseLevel(typical, channels)

    plain, stabilised = (Domain.of(block.noises, stabilise=each) for each in (False, True))
    plain_level = level(plain)
    return Facts(
        shape=block.values.shape,
        noises=block.noises,
        level=plain_level,
        stabilised_level=level(stabilised) if stabilised.is_stabilised else plain_level,
        missing=1 - float(block.known.mean()),
        gaps=block.hole,
        blurred=block.psf is not None,
        kernel=() if block.psf is None else block.psf.shape,
        shared=block.shared,
        shifts=found,
    )
