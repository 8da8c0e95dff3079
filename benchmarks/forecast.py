"""Compare the forecast of the run time with the time a run takes.

    python benchmarks/forecast.py

Run it on a quiet machine. Every case runs once. A ratio below 1 means that the run took longer than
the forecast; the iterations show how much of that depends on the automatic stop.
"""

from __future__ import annotations

import time

import numpy as np
import torch
from skimage import data

from napari_dip import Deconvolve, Inpaint, Settings, SuperResolve, restore
from napari_dip.generators import finished
from napari_dip.image.forecast import expected_seconds, is_noisy
from napari_dip.image.problem import make_problem


def noisy(size: int, planes: int = 0) -> np.ndarray:
    """Cut a crop out of a photograph and add noise of 20 grey values."""
    image = data.camera()[100 : 100 + size, 180 : 180 + size].astype(float)
    shape = (planes, *image.shape) if planes else image.shape
    noise = np.random.default_rng(0).normal(0, 20, shape)
    return (image + noise).clip(0, 255).astype(np.uint8)


def strokes(size: int) -> np.ndarray:
    """Make a mask of stripes, each three rows high."""
    rows = np.arange(size) % 32 < 3
    return np.repeat(rows[:, None], size, axis=1)


CASES = {
    "denoise 128²": (noisy(128), Settings(), None),
    "denoise 256²": (noisy(256), Settings(), None),
    "denoise 8 planes of 96²": (noisy(96, 8), Settings(axes="ZYX"), None),
    "super-resolve 64² by 2": (noisy(64), Settings(task=SuperResolve(factor=2)), None),
    "inpaint 128², stripes": (noisy(128), Settings(task=Inpaint()), strokes(128)),
    "deconvolve 256²": (noisy(256), Settings(task=Deconvolve(fwhm=4)), None),
    "deconvolve 8 × 96²": (
        noisy(96, 8),
        Settings(task=Deconvolve(fwhm=3), axes="ZYX", ndim=3),
        None,
    ),
    "best 96²": (noisy(96), Settings(preset="best"), None),
}


def main() -> None:
    capability = torch.backends.cpu.get_cpu_capability()
    print(f"{capability}, {torch.get_num_threads()} threads")
    for name, (image, settings, mask) in CASES.items():
        problem = make_problem(image, settings, mask, None)
        forecast = expected_seconds(
            problem.plan,
            problem.settings,
            problem.device,
            problem.observed.missing,
            noisy=is_noisy(problem.survey),
        )
        began = time.perf_counter()
        result = finished(restore(image, settings, mask=mask))
        took = time.perf_counter() - began
        iterations = sum(report.iterations for report in result.reports)
        print(
            f"{name:26} forecast {forecast:5.1f} s, took {took:5.1f} s, "
            f"ratio {forecast / took:.2f}, {iterations} iterations",
            flush=True,
        )


if __name__ == "__main__":
    main()
