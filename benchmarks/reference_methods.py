"""Run the classical methods that the presets are compared with.

``pip install bm3d bm4d opencv-python-headless`` installs them for the benchmarks. They are no
dependencies, because BM3D and BM4D must not be used commercially. A method that is not installed is
left out. Where the noise is Gaussian, non-local means and BM3D get its standard deviation; the
presets and the filter alone estimate it.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np
from skimage import restoration, transform
from zero_shot import noise2fast, zero_shot_noise2noise

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


def bm3d(case: Case) -> Pixels:
    import bm3d

    one = bm3d.bm3d_rgb if case.colours else bm3d.bm3d
    return stabilised(case, lambda y, s: one(y, sigma_psd=s))


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


REFERENCE_METHODS: dict[str, dict[str, Callable[[Case], Pixels]]] = {
    "denoise": {
        "non-local means": non_local_means,
        "VST + BM3D": bm3d,
        "Noise2Fast": noise2fast,
        "ZS-N2N": zero_shot_noise2noise,
    },
    "inpaint": {"biharmonic": biharmonic, "Telea": telea},
    "super-resolve": {"bicubic": bicubic},
}
"""By task and name."""

NEEDS = {"VST + BM3D": "bm3d", "Telea": "cv2"}


def installed(method: str) -> bool:
    return method not in NEEDS or find_spec(NEEDS[method]) is not None
