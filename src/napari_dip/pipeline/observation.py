"""What a fit is told of a block, as tensors on its device: y, A, m, weights, and first guesses."""

from __future__ import annotations

from itertools import zip_longest
from statistics import fmean
from typing import TYPE_CHECKING

import numpy as np
import torch

from napari_dip.dip.initial_guess import Guess, interpolated
from napari_dip.dip.objective import Clipping, Observation
from napari_dip.dip.operators import Blur, Composed, Downsample, ForwardOperator, Identity
from napari_dip.dip.volume_guess import interpolated_volume
from napari_dip.pipeline.block import knows_noise
from napari_dip.settings import SuperResolve

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_dip.noise.domain import Domain
    from napari_dip.noise.model import Correlation
    from napari_dip.pipeline.block import Block
    from napari_dip.settings import Settings

__all__ = ["guess_missing", "mean_correlation", "observe", "to_tensor"]


def observe(
    block: Block, settings: Settings, domain: Domain, place: torch.device, *, trusts_noise: bool
) -> Observation:
    """Put together all that was seen, in the domain's intensities.

    Where the noise is not to be trusted, no pixel weighs more than another, and none clips.
    """
    aware = knows_noise(settings) and trusts_noise
    weight = domain.channel_weights(block.values, block.known) if aware else None
    return Observation(
        to_tensor(domain.transform(block.values)).to(place),
        _operator(settings, block.psf, place),
        to_tensor(block.known).to(place),
        None if weight is None else to_tensor(weight).to(place),
        _clipping(block, domain) if aware else None,
    )


def _operator(
    settings: Settings, psf: NDArray[np.float32] | None, place: torch.device
) -> ForwardOperator:
    """Light is blurred first, then sampled."""
    operators: list[ForwardOperator] = []
    if psf is not None:
        operators.append(Blur(torch.from_numpy(psf).to(place)))
    if isinstance(settings.task, SuperResolve):
        operators.append(Downsample(tuple(settings.factors.values()), settings.task.kernel))
    return Composed(tuple(operators)) if operators else Identity()


def _clipping(block: Block, domain: Domain) -> Clipping | None:
    """Tell where the sensor clips; where the noise depends on the intensity it is let be."""
    clips = [
        (noise.low, noise.high) if not noise.gain else (-np.inf, np.inf) for noise in block.noises
    ]
    if not np.isfinite(clips).any() or not domain.sigma(block.values, block.known):
        return None
    sigmas = domain.sigmas(block.values, block.known)
    return Clipping(tuple((sigma, *ends) for sigma, ends in zip(sigmas, clips, strict=True)))


def guess_missing(
    block: Block, settings: Settings, domain: Domain, place: torch.device
) -> Guess | None:
    """Guess what is missing of the result, in the domain's intensities; None if nothing is."""
    known = block.known
    if known.all():
        return None
    values, sigma = domain.transform(block.values), domain.sigma(block.values, known)
    if known.ndim == 4:
        parts = [*interpolated_volume(values, known, sigma)]
    else:  # of a channel of which nothing is known nothing is guessed
        guessed = ~known & known.any(axis=(-2, -1), keepdims=True)
        parts = [interpolated(values, known, sigma), guessed]
    for axis, factor in enumerate(settings.factors.values(), start=1):
        parts = [part.repeat(factor, axis) for part in parts]
    return Guess(*(to_tensor(part).to(place) for part in parts))


def mean_correlation(block: Block) -> Correlation:
    """Tell how neighbours along Y and along X share the noise, the mean of all channels."""
    y, x = (
        zip_longest(*(noise.correlation[axis] for noise in block.noises), fillvalue=0.0)
        for axis in (0, 1)
    )
    return tuple(map(fmean, y)), tuple(map(fmean, x))


def to_tensor(array: NDArray[np.generic]) -> torch.Tensor:
    """Copy ``(channels, *spatial)`` into a float tensor with an axis for the batch."""
    return torch.from_numpy(np.array(array, dtype=np.float32))[None]
