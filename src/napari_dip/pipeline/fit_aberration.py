"""Estimate an aberration of the optics from a blurred image, by a prediction of other noise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from napari_dip.dip.richardson_lucy import RichardsonLucy
from napari_dip.pipeline.observation import to_tensor

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

__all__ = ["best_candidate"]

CHECKS, STEPS = 8, 4  # the misfit is measured after so many steps of sharpening each
CERTAIN = 2.0  # standard errors by which a candidate predicts better than the first one


def best_candidate(
    image: NDArray[np.float32],
    sigma: NDArray[np.float32],
    candidates: Sequence[float],
    psf_of: Callable[[float], NDArray[np.float32]],
    seed: int = 0,
) -> float:
    """Return the candidate whose point spread function explains a blurred image best.

    Parameters
    ----------
    image
        ``(*spatial)``, with an intensity of 0 where there is no light.
    sigma
        Standard deviation of the noise of each pixel, positive.
    candidates
        The first one is returned if no other is certainly better.
    psf_of
        Computes the point spread function of a candidate.
    seed
        Of the noise.

    Notes
    -----
    With normal noise n of the same variance, y + n and y - n are independent observations (Neufeld
    et al., JMLR 25, 2024: data fission). One is sharpened with the point spread function of a
    candidate and blurred again; the other one tells how well that predicts it. What is too narrow
    or too wide predicts worse.
    """
    noise = sigma * np.random.default_rng(seed).standard_normal(image.shape)
    fitted, held_out = (to_tensor((image + sign * noise)[None]) for sign in (1, -1))
    weight = to_tensor((0.5 / np.square(sigma))[None])
    misfits = []
    for candidate in candidates:
        sharpening = RichardsonLucy(fitted, torch.from_numpy(psf_of(candidate)))
        checked = []
        for _ in range(CHECKS):
            sharpening.advance(STEPS)
            checked.append(weight * (sharpening.reblurred - held_out).square())
        misfits.append(min(checked, key=lambda misfit: float(misfit.mean())))
    best = min(range(len(candidates)), key=lambda number: float(misfits[number].mean()))
    gain = misfits[0] - misfits[best]
    certain = float(gain.mean()) * gain.numel() ** 0.5 > CERTAIN * float(gain.std())
    return float(candidates[best if certain else 0])
