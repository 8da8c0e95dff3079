"""One block of an image: put the problem together from arrays, fit it, and refine what came out."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING

import numpy as np
import torch

from napari_dip.prior.calibrate import Arithmetic, choose_arithmetic
from napari_dip.prior.code import make_code
from napari_dip.prior.collaborate import collaborate
from napari_dip.prior.device import cpu_threads, torch_errors
from napari_dip.prior.domain import Channel, Domain
from napari_dip.prior.energy import Clipping, Observation
from napari_dip.prior.fit import Fitted, Iterate, fit
from napari_dip.prior.networks import build_network
from napari_dip.prior.operators import Blur, Composed, Downsample, ForwardOperator, Identity
from napari_dip.prior.recipes import Recipe, recipe
from napari_dip.prior.refine import refine, refine_alone
from napari_dip.prior.rules import make_rule
from napari_dip.settings import Hole, Settings, SuperResolve

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from numpy.typing import NDArray

    from napari_dip.prior.noise import NoiseModel
    from napari_dip.prior.stopping import StoppingRule

__all__ = ["Block", "Fit", "Restored", "block_recipe", "plan_fits", "restore_block"]

_SIDES = (7, 6)
"""Of the patches that one fit after another is refined with: their errors differ."""


@dataclass(frozen=True)
class Block:
    """What is to be restored at once, with intensities scaled to about [0, 1].

    ``values``, float32, and ``known``, bool, have the shape ``(channels, *spatial)``; the noises
    are those of the scaled values, one for each channel. ``shared`` is the axis of the image that
    the channels come from: T or Z for planes that are alike, C, or nothing for one plane.
    """

    values: NDArray[np.float32]
    known: NDArray[np.bool_]
    noises: tuple[NoiseModel, ...]
    hole: Hole = "scratches"
    psf: NDArray[np.float32] | None = None
    shared: str = ""


@dataclass(frozen=True)
class Restored:
    """The mean of the fits, their spread, and how each of them ended.

    ``estimate`` and ``spread``, the standard deviation of one fit, are float32 of shape
    ``(channels, *spatial)``; there is no spread of a single fit. ``arithmetic`` tells in what
    precision the convolutions were computed, and on the CPU with how many threads.
    """

    estimate: NDArray[np.float32]
    spread: NDArray[np.float32] | None
    fits: tuple[Fitted, ...]
    arithmetic: str


def block_recipe(block: Block, settings: Settings) -> tuple[Recipe, Domain]:
    """Settle how a block is fitted, and in which intensities."""
    evenly = _knows_noise(settings) and not _mixes_pixels(block, settings)
    domain = Domain(tuple(Channel(noise, evenly and noise.gain > 0) for noise in block.noises))
    sigma = domain.sigma(block.values, block.known)
    chosen = recipe(settings, hole=block.hole, sigma=sigma)
    if block.shared and chosen.shared_iterations and settings.iterations is None:
        chosen = replace(chosen, iterations=chosen.shared_iterations)
    return chosen, domain


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
    fits are counted on. One that is interrupted counts only if there is no other.
    """
    done: list[NDArray[np.float32]] = []
    fits: list[Fitted] = []
    with torch_errors(torch.device(device)):
        for one in plan_fits(block, settings, device, seed):
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
            if not (fitted.stopped_by_user and done):
                done.append(estimate)
            if fitted.stopped_by_user:
                break
        mean = np.mean(done, axis=0)
        if one.recipe.second_opinion and one.filters and not fitted.stopped_by_user:
            mean = (mean + one.second_opinion()) / 2
    spread = np.std(done, axis=0, ddof=1) if len(done) > 1 else None
    threads = f", threads: {cpu_threads()}" if one.place.type == "cpu" else ""
    return Restored(mean, spread, tuple(fits), f"{one.arithmetic}{threads}")


def plan_fits(block: Block, settings: Settings, device: str, seed: int) -> Iterator[Fit]:
    """Give the fits that are averaged, one after another: each has random numbers of its own."""
    chosen, domain = block_recipe(block, settings)
    place = torch.device(device)
    arithmetic = choose_arithmetic(chosen.precision, place, block.values.ndim - 1)
    for member in range(chosen.members):
        own_seed = _derive(seed, f"fit {member}")
        side = _SIDES[member % len(_SIDES)]
        yield Fit(block, settings, chosen, domain, arithmetic, place, own_seed, side)


def _among(done: list[NDArray[np.float32]], iterate: Iterate, before: int) -> Iterate:
    """Count an iterate on; what is shown is the mean of the fits that are done, if there are."""
    estimate = iterate.estimate
    if estimate is not None and done:
        estimate = np.mean(done, axis=0)
    return replace(iterate, iteration=before + iterate.iteration, estimate=estimate)


@dataclass(frozen=True)
class Fit:
    """One network, fitted to a block and refined.

    Parameters
    ----------
    block, settings
        What is restored, and what was asked.
    recipe, domain
        As :func:`block_recipe` settles them.
    arithmetic, place
        In which precision, and where.
    seed
        Of all random numbers.
    patch_side
        Of the patches that are compared, in pixels.
    """

    block: Block
    settings: Settings
    recipe: Recipe
    domain: Domain
    arithmetic: Arithmetic
    place: torch.device
    seed: int
    patch_side: int = 7

    def run(
        self, stop_requested: Callable[[], bool]
    ) -> Generator[Iterate, None, tuple[Fitted, NDArray[np.float32]]]:
        """Fit, and show the iterates in the intensities of the block."""
        fitting = self.begin(stop_requested)
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
        # Patches bring texture back, but not what was cut off: rather too much than too little.
        estimate = fitted.latest if self.refines else fitted.estimate
        return fitted, self.finish(estimate)

    def begin(
        self,
        stop_requested: Callable[[], bool],
        watch: Callable[[StoppingRule], StoppingRule] = lambda rule: rule,
    ) -> Generator[Iterate, None, Fitted]:
        """Put the problem together and start the loop, in the domain's intensities.

        ``watch`` may put another rule in the place of the recipe's.
        """
        rule, observation = make_rule(
            self.recipe.stopping,
            self._everything,
            self._sigma,
            torch.Generator().manual_seed(_derive(self.seed, "held out")),
            correlated=self._correlated,
        )
        channels, *low = self.block.values.shape
        shape = tuple(size * _factor(self.settings) for size in low)
        order = self.arithmetic.memory_format(len(shape))
        code = make_code(self.recipe, shape, _derive(self.seed, "code"))
        network = build_network(
            self.recipe.network, code, channels, _derive(self.seed, "weights")
        ).to(self.place)
        return fit(
            observation,
            network.to(memory_format=order),  # type: ignore[call-overload]
            code.to(self.place).contiguous(memory_format=order),
            watch(rule),
            replace(self.recipe, precision=self.arithmetic.precision),
            seed=_derive(self.seed, "noise on the code"),
            preview_every_s=self.settings.preview_every_s,
            stop_requested=stop_requested,
        )

    @property
    def refines(self) -> bool:
        """Whether patches are compared: no operator mixes pixels, and each has its own noise."""
        if _mixes_pixels(self.block, self.settings):
            return False
        missing = not self.block.known.all()
        white = self._sigma > 0 and not self._correlated
        return self.recipe.refinement > 0 and (white or missing)

    @property
    def filters(self) -> bool:
        """Whether a filter can do without an estimate: all of a plane is known, with noise."""
        plane = self.block.values.ndim == 3 and bool(self.block.known.all())
        return self.refines and plane and self._sigma > 0

    def second_opinion(self) -> NDArray[np.float32]:
        """Denoise without any network, in the intensities of the block."""

        def collaborative(noisy: torch.Tensor, _: torch.Tensor, sigma: float) -> torch.Tensor:
            return collaborate(refine_alone(noisy, sigma, passes=2), noisy, sigma)

        everything = self._everything
        return self._filtered(collaborative, everything.y, known=everything.known)

    def finish(self, estimate: NDArray[np.float32]) -> NDArray[np.float32]:
        """Refine an estimate of the loop, and bring it back to the intensities of the block."""
        if not self.refines:
            return self.domain.leave(estimate)
        everything = self._everything
        guide = _to_tensor(estimate).to(self.place)
        noisy = everything.y
        if everything.clipping is not None:
            noisy = noisy + guide - everything.clipping(guide)
        refined = partial(
            refine,
            passes=self.recipe.refinement,
            side=self.patch_side,
            reach=self.recipe.reach,
        )
        return self._filtered(refined, guide, noisy, known=everything.known)

    def _filtered(
        self, filtered: Callable[..., torch.Tensor], *images: torch.Tensor, known: torch.Tensor
    ) -> NDArray[np.float32]:
        """Filter images of the domain whose noise is made as strong in all channels, and leave it.

        Channels that may show different things are filtered both together and each alone.
        """
        sigmas = self.domain.sigmas(self.block.values, self.block.known)
        least = min(sigmas)
        ratios = torch.tensor([least / sigma if least else 1.0 for sigma in sigmas]).to(known)
        ratios = ratios.reshape(-1, *[1] * (known.ndim - 2))
        parts = [*(image * ratios for image in images), known]
        image = filtered(*parts, least)
        if self.block.shared == "C":
            channels = zip(*(part.split(1, dim=1) for part in parts), strict=True)
            alone = torch.cat([filtered(*each, least) for each in channels], dim=1)
            image = (image + alone) / 2
        return self.domain.leave((image / ratios)[0].cpu().numpy())

    def _clipping(self) -> Clipping | None:
        """Tell where the sensor clips; where the noise depends on the intensity it is let be."""
        clips = [
            (noise.low, noise.high) if not noise.gain else (-np.inf, np.inf)
            for noise in self.block.noises
        ]
        sigmas = self.domain.sigmas(self.block.values, self.block.known)
        sensors = tuple((sigma, *ends) for sigma, ends in zip(sigmas, clips, strict=True))
        return Clipping(sensors) if np.isfinite(clips).any() else None

    @cached_property
    def _sigma(self) -> float:
        return self.domain.sigma(self.block.values, self.block.known)

    @property
    def _correlated(self) -> bool:
        return any(noise.correlated for noise in self.block.noises)

    @cached_property
    def _everything(self) -> Observation:
        """What was seen, nothing held out."""
        block, place = self.block, self.place
        aware = _knows_noise(self.settings)
        weight = self.domain.weight(block.values) if aware else None
        clipping = self._clipping() if aware and self._sigma > 0 else None
        return Observation(
            _to_tensor(self.domain.enter(block.values)).to(place),
            _operator(self.settings, block.psf, place),
            _to_tensor(block.known).to(place),
            None if weight is None else _to_tensor(weight).to(place),
            clipping,
        )


def _knows_noise(settings: Settings) -> bool:
    """Whether the noise is more than a number: not so in the method as published."""
    return settings.preset != "paper"


def _mixes_pixels(block: Block, settings: Settings) -> bool:
    """Whether what was seen of a pixel holds something of its neighbours."""
    return isinstance(settings.task, SuperResolve) or block.psf is not None


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
