"""The methods to compare with. What is not installed is left out, and said so in the table.

``pip install bm3d opencv-python-headless`` for the benchmark alone: BM3D may not be used
commercially, and is no dependency.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np
from skimage import restoration, transform

from napari_dip.prior.estimate import estimate_noise

if TYPE_CHECKING:
    from collections.abc import Callable

    from cases import Case, Pixels

    from napari_dip.prior.noise import NoiseModel


def noise_of(case: Case) -> NoiseModel:
    """Estimate it as the presets do."""
    seen = case.seen if case.seen.ndim == 2 else np.moveaxis(case.seen, -1, 0)
    return estimate_noise(seen)


def stabilised(case: Case, denoise: Callable[[Pixels, float], Pixels]) -> Pixels:
    """Denoise with noise of one strength everywhere."""
    noise = noise_of(case)
    seen = case.seen.astype(np.float64)
    if noise.gain:
        return noise.unstabilise(denoise(noise.stabilise(seen), 1.0))
    return denoise(seen, case.known.get("sigma", noise.read))


def channels(image: Pixels) -> int | None:
    return -1 if image.ndim == 3 else None


def non_local_means(case: Case) -> Pixels:
    return stabilised(
        case,
        lambda y, s: restoration.denoise_nl_means(
            y, 5, 9, h=0.8 * s, sigma=s, fast_mode=True, channel_axis=channels(y)
        ),
    )


def total_variation(case: Case) -> Pixels:
    return stabilised(
        case,
        lambda y, s: restoration.denoise_tv_chambolle(y, weight=0.9 * s, channel_axis=channels(y)),
    )


def wavelet(case: Case) -> Pixels:
    return stabilised(
        case,
        lambda y, s: restoration.denoise_wavelet(
            y, sigma=s, channel_axis=channels(y), rescale_sigma=True
        ),
    )


def bm3d(case: Case) -> Pixels:
    import bm3d

    return stabilised(
        case, lambda y, s: (bm3d.bm3d_rgb if y.ndim == 3 else bm3d.bm3d)(y, sigma_psd=s)
    )


def zero_shot_noise2noise(case: Case) -> Pixels:
    """ZS-N2N: Mansour and Heckel, CVPR 2023; two images of diagonal means, 2000 steps of Adam."""
    import torch
    from torch import nn
    from torch.nn import functional

    low, span = float(case.seen.min()), float(np.ptp(case.seen))
    planes = case.seen if case.seen.ndim == 3 else case.seen[..., None]
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
    schedule = torch.optim.lr_scheduler.StepLR(optimiser, 1000, 0.5)
    for _ in range(2000):
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
    return (denoised * span + low).reshape(case.seen.shape)


def biharmonic(case: Case) -> Pixels:
    return restoration.inpaint_biharmonic(
        case.seen.astype(np.float64), case.missing, channel_axis=channels(case.seen)
    )


def telea(case: Case) -> Pixels:
    import cv2

    return cv2.inpaint(
        case.seen.astype(np.uint8), case.missing.astype(np.uint8), 3, cv2.INPAINT_TELEA
    )


def bicubic(case: Case) -> Pixels:
    return transform.resize(case.seen.astype(np.float64), case.truth.shape, order=3)


def lanczos(case: Case) -> Pixels:
    from PIL import Image

    size = case.truth.shape[1::-1]
    planes = case.seen if case.seen.ndim == 3 else case.seen[..., None]
    fine = [
        np.asarray(Image.fromarray(plane.astype(np.float32)).resize(size, Image.Resampling.LANCZOS))
        for plane in np.moveaxis(planes, -1, 0)
    ]
    return np.stack(fine, axis=-1).reshape(case.truth.shape)


RIVALS: dict[str, dict[str, Callable[[Case], Pixels]]] = {
    "denoise": {
        "non-local means": non_local_means,
        "total variation": total_variation,
        "wavelet": wavelet,
        "VST + BM3D": bm3d,
        "ZS-N2N": zero_shot_noise2noise,
    },
    "inpaint": {"biharmonic": biharmonic, "Telea": telea},
    "super-resolve": {"bicubic": bicubic, "Lanczos": lanczos},
}

NEEDS = {"VST + BM3D": "bm3d", "Telea": "cv2"}


def available(kind: str) -> dict[str, Callable[[Case], Pixels] | None]:
    """Give the rivals of a task; ``None`` for one whose library is not installed."""
    return {
        name: run if name not in NEEDS or find_spec(NEEDS[name]) else None
        for name, run in RIVALS[kind].items()
    }
