"""One fit of a block: put the problem together from arrays, fit it, and refine what came out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING

import numpy as np
import torch

from napari_dip.dip.choose_rule import make_rule
from napari_dip.dip.loop import begin, fit
from napari_dip.dip.projection import project
from napari_dip.generators import map_steps
from napari_dip.network.build import build_network
from napari_dip.network.input_code import make_code
from napari_dip.patches.constants import PATCH_SEARCH
from napari_dip.patches.fill_gaps import fill_gaps
from napari_dip.patches.nl_bayes import nl_bayes, refine
from napari_dip.patches.stack_filter import map_planes, refine_stack
from napari_dip.patches.wiener import collaborative_filter
from napari_dip.pipeline.block import derived, mixes_pixels
from napari_dip.pipeline.observation import guess_missing, mean_correlation, observe, to_tensor
from napari_dip.pipeline.registration import put_back
from napari_dip.settings import Consensus

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from numpy.typing import NDArray

    from napari_dip.dip.loop import Fitted, Iterate
    from napari_dip.dip.objective import Observation
    from napari_dip.dip.recipe import Recipe
    from napari_dip.dip.state import Course
    from napari_dip.dip.stopping_rules import StoppingRule
    from napari_dip.noise.domain import Domain
    from napari_dip.noise.model import Correlation
    from napari_dip.pipeline.block import Block
    from napari_dip.pipeline.precision import Arithmetic
    from napari_dip.settings import Settings

__all__ = ["Fit"]

_IN_GAPS = 0.5
"""Of the noise, where the known pixels are returned as they were: texture that is taken for noise
blurs what is filled in, and noise that is left in the neighbours hardly harms it."""


@dataclass(frozen=True)
class Fit:
    """One network, fitted to a block and refined.

    Parameters
    ----------
    block, settings
        What is restored, and what was asked.
    recipe, domain
        As :func:`~napari_dip.pipeline.block.block_recipe` settles them.
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
        self, course: Course, stop_requested: Callable[[], bool]
    ) -> Generator[Iterate, None, tuple[Fitted, NDArray[np.float32]]]:
        """Fit, and show the iterates in the intensities of the block."""

        def shown(iterate: Iterate) -> Iterate:
            if iterate.estimate is None:
                return iterate
            return replace(iterate, estimate=self._leave(iterate.estimate))

        fitted = yield from map_steps(self.advance(course, stop_requested), shown)
        return fitted, self.finish(self.choose(fitted.latest, fitted.estimate))

    def begin(self, watch: Callable[[StoppingRule], StoppingRule] = lambda rule: rule) -> Course:
        """Put the problem together, in the domain's intensities.

        ``watch`` may put another rule in the place of the recipe's.
        """
        factors = self.settings.factors.values()
        rule, observation = make_rule(
            self.recipe.stopping,
            self._everything,
            self._sigma,
            torch.Generator().manual_seed(derived(self.seed, "held out")),
            correlation=float(np.mean([along[:1] or (0.0,) for along in self._correlation])),
            whole=not mixes_pixels(self.settings, self.block.psf) and not self._gaps,
            filling=self.settings.keeps_known,
        )
        channels, *low = self.block.values.shape
        shape = tuple(size * factor for size, factor in zip(low, factors, strict=True))
        order = self.arithmetic.memory_format(len(shape))
        code = make_code(
            self.recipe.code, self.recipe.code_channels, shape, derived(self.seed, "code")
        )
        network = build_network(
            self.recipe.network,
            code,
            channels,
            derived(self.seed, "weights"),
            self.recipe.spacing,
            shortest_last=self.place.type != "cuda",
        ).to(self.place)
        guess = (
            guess_missing(self.block, self.settings, self.domain, self.place)
            if self.recipe.guidance
            else None
        )
        return begin(
            replace(observation, guess=guess),
            network.to(memory_format=order),  # type: ignore[call-overload]
            code.to(self.place).contiguous(memory_format=order),
            watch(rule),
            self.recipe,
            seed=derived(self.seed, "noise on the code"),
        )

    def advance(
        self, course: Course, stop_requested: Callable[[], bool]
    ) -> Generator[Iterate, None, Fitted]:
        """Run the loop, in the domain's intensities."""
        return fit(
            course,
            self.computed,
            preview_every_s=self.settings.preview_every_s,
            stop_requested=stop_requested,
        )

    @property
    def computed(self) -> Recipe:
        """The recipe with the precision in which it is computed."""
        return replace(self.recipe, precision=self.arithmetic.precision)

    def choose(self, latest: NDArray[np.float32], best: NDArray[np.float32]) -> NDArray[np.float32]:
        """Choose what is finished: of a fit that is refined, the mean of both averages.

        To compare patches brings texture back that the best average does not have yet, but takes
        away no spots of noise that the latest has already. Other rules may go on for long.
        """
        both = self.refines and isinstance(self.recipe.stopping, Consensus)
        return np.float32(0.5) * (latest + best) if both else best

    @property
    def refines(self) -> bool:
        """Whether patches are compared: no operator mixes pixels, and each has its own noise."""
        if mixes_pixels(self.settings, self.block.psf):
            return False
        return self._passes > 0 or (self.recipe.filling > 0 and self._gaps)

    @property
    def _passes(self) -> int:
        """How often patches are compared to take out noise, if there is any, and it shall go."""
        return 0 if self.settings.keeps_known or not self._sigma else self.recipe.refinement

    @property
    def filters(self) -> bool:
        """Whether a filter can do without an estimate, and no neighbouring planes tell it more."""
        return self.refines and not self._planes and self._sigma > 0 and not self._gaps

    def second_opinion(self) -> NDArray[np.float32]:
        """Denoise without any network, in the intensities of the block."""
        shared = self._correlation

        def filtered(noisy: torch.Tensor, _: torch.Tensor, sigma: float) -> torch.Tensor:
            alone = nl_bayes(noisy, sigma, shared)
            return collaborative_filter(alone, noisy, sigma, shared)

        everything = self._everything
        return self._filtered(filtered, everything.y, known=everything.known)

    def finish(self, estimate: NDArray[np.float32]) -> NDArray[np.float32]:
        """Refine an estimate of the loop, and bring it back to the intensities of the block."""
        everything = self._everything
        if self.recipe.projection:
            sigma = self._sigma if self._trusts_noise else 0.0
            first = to_tensor(estimate).to(self.place)
            fitting = project(first, everything, sigma, self.recipe.projection)
            return self._leave(fitting[0].cpu().numpy())
        if not self.refines:
            return self._leave(estimate)
        guide = to_tensor(estimate).to(self.place)
        noisy = everything.y
        if everything.clipping is not None:
            noisy = noisy + guide - everything.clipping(guide)
        return self._filtered(self._refined, guide, noisy, known=everything.known)

    def _refined(
        self, guide: torch.Tensor, noisy: torch.Tensor, known: torch.Tensor, sigma: float
    ) -> torch.Tensor:
        """Fill in what is missing, then take out the noise with what was filled in as if seen."""
        passes, shared = self._passes, self._correlation
        if self._gaps:
            images, filling = (guide, noisy, known), self.recipe.filling
            fill = partial(fill_gaps, sigma=sigma, correlation=shared, passes=filling)
            filled = map_planes(fill, *images) if self._planes else fill(*images)
            noisy = noisy.where(known > 0, filled)
            # Where it is known, what was filled in has half of the noise, and the fit is blurred.
            guide = filled.lerp(guide, known * (0.5 if passes else 0))
        if not passes:
            return guide
        smooth = refine_stack if self._planes else refine
        search = replace(PATCH_SEARCH, side=self.patch_side)
        return smooth(guide, noisy, sigma, shared, passes=passes, search=search)

    def _filtered(
        self, filtered: Callable[..., torch.Tensor], *images: torch.Tensor, known: torch.Tensor
    ) -> NDArray[np.float32]:
        """Filter images of the domain whose noise is made as strong in all channels, and leave it.

        Channels that may show different things are filtered both together and each alone.
        """
        sigmas = self.domain.sigmas(self.block.values, self.block.known)
        least = min(sigmas)
        parts_of_least = [least / sigma if least else 1.0 for sigma in sigmas]
        ratios = torch.tensor(parts_of_least, dtype=known.dtype, device=known.device)
        ratios = ratios.reshape(-1, *[1] * (known.ndim - 2))
        parts = [*(image * ratios for image in images), known]
        trusted = least * (_IN_GAPS if self.settings.keeps_known else 1)
        window = self._planes and known.ndim == 4
        if window:  # its planes are no channels
            parts = [part[:, None] for part in parts]
        image = filtered(*parts, trusted)
        image = image[:, 0] if window else image
        if self.block.shared == "C":
            channels = zip(*(part.split(1, dim=1) for part in parts), strict=True)
            alone = torch.cat([filtered(*each, trusted) for each in channels], dim=1)
            image = (image + alone) / 2
        return self._leave((image / ratios)[0].cpu().numpy())

    def _leave(self, estimate: NDArray[np.float32]) -> NDArray[np.float32]:
        """Bring an estimate back to the intensities of the block, and planes to their place."""
        left, places = self.domain.inverse_transform(estimate), self.block.places
        return left if places is None else put_back(left, places)

    @property
    def _planes(self) -> bool:
        """Whether there are neighbouring planes to be refined together."""
        return self.block.values.ndim == 4 or self.block.shared not in ("", "C")

    @property
    def _gaps(self) -> bool:
        """Whether a pixel is missing."""
        return not self.block.known.all()

    @property
    def _trusts_noise(self) -> bool:
        """Whether the noise counts.

        What was told of it does. What was found in the image does not along Z, nor where pixels are
        mixed and neighbours seem to share it: decimation leaves texture that looks like that.
        """
        if not isinstance(self.settings.noise, str):
            return True
        mixed = mixes_pixels(self.settings, self.block.psf)
        return not (self.recipe.projection or (mixed and any(self._correlation)))

    @cached_property
    def _sigma(self) -> float:
        return self.domain.sigma(self.block.values, self.block.known)

    @cached_property
    def _correlation(self) -> Correlation:
        return mean_correlation(self.block)

    @cached_property
    def _everything(self) -> Observation:
        """What was seen, nothing held out."""
        return observe(
            self.block, self.settings, self.domain, self.place, trusts_noise=self._trusts_noise
        )
