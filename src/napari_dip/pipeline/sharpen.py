"""The step before a fit to a blurred image: denoise it, and sharpen the estimate."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import torch

from napari_dip.dip.richardson_lucy import RichardsonLucy
from napari_dip.generators import finished, map_steps
from napari_dip.patches.constants import (
    MIN_SIGMA,
    SHARP_PLANE_RADIUS,
    SHARP_SEARCH,
    SHARP_STACK_PLANES,
)
from napari_dip.patches.sharp_patches import filter_sharp
from napari_dip.pipeline.block import derived_seed
from napari_dip.pipeline.cost_model import (
    FILTER_BYTES,
    SHARP_PASS,
    SHARP_STACK_PASS,
    blur_seconds,
    padded_pixels,
    pass_seconds,
)
from napari_dip.pipeline.first_estimate import FirstEstimate
from napari_dip.pipeline.observation import to_tensor
from napari_dip.pipeline.sharp_light import as_bright, with_light_of
from napari_dip.pipeline.sharp_points import PSF_ERROR, keep_points
from napari_dip.pipeline.steps import First

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from napari_dip.pipeline.cost_model import Costs
    from napari_dip.pipeline.first_estimate import Estimates
    from napari_dip.pipeline.first_fill import FirstFill
    from napari_dip.pipeline.first_filter import FirstFilter
    from napari_dip.pipeline.steps import Context, Data, Stabilise, Unstabilise

__all__ = ["FirstSharp"]

MOST_STEPS = 128  # of Richardson and Lucy; stacks take 20 to 64 (NOTES, "Deconvolution")
FIRST_STEPS = 2  # after which the estimate is filtered for the first time; doubled then
LEAST_GAIN = 0.55  # squared change without its noise / variance of added noise; 0.4 loses 0.1 dB
MANY_STEPS = 16  # from which on the misfit counts: of a few photons it hardly falls at all
LEAST_PROGRESS = 0.26  # power of the number of steps by which the misfit falls: less adds rings
USUAL_ROUNDS = 3  # of sharpening and filtering planes: 2 to 5; for estimates of the time
USUAL_STACK_ROUNDS = 6  # the same for stacks: 3 to 7
BLURS_OF_STEP = 7  # forward, adjoint, and the products beside them
BLURS_OF_ROUND = 3  # what the estimate, its surroundings and the filtered image show
COMPLEX_COPIES = 8 * 4  # bytes of a padded pixel: float32 images and their spectra


@dataclass(frozen=True)
class FirstSharp(FirstEstimate):
    """Denoise the blurred image, then sharpen and filter it in turn.

    Each round sharpens with twice as many steps, and filters. The same is done to the image with
    as much noise added once more: the difference shows how much noise is in the estimate. Rounds
    end when one adds more noise than detail, or hardly explains the image better, and the mean of
    the two last estimates is returned.

    Parameters
    ----------
    stabilise, denoise, unstabilise
        Steps that denoise the blurred image.
    sigma
        Standard deviation of the noise in the intensities in which it is denoised.
    kernel
        The sides of the point spread function; for estimates of time and memory.
    fill
        Fills missing pixels of the blurred image, where its noise is equal; ``None`` without gaps.
    """

    stabilise: Stabilise
    denoise: FirstFilter
    unstabilise: Unstabilise
    sigma: float
    kernel: tuple[int, ...] = ()
    fill: FirstFill | None = None

    @property
    def filter_passes(self) -> float:
        """Count the passes of the first filter, and those of the rounds."""
        filling = 0.0 if self.fill is None else self.fill.filter_passes
        return filling + 2 * (self.denoise.filter_passes + self._usual_rounds)

    @property
    def _usual_rounds(self) -> int:
        return USUAL_STACK_ROUNDS if self.denoise.scaling.planes else USUAL_ROUNDS

    def estimates(self, data: Data, context: Context, /) -> Estimates:
        """Denoise, then sharpen."""
        assert data.observation is not None
        assert data.block.psf is not None
        blurred = replace(data, block=replace(data.block, psf=None), first=None)
        blurred = self.stabilise.apply(blurred, context)
        if self.fill is not None:
            blurred = self.fill.filled(blurred, context)
        assert blurred.observation is not None
        noisy = blurred.observation.y
        first = yield from map_steps(
            self.denoise.estimates(blurred, context), self.unstabilise.preview
        )
        denoised = self.unstabilise.preview(first.fine)
        yield denoised
        denoised = as_bright(denoised, data.observation.y[0].cpu().numpy(), self._offsets)

        noisier = noisy + self._same_noise(noisy, context.member_seed)
        twice = replace(blurred, observation=replace(blurred.observation, y=noisier))
        other = finished(self._for_more_noise.denoise.estimates(twice, context))
        psf = torch.from_numpy(data.block.psf).to(context.device)
        images = (denoised, self.unstabilise.preview(other.fine))
        expected = float((to_tensor(first.fine).to(noisy) - noisy).square().mean())
        return self._sharpened(images, (noisy, noisier), psf, expected)

    @property
    def _for_more_noise(self) -> FirstSharp:
        """The same step for an image with twice the variance of the noise."""
        scaling = self.denoise.scaling
        sigmas = tuple(math.sqrt(2) * sigma for sigma in scaling.sigmas)
        denoise = replace(self.denoise, scaling=replace(scaling, sigmas=sigmas))
        return replace(self, denoise=denoise, sigma=math.sqrt(2) * self.sigma)

    def _same_noise(self, noisy: torch.Tensor, seed: int) -> torch.Tensor:
        """Return noise as strong as that of each channel."""
        random = torch.Generator().manual_seed(derived_seed(seed, "noise to compare"))
        noise = torch.randn(noisy.shape, generator=random).to(noisy)
        sigmas = torch.tensor(self.denoise.scaling.sigmas).to(noisy)
        return noise * sigmas.reshape(-1, *[1] * (noisy.ndim - 2))

    def _sharpened(
        self,
        denoised: tuple[NDArray[np.float32], NDArray[np.float32]],
        noisy: tuple[torch.Tensor, torch.Tensor],
        psf: torch.Tensor,
        expected: float,
    ) -> First:
        """Sharpen and filter the image and the noisier one in turn.

        ``expected`` is the mean squared residual of the denoised image.
        """
        images = [to_tensor(image).to(psf) for image in denoised]
        dark = torch.minimum(*map(self._dark, images))
        steps_of = (self, self._for_more_noise)
        both = [RichardsonLucy(image - dark, psf) for image in images]
        # In a volume, light that is out of focus is better known after the filter than before it.
        volume = bool(self.denoise.scaling.planes)
        rounds: list[_Round] = []
        steps = FIRST_STEPS
        while True:
            filtered, misfits = [], []
            for step, sharpening, seen in zip(steps_of, both, noisy, strict=True):
                sharpening.advance(steps - (rounds[-1].steps if rounds else 0))
                found, reblurred = step.less_noisy(sharpening, seen, dark)
                filtered.append(with_light_of(sharpening.estimate, found, locally=not volume))
                misfits.append(float((reblurred - seen).square().mean()) - expected)
            noise = filtered[1] - filtered[0]
            rounds.append(_Round(steps, filtered[0], noise, misfits[0], both[0].from_outside))
            ends = len(rounds) > 1 and rounds[-1].ends_after(rounds[-2])
            if ends or steps >= MOST_STEPS:
                break
            steps *= 2
        mean, from_outside = (
            (last + before) / 2
            for last, before in (
                (rounds[-1].filtered, rounds[-2].filtered),
                (rounds[-1].from_outside, rounds[-2].from_outside),
            )
        )
        from_outside = from_outside + dark * both[0].share_from_outside
        return First((mean + dark)[0].cpu().numpy(), from_outside=from_outside[0].cpu().numpy())

    @property
    def _offsets(self) -> list[float]:
        """The intensity without light of each channel.

        Where the noise does not tell, it is that of the darkest pixel of the whole noisy image, 0.
        """
        return [
            getattr(channel.noise, "offset", 0.0) if channel.noise.signal_dependent else 0.0
            for channel in self.stabilise.domain.channels
        ]

    def _dark(self, image: torch.Tensor) -> torch.Tensor:
        """Return the least intensity of each channel: no sharp pixel is darker."""
        axes = tuple(range(2, image.ndim))
        dark = torch.tensor(self._offsets).to(image).reshape(-1, *[1] * len(axes))
        return torch.minimum(dark, image.amin(dim=axes, keepdim=True))

    def _stabilised(self, image: torch.Tensor) -> torch.Tensor:
        """Bring an image into the intensities in which it is denoised."""
        values = self.stabilise.domain.transform(image[0].cpu().numpy())
        return to_tensor(values).to(image)

    def less_noisy(
        self, sharpening: RichardsonLucy, seen: torch.Tensor, dark: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Filter a sharpened image but for its points, and blur the sharpened one again."""
        light = sharpening.reblurred
        reblurred = self._stabilised(light + dark)
        found = self.filtered(sharpening.estimate, reblurred, seen).clamp(min=0)
        sigmas = torch.tensor(self.denoise.scaling.sigmas).to(seen).clamp(min=MIN_SIGMA)
        sigmas = sigmas.reshape(-1, *[1] * (seen.ndim - 2))
        of_filtered, of_wrong_psf = (
            self._stabilised(image + dark) / sigmas
            for image in (sharpening.reblurred_with(found), (1 + PSF_ERROR) * light)
        )
        of_sharp, noisy = reblurred / sigmas, seen / sigmas
        excess = (of_filtered - noisy).square() - (of_sharp - noisy).square()
        allowed = (of_wrong_psf - of_sharp).square()
        return keep_points(found, sharpening.estimate, excess, allowed), reblurred

    def filtered(
        self, guide: torch.Tensor, seen: torch.Tensor, noisy: torch.Tensor
    ) -> torch.Tensor:
        """Filter each channel, or all planes together."""
        planes = self.denoise.scaling.planes
        search = SHARP_SEARCH
        if planes:
            depth, radius = SHARP_STACK_PLANES, SHARP_PLANE_RADIUS
            search = replace(search, planes=depth, plane_radius=radius)
        correlation = self.denoise.correlation
        images = (guide, seen, noisy)
        if planes and guide.ndim == 4:  # the channels are planes
            sharp, blurred, observed = (image[:, None] for image in images)
            found = filter_sharp(sharp, blurred, observed, self.sigma, correlation, search)
            return found[:, 0]
        channels = []
        for number, sigma in enumerate(self.denoise.scaling.sigmas):
            each = [image[:, number : number + 1] for image in images]
            sharp, blurred, observed = each if planes else [image[:, :, None] for image in each]
            found = filter_sharp(sharp, blurred, observed, sigma, correlation, search)
            channels.append(found if planes else found[:, :, 0])
        return torch.cat(channels, dim=1)

    def seconds(self, shape: Sequence[int], costs: Costs, /) -> float:
        """Estimate the time of the filters and of the steps of sharpening."""
        planes, rounds = self.denoise.scaling.planes, self._usual_rounds
        each = SHARP_STACK_PASS if planes else SHARP_PASS
        each *= pass_seconds(shape, costs, planes=planes)
        blurs = BLURS_OF_STEP * FIRST_STEPS * 2.0 ** (rounds - 1) + BLURS_OF_ROUND * rounds
        sharpening = blurs * blur_seconds(shape, self.kernel, costs)
        filling = 0.0 if self.fill is None else self.fill.seconds(shape, costs)
        return filling + 2 * (self.denoise.seconds(shape, costs) + rounds * each + sharpening)

    def peak_bytes(self, shape: Sequence[int], precision: str, /) -> int:
        """Estimate the memory of the padded images and of the patches, beside that of the fit."""
        pixels = math.prod(shape[1:])
        padded = padded_pixels(shape[1:], self.kernel) * shape[0] * COMPLEX_COPIES
        return FILTER_BYTES.of(pixels, shape[0]) + 2 * padded

    def describe(self) -> str:
        """Name both parts."""
        filled = "" if self.fill is None else f"{self.fill.describe()} "
        return (
            f"{filled}{self.denoise.describe()} Sharpen that estimate (Richardson-Lucy, "
            "accelerated) and filter it by the noisy image in turn, until sharpening adds more "
            "noise than detail."
        )


class _Round(NamedTuple):
    """A filtered estimate after some steps of sharpening, and how it changes with other noise.

    ``misfit`` is the mean squared residual beyond that of the denoised image, and ``from_outside``
    the light that the surroundings send into the image.
    """

    steps: int
    filtered: torch.Tensor
    noise: torch.Tensor
    misfit: float
    from_outside: torch.Tensor

    def ends_after(self, before: _Round) -> bool:
        """Whether the round added more noise than detail, or no detail that the image shows.

        As much detail as a step adds was missing before it, at least: so the squared error falls by
        the squared change without its noise, and rises by the variance of the added noise.
        """
        falls = self.misfit > 0 and before.misfit / self.misfit >= 2**LEAST_PROGRESS
        if self.steps >= MANY_STEPS and not falls:
            return True
        change, noise, variance, variance_before = (
            float(image.square().mean())
            for image in (
                self.filtered - before.filtered,
                self.noise - before.noise,
                self.noise,
                before.noise,
            )
        )
        return change - noise < LEAST_GAIN * (variance - variance_before)
