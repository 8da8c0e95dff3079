"""Estimate aberrations of the optics from a blurred image, by a prediction of other noise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from napari_dip.dip.richardson_lucy import RichardsonLucy
from napari_dip.pipeline.observation import to_tensor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

__all__ = ["best_aberrations"]

CHECKS, STEPS = 8, 4  # the misfit is measured after so many steps of sharpening each
GRIDS = (0.08, 0.04)  # waves between candidates, coarse and fine (NOTES, "Deconvolution")
LARGEST = 0.32  # waves: stronger ones are not searched
CERTAIN = 7.0  # standard errors; smooth stacks without aberrations have up to 6 (NOTES)

Aberrations = tuple[float, ...]


def best_aberrations(
    image: NDArray[np.float32],
    sigma: NDArray[np.float32],
    psf_of: Callable[[Aberrations], NDArray[np.float32]],
    count: int,
    seed: int = 0,
) -> Aberrations:
    """Return the aberrations whose point spread function explains a blurred image best.

    Parameters
    ----------
    image
        ``(*spatial)``, with an intensity of 0 where there is no light.
    sigma
        Standard deviation of the noise of each pixel, positive.
    psf_of
        Computes the point spread function of a number of aberrations, in waves.
    count
        Of the aberrations.
    seed
        Of the noise.

    Returns
    -------
    tuple of float
        In waves; all are 0 if no others are certainly better, or only those at the limit.

    Notes
    -----
    With normal noise n of the same variance, y + n and y - n are independent observations (Neufeld
    et al., JMLR 25, 2024: data fission). One is sharpened with the point spread function of a
    candidate and blurred again; the other one tells how well that predicts it. What is too narrow
    or too wide predicts worse.
    """
    misfits = _Misfits(image, sigma, psf_of, seed)
    none = (0.0,) * count
    best = none
    for step in GRIDS:
        while better := next(
            (each for each in _around(best, step) if misfits.mean(each) < misfits.mean(best)), None
        ):
            best = better
    gain = misfits.of(none) - misfits.of(best)
    certain = float(gain.mean()) * gain.numel() ** 0.5 > CERTAIN * float(gain.std())
    inside = max(map(abs, best)) < LARGEST  # at the limit, something else is wrong
    return best if certain and inside else none


def _around(place: Aberrations, step: float) -> Iterator[Aberrations]:
    """Yield the neighbours of a place in a grid."""
    for axis in range(len(place)):
        for change in (step, -step):
            value = round(place[axis] + change, 6)
            if abs(value) <= LARGEST:
                yield (*place[:axis], value, *place[axis + 1 :])


class _Misfits:
    """How badly candidates predict a held-out observation, in units of the noise."""

    def __init__(
        self,
        image: NDArray[np.float32],
        sigma: NDArray[np.float32],
        psf_of: Callable[[Aberrations], NDArray[np.float32]],
        seed: int,
    ) -> None:
        noise = sigma * np.random.default_rng(seed).standard_normal(image.shape)
        self._fitted, self._held_out = (to_tensor((image + sign * noise)[None]) for sign in (1, -1))
        self._weight = to_tensor((0.5 / np.square(sigma))[None])
        self._psf_of = psf_of
        self._means: dict[Aberrations, float] = {}

    def mean(self, candidate: Aberrations) -> float:
        """Return the mean over the pixels."""
        if candidate not in self._means:
            self._means[candidate] = float(self.of(candidate).mean())
        return self._means[candidate]

    def of(self, candidate: Aberrations) -> torch.Tensor:
        """Return the misfit of each pixel, after as many steps as predict best."""
        sharpening = RichardsonLucy(self._fitted, torch.from_numpy(self._psf_of(candidate)))
        least = self._after(sharpening)
        for _ in range(CHECKS - 1):
            misfit = self._after(sharpening)
            if misfit.mean() >= least.mean():
                break  # from here on it fits more of the noise
            least = misfit
        return least

    def _after(self, sharpening: RichardsonLucy) -> torch.Tensor:
        sharpening.advance(STEPS)
        return self._weight * (sharpening.reblurred - self._held_out).square()
