"""One block of an image: put the problem together from arrays, fit it, and refine what came out."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from napari_dip.prior.calibrate import Arithmetic, choose_arithmetic
from napari_dip.prior.code import make_code
from napari_dip.prior.device import torch_errors
from napari_dip.prior.domain import Domain
from napari_dip.prior.energy import Clipping, Observation
from napari_dip.prior.fit import Fitted, Iterate, fit
from napari_dip.prior.networks import build_network
from napari_dip.prior.operators import Blur, Composed, Downsample, ForwardOperator, Identity
from napari_dip.prior.recipes import Recipe, recipe
from napari_dip.prior.refine import refine
from napari_dip.prior.rules import make_rule
from napari_dip.settings import Hole, Settings, SuperResolve

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from numpy.typing import NDArray

    from napari_dip.prior.noise import NoiseModel

__all__ = ["Block", "Restored", "block_recipe", "restore_block"]


@dataclass(frozen=True)
class Block:
    """What is to be restored at once, with intensities scaled to about [0, 1].

    ``values``, float32, and ``known``, bool, have the shape ``(channels, *spatial)``; the noise
    is that of the scaled values.
    """

    values: NDArray[np.float32]
    known: NDArray[np.bool_]
    noise: NoiseModel
    hole: Hole = "scratches"
    psf: NDArray[np.float32] | None = None


@dataclass(frozen=True)
class Restored:
    """The mean of the fits, their spread, and how each of them ended.

    ``estimate`` and ``spread``, the standard deviation of one fit, are float32 of shape
    ``(channels, *spatial)``; there is no spread of a single fit. ``arithmetic`` tells in what
    precision the convolutions were computed.
    """

    estimate: NDArray[np.float32]
    spread: NDArray[np.float32] | None
    fits: tuple[Fitted, ...]
    arithmetic: str


def block_recipe(block: Block, settings: Settings) -> tuple[Recipe, Domain]:
    """Settle how a block is fitted, and in which intensities."""
    linear = isinstance(settings.task, SuperResolve) or block.psf is not None
    aware = settings.preset != "paper"
    domain = Domain(block.noise, stabilised=aware and not linear and block.noise.gain > 0)
    sigma = domain.sigma(block.values[block.known])
    return recipe(settings, hole=block.hole, sigma=sigma), domain


def restore_block(
    block: Block,
    settings: Settings,
    device: str,
    *,
    seed: int,
    stop_requested: Callable[[], bool],
) -> Generator[Iterate, None, Restored]:
    """Fit networks to one block, one after another, and average them.

    ``device`` is a name as :func:`~napari_dip.prior.device.choose_device` returns it, ``seed``
    that of the block; see :func:`~napari_dip.prior.fit.fit` for the rest. The iterations of all
    fits are counted on.
    """
    chosen, domain = block_recipe(block, settings)
    done: list[NDArray[np.float32]] = []
    fits: list[Fitted] = []
    place = torch.device(device)
    with torch_errors(place):
        arithmetic = choose_arithmetic(chosen.precision, place)
        for member in range(chosen.members):
            own_seed = _derive(seed, f"fit {member}")
            one = _Fit(block, settings, chosen, domain, arithmetic, place, own_seed)
            before = sum(fitted.iterations for fitted in fits)
            fitting = one.run(stop_requested)
            try:
                while True:
                    iterate = next(fitting)
                    yield _among(done, iterate, before)
            except StopIteration as end:
                fitted, estimate = end.value
            finally:
                fitting.close()
            fits.append(fitted)
            done.append(estimate)
            if fitted.stopped_by_user:
                break
    spread = np.std(done, axis=0, ddof=1) if len(done) > 1 else None
    return Restored(np.mean(done, axis=0), spread, tuple(fits), str(arithmetic))


def _among(done: list[NDArray[np.float32]], iterate: Iterate, before: int) -> Iterate:
    """Show an iterate as it changes the mean of all fits."""
    estimate = iterate.estimate
    if estimate is not None:
        estimate = np.mean([*done, estimate], axis=0)
    return replace(iterate, iteration=before + iterate.iteration, estimate=estimate)


@dataclass(frozen=True)
class _Fit:
    """One network, fitted to the block and refined."""

    block: Block
    settings: Settings
    recipe: Recipe
    domain: Domain
    arithmetic: Arithmetic
    place: torch.device
    seed: int

    def run(
        self, stop_requested: Callable[[], bool]
    ) -> Generator[Iterate, None, tuple[Fitted, NDArray[np.float32]]]:
        block, chosen, place = self.block, self.recipe, self.place
        values = self.domain.enter(block.values)
        sigma = self.domain.sigma(block.values[block.known])
        everything = self._observation(values, sigma)
        rule, observation = make_rule(
            chosen.stopping,
            everything,
            sigma,
            torch.Generator().manual_seed(_derive(self.seed, "held out")),
            correlated=block.noise.correlated,
        )
        channels, *low = values.shape
        shape = tuple(size * _factor(self.settings) for size in low)
        order = self.arithmetic.memory_format(len(shape))
        code = make_code(chosen, shape, _derive(self.seed, "code"))
        network = build_network(chosen.network, code, channels, _derive(self.seed, "weights"))
        fitting = fit(
            observation,
            network.to(place).to(memory_format=order),  # type: ignore[call-overload]
            code.to(place).contiguous(memory_format=order),
            rule,
            replace(chosen, precision=self.arithmetic.precision),
            seed=_derive(self.seed, "noise on the code"),
            preview_every_s=self.settings.preview_every_s,
            stop_requested=stop_requested,
        )
        try:
            while True:
                iterate = next(fitting)
                if iterate.estimate is not None:
                    iterate = replace(iterate, estimate=self.domain.leave(iterate.estimate))
                yield iterate
        except StopIteration as end:
            fitted: Fitted = end.value
        finally:
            fitting.close()
        estimate = self._refined(fitted, everything, sigma)
        return fitted, self.domain.leave(estimate)

    def _observation(self, values: NDArray[np.float32], sigma: float) -> Observation:
        block, noise, place = self.block, self.block.noise, self.place
        aware = self.settings.preset != "paper"
        weight = self.domain.weight(block.values) if aware else None
        clipped = np.isfinite([noise.low, noise.high]).any()
        clips = aware and clipped and not noise.gain and sigma > 0
        return Observation(
            _to_tensor(values).to(place),
            _operator(self.settings, block.psf, place),
            _to_tensor(block.known).to(place),
            None if weight is None else _to_tensor(weight).to(place),
            Clipping(sigma, noise.low, noise.high) if clips else None,
        )

    def _refined(
        self, fitted: Fitted, everything: Observation, sigma: float
    ) -> NDArray[np.float32]:
        """Compare patches, where the noise of each is its own."""
        passes = self.recipe.refinement
        whole = isinstance(everything.operator, Identity)
        if not (passes and whole and sigma > 0) or self.block.noise.correlated:
            return fitted.estimate
        # Patches bring texture back, but not what was cut off: rather too much than too little.
        estimate = _to_tensor(fitted.latest).to(self.place)
        noisy = everything.y
        if everything.clipping is not None:
            noisy = noisy + estimate - everything.clipping(estimate)
        refined = refine(estimate, noisy, everything.known, sigma, passes=passes)
        return refined[0].cpu().numpy()


def _factor(settings: Settings) -> int:
    return settings.task.factor if isinstance(settings.task, SuperResolve) else 1


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
