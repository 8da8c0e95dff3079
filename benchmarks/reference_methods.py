"""Run the classical methods that the presets are compared with.

``pip install bm3d bm4d opencv-python-headless PyWavelets`` installs them for the benchmarks. They
are no dependencies, because BM3D and BM4D must not be used commercially. The tables name a method
that is not installed. Where the noise is Gaussian the methods get its standard deviation; the
presets and the filter alone estimate it.
"""

from __future__ import annotations

from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np
import torch
from skimage import restoration, transform

from napari_dip import restore
from napari_dip.generators import finished
from napari_dip.noise.estimate import estimate_noise

if TYPE_CHECKING:
    from collections.abc import Callable

    from cases import Case, Pixels

    from napari_dip.noise.poisson_gaussian import PoissonGaussian


def noise_of(case: Case) -> PoissonGaussian:
    """Estimate the noise of a case as the presets do."""
    return estimate_noise(np.moveaxis(case.observed, -1, 0) if case.colours else case.observed)


def stabilised(case: Case, denoise: Callable[[Pixels, float], Pixels]) -> Pixels:
    """Denoise after a variance-stabilising transform if the noise depends on the intensity."""
    noise = noise_of(case)
    observed = case.observed.astype(np.float64)
    if noise.gain:
        return noise.unstabilise(denoise(noise.stabilise(observed), 1.0))
    return denoise(observed, case.known.get("sigma", noise.read))


def non_local_means(case: Case) -> Pixels:
    return stabilised(
        case,
        lambda y, s: restoration.denoise_nl_means(
            y, 5, 9, h=0.8 * s, sigma=s, fast_mode=True, channel_axis=case.colours
        ),
    )


def total_variation(case: Case) -> Pixels:
    return stabilised(
        case,
        lambda y, s: restoration.denoise_tv_chambolle(y, weight=0.9 * s, channel_axis=case.colours),
    )


def wavelet(case: Case) -> Pixels:
    return stabilised(
        case,
        lambda y, s: restoration.denoise_wavelet(
            y, sigma=s, channel_axis=case.colours, rescale_sigma=True
        ),
    )


def bm3d(case: Case) -> Pixels:
    import bm3d

    one = bm3d.bm3d_rgb if case.colours else bm3d.bm3d
    return stabilised(case, lambda y, s: one(y, sigma_psd=s))


def bm3d_by_plane(case: Case) -> Pixels:
    import bm3d

    return stabilised(case, lambda y, s: np.stack([bm3d.bm3d(plane, sigma_psd=s) for plane in y]))


def bm4d(case: Case) -> Pixels:
    import bm4d

    return stabilised(case, lambda y, s: bm4d.bm4d(y, sigma_psd=s))


def filter_alone(case: Case) -> Pixels:
    """Apply the patch filter of the presets to the noisy image, without a network.

    The noise is estimated; the true standard deviation is not given.
    """
    settings = case.settings.replace(prior="none", dtype="float32")
    return np.asarray(finished(restore(case.observed, settings)).image, np.float64)


def zero_shot_noise2noise(case: Case, steps: int) -> Pixels:
    """Run ZS-N2N (Mansour and Heckel, CVPR 2023) on two images of diagonal means, with Adam."""
    from torch import nn
    from torch.nn import functional

    low, span = float(case.observed.min()), float(np.ptp(case.observed))
    planes = case.observed if case.observed.ndim == 3 else case.observed[..., None]
    y = torch.from_numpy(np.ascontiguousarray(planes, np.float32)).movedim(-1, 0)[None]
    y = (y - low) / span
    count = y.shape[1]
    torch.manual_seed(case.settings.seed)
    network = nn.Sequential(
        nn.Conv2d(count, 48, 3, padding=1), nn.LeakyReLU(0.2),
        nn.Conv2d(48, 48, 3, padding=1), nn.LeakyReLU(0.2),
        nn.Conv2d(48, count, 1),
    )  # fmt: skip
    diagonals = torch.tensor([[[[0, 0.5], [0.5, 0]]], [[[0.5, 0], [0, 0.5]]]])

    def halves(x: torch.Tensor) -> list[torch.Tensor]:
        return [
            functional.conv2d(x, one[None].repeat(count, 1, 1, 1), stride=2, groups=count)
            for one in diagonals
        ]

    one, two = halves(y)
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-3)
    schedule = torch.optim.lr_scheduler.StepLR(optimiser, max(steps // 2, 1), 0.5)
    for _ in range(steps):
        first, second = one - network(one), two - network(two)
        whole = halves(y - network(y))
        loss = (
            functional.mse_loss(first, two) + functional.mse_loss(second, one)
            + functional.mse_loss(first, whole[0]) + functional.mse_loss(second, whole[1])
        ) / 2  # fmt: skip
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    with torch.no_grad():
        denoised = (y - network(y)).clamp(0, 1)[0].movedim(0, -1).numpy()
    return (denoised * span + low).reshape(case.observed.shape)


def biharmonic(case: Case) -> Pixels:
    return restoration.inpaint_biharmonic(
        case.observed.astype(np.float64), case.missing, channel_axis=case.colours
    )


def telea(case: Case) -> Pixels:
    import cv2

    return cv2.inpaint(
        case.observed.astype(np.uint8), case.missing.astype(np.uint8), 3, cv2.INPAINT_TELEA
    )


def bicubic(case: Case) -> Pixels:
    return transform.resize(case.observed.astype(np.float64), case.truth.shape, order=3)


def lanczos(case: Case) -> Pixels:
    from PIL import Image

    size = case.truth.shape[1::-1]
    planes = case.observed if case.observed.ndim == 3 else case.observed[..., None]
    fine = [
        np.asarray(Image.fromarray(plane.astype(np.float32)).resize(size, Image.Resampling.LANCZOS))
        for plane in np.moveaxis(planes, -1, 0)
    ]
    return np.stack(fine, axis=-1).reshape(case.truth.shape)


REFERENCE_METHODS: dict[str, dict[str, Callable[[Case], Pixels]]] = {
    "denoise": {
        "non-local means": non_local_means,
        "total variation (Chambolle)": total_variation,
        "wavelet": wavelet,
        "VST + BM3D": bm3d,
        "filter alone, without a network": filter_alone,
    },
    "stack": {
        "non-local means": non_local_means,
        "total variation (Chambolle)": total_variation,
        "wavelet": wavelet,
        "VST + BM3D by plane": bm3d_by_plane,
        "VST + BM4D": bm4d,
    },
    "inpaint": {"biharmonic": biharmonic, "Telea": telea},
    "super-resolve": {"bicubic": bicubic, "Lanczos": lanczos},
}

NEEDS = {
    "wavelet": "pywt",
    "VST + BM3D": "bm3d",
    "VST + BM3D by plane": "bm3d",
    "VST + BM4D": "bm4d",
    "Telea": "cv2",
}

PUBLISHED_STEPS = 2000
"""Steps of ZS-N2N as published."""


def installed(method: str) -> bool:
    return method not in NEEDS or find_spec(NEEDS[method]) is not None


def methods_for(kind: str, steps: int = PUBLISHED_STEPS) -> dict[str, Callable[[Case], Pixels]]:
    """Name the reference methods of a task; ``steps`` are those of ZS-N2N, 0 leaves it out."""
    if kind != "denoise" or not steps:
        return REFERENCE_METHODS[kind]
    name = "ZS-N2N" if steps == PUBLISHED_STEPS else f"ZS-N2N, {steps} steps"
    return REFERENCE_METHODS[kind] | {name: partial(zero_shot_noise2noise, steps=steps)}
