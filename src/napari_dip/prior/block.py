"""One block of an image: put the problem together from arrays, and fit it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from napari_dip.prior.device import torch_errors
from napari_dip.prior.energy import Observation
from napari_dip.prior.fit import Fitted, Iterate, fit
from napari_dip.prior.networks import build_network, make_code
from napari_dip.prior.noise import estimate_sigma
from napari_dip.prior.operators import Blur, Composed, Downsample, ForwardOperator, Identity
from napari_dip.prior.recipes import recipe
from napari_dip.prior.stopping import make_rule
from napari_dip.settings import Hole, Settings, SuperResolve

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from numpy.typing import NDArray

__all__ = ["Block", "measure_noise", "restore_block"]


@dataclass(frozen=True)
class Block:
    """What one fit is given, with intensities scaled to about [0, 1].

    ``values``, float32, and ``known``, bool, have the shape ``(channels, *spatial)``. ``sigma``
    is the standard deviation of the noise on the same scale.
    """

    values: NDArray[np.float32]
    known: NDArray[np.bool_]
    sigma: float
    hole: Hole = "scratches"
    psf: NDArray[np.float32] | None = None


def measure_noise(values: NDArray[np.float32], known: NDArray[np.bool_]) -> float:
    """Estimate sigma of ``(channels, *spatial)``, see :func:`estimate_sigma`."""
    return estimate_sigma(_to_tensor(values), _to_tensor(known))


def restore_block(
    block: Block,
    settings: Settings,
    device: str,
    *,
    seed: int,
    stop_requested: Callable[[], bool],
) -> Generator[Iterate, None, Fitted]:
    """Fit one network to one block.

    ``device`` is a name as :func:`~napari_dip.prior.device.choose_device` returns it, ``seed``
    that of the block; see :func:`~napari_dip.prior.fit.fit` for the rest.
    """
    chosen = recipe(settings, hole=block.hole, sigma=block.sigma)
    place = torch.device(device)
    with torch_errors(place):
        operator = _operator(settings, block.psf, place)
        factor = settings.task.factor if isinstance(settings.task, SuperResolve) else 1
        channels, *low = block.values.shape
        shape = tuple(size * factor for size in low)
        observation = Observation(
            _to_tensor(block.values).to(place), operator, _to_tensor(block.known).to(place)
        )
        rule, observation = make_rule(
            chosen.stopping,
            observation,
            block.sigma,
            torch.Generator().manual_seed(_derive(seed, "held out")),
        )
        code = make_code(chosen, shape, _derive(seed, "code"))
        network = build_network(chosen.network, code, channels, _derive(seed, "weights"))
        return (
            yield from fit(
                observation,
                network.to(place),
                code.to(place),
                rule,
                chosen,
                seed=_derive(seed, "noise on the code"),
                preview_every_s=settings.preview_every_s,
                stop_requested=stop_requested,
            )
        )


def _operator(
    settings: Settings, psf: NDArray[np.float32] | None, place: torch.device
) -> ForwardOperator:
    """Light is blurred first, then sampled."""
    operators: list[ForwardOperator] = []
    if psf is not None:
        operators.append(Blur(torch.from_numpy(psf).to(place)))
    if isinstance(settings.task, SuperResolve):
        operators.append(Downsample(settings.task.factor, settings.task.downsampler))
    return Composed(tuple(operators)) if operators else Identity()


def _to_tensor(array: NDArray[np.generic]) -> torch.Tensor:
    """Copy ``(channels, *spatial)`` into a float tensor with an axis for the batch."""
    return torch.from_numpy(np.array(array, dtype=np.float32))[None]


def _derive(seed: int, purpose: str) -> int:
    """Give each random draw a stream of its own, so that adding one leaves the others alone."""
    digest = hashlib.sha256(f"{seed} {purpose}".encode()).digest()
    return int.from_bytes(digest[:8], "little") >> 1
