"""Tensors for a fit: the observation y, the operator A, the mask m, weights, guidance of gaps."""

from __future__ import annotations

from functools import singledispatch
from typing import TYPE_CHECKING

import numpy as np
import torch

from napari_dip.dip.gap_interpolation import interpolate_gaps
from napari_dip.dip.guidance import Guidance
from napari_dip.dip.objective import Clipping, Observation
from napari_dip.dip.operators import Blur, Composed, Downsample, ForwardOperator, Identity
from napari_dip.dip.richardson_lucy import RichardsonLucy
from napari_dip.dip.volume_interpolation import interpolate_volume_gaps
from napari_dip.settings import SuperResolve, Task

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_dip.noise.domain import Domain
    from napari_dip.pipeline.block import Block

__all__ = [
    "forward_operator",
    "interpolation_guidance",
    "observe",
    "predict",
    "predict_blurred",
    "to_tensor",
]

STEPS_AROUND = 40  # of Richardson and Lucy, for surroundings (NOTES, "Deconvolution")


def observe(
    block: Block,
    domain: Domain,
    operator: ForwardOperator,
    device: torch.device,
    *,
    uses_noise: bool,
) -> Observation:
    """Return a block as an observation, in the intensities of the fit.

    ``uses_noise`` weights the channels by their noise, and models clipping where the sensor clips.
    """
    weight = domain.channel_weights(block.values, block.known) if uses_noise else None
    return Observation(
        to_tensor(domain.transform(block.values)).to(device),
        operator,
        to_tensor(block.known).to(device),
        None if weight is None else to_tensor(weight).to(device),
        _clipping(block, domain) if uses_noise else None,
    )


@singledispatch
def forward_operator(
    task: Task, psf: NDArray[np.float32] | None, factors: tuple[int, ...], device: torch.device
) -> ForwardOperator:
    """Return the operator A of a task: the blur of a point spread function, or the identity."""
    return Identity() if psf is None else Blur(torch.from_numpy(psf).to(device))


@forward_operator.register(SuperResolve)
def _decimation(
    task: SuperResolve,
    psf: NDArray[np.float32] | None,
    factors: tuple[int, ...],
    device: torch.device,
) -> ForwardOperator:
    """Return the decimation, after the blur if there is one."""
    decimation = Downsample(factors, task.kernel)
    if psf is None:
        return decimation
    return Composed((Blur(torch.from_numpy(psf).to(device)), decimation))


def predict(
    estimate: NDArray[np.float64],
    task: Task,
    psf: NDArray[np.float32] | None,
    factors: tuple[int, ...],
) -> NDArray[np.float64]:
    """Return the observation without noise that an estimate predicts, on the CPU.

    Parameters
    ----------
    estimate
        ``(channels, *spatial)``, in the intensities of the fit.
    task, psf, factors
        They determine the operator; one factor for each spatial axis.

    Examples
    --------
    >>> from napari_dip.settings import SuperResolve
    >>> predict(np.ones((1, 16, 16)), SuperResolve(factor=2), None, (2, 2)).shape
    (1, 8, 8)
    """
    operator = forward_operator(task, psf, factors, torch.device("cpu"))
    with torch.no_grad():
        predicted: NDArray[np.float64] = operator(torch.from_numpy(estimate)[None])[0].numpy()
    return predicted


def predict_blurred(
    estimate: NDArray[np.float64],
    observed: NDArray[np.float64],
    psf: NDArray[np.float32],
    dark: float,
) -> NDArray[np.float64]:
    """Return the observation that a sharp estimate predicts, with light from around the image.

    The surroundings are estimated, as a deconvolution does: with a mirrored border, what the
    structures around the image send into it would look like an error.

    Parameters
    ----------
    estimate, observed
        ``(channels, *spatial)``, in the same intensities; both finite.
    psf
        Point spread function.
    dark
        Intensity without light.

    Examples
    --------
    >>> row = np.zeros((1, 5, 21))
    >>> row[..., -1] = 0.25  # light of a bright line beyond the border
    >>> psf = np.array([[0.25, 0.5, 0.25]], np.float32)
    >>> bool(predict_blurred(np.zeros_like(row), row, psf, 0.0)[0, 2, -1] > 0.2)
    True
    """
    sharp, seen = (to_tensor(image - dark) for image in (estimate, observed))
    surrounded = RichardsonLucy(seen, torch.from_numpy(psf), inside=sharp)
    surrounded.advance(STEPS_AROUND)
    return np.asarray(surrounded.reblurred[0].numpy() + dark, np.float64)


def interpolation_guidance(
    block: Block, domain: Domain, sigma: float, factors: tuple[int, ...], device: torch.device
) -> Guidance | None:
    """Interpolate missing pixels, in the intensities of the fit; ``None`` if none is missing."""
    known = block.known
    if known.all():
        return None
    values = domain.transform(block.values)
    if known.ndim == 4:
        parts = [*interpolate_volume_gaps(values, known, sigma)]
    else:  # a channel without a known pixel has no guess
        guessed = ~known & known.any(axis=(-2, -1), keepdims=True)
        parts = [interpolate_gaps(values, known, sigma), guessed]
    for axis, factor in enumerate(factors, start=1):
        parts = [part.repeat(factor, axis) for part in parts]
    return Guidance(*(to_tensor(part).to(device) for part in parts))


def to_tensor(array: NDArray[np.generic]) -> torch.Tensor:
    """Copy ``(channels, *spatial)`` into a float32 tensor with a batch axis."""
    return torch.from_numpy(np.array(array, dtype=np.float32))[None]


def _clipping(block: Block, domain: Domain) -> Clipping | None:
    """Return how the sensor clips; not modelled where the noise depends on the intensity."""
    clips = [noise.modelled_limits for noise in block.noises]
    if not np.isfinite(clips).any() or not domain.sigma(block.values, block.known):
        return None
    sigmas = domain.sigmas(block.values, block.known)
    return Clipping(tuple((sigma, *ends) for sigma, ends in zip(sigmas, clips, strict=True)))
