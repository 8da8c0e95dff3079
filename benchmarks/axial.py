"""Compare super-resolution along Z with interpolation.

    python benchmarks/axial.py [--only golgi] [--rows 48] [--columns 96]

A crop of each stack is the truth. A Gaussian slice profile, with a full width at half maximum of
one coarse plane, and decimation by 2 or 4 give the input, once without noise and once with Gaussian
noise that is given to the presets. The references are linear and cubic interpolation between the
coarse planes, and cubic interpolation with the projection that follows a fit. PSNR is over the
range of the truth without the first and last coarse plane; seconds are CPU seconds.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from results_file import ResultsFile
from scipy.interpolate import make_interp_spline
from skimage.metrics import peak_signal_noise_ratio
from stacks import stacks

from napari_dip import Settings, SuperResolve, restore
from napari_dip.dip.objective import Observation
from napari_dip.dip.operators import Downsample
from napari_dip.dip.projection import project
from napari_dip.generators import finished

if TYPE_CHECKING:
    from collections.abc import Callable

    from stacks import Stack

PROFILE = "gaussian"


def truths(rows: int, columns: int) -> dict[str, Stack]:
    """Cut the middle out of each z-stack, scaled to [0, 1]."""
    found = {}
    for name, stack in stacks().items():
        if ", T" in name:
            continue
        top, left = (
            max(0, n - wanted) // 2
            for n, wanted in zip(stack.shape[1:], (rows, columns), strict=True)
        )
        crop = stack[:, top : top + rows, left : left + columns]
        found[name] = (crop - crop.min()) / np.ptp(crop)
    return found


def decimated(truth: Stack, factor: int) -> Stack:
    fine = torch.from_numpy(truth)[None, None]
    return Downsample((factor, 1, 1), PROFILE)(fine)[0, 0].numpy()


def interpolated(coarse: Stack, factor: int, order: int) -> Stack:
    """Interpolate along Z: fine plane i lies at (i + 1/2) / factor - 1/2 of the coarse planes."""
    places = (np.arange(len(coarse) * factor) + 0.5) / factor - 0.5
    spline = make_interp_spline(np.arange(len(coarse)), coarse, k=min(order, len(coarse) - 1))
    return spline(places.clip(0, len(coarse) - 1))


def interpolated_and_projected(coarse: Stack, factor: int) -> Stack:
    """Interpolate with cubics, then project onto the stacks that decimate to the coarse one."""
    y = torch.from_numpy(coarse)[None, None]
    observed = Observation(y, Downsample((factor, 1, 1), PROFILE), torch.ones_like(y))
    start = torch.from_numpy(interpolated(coarse, factor, 3))[None, None]
    return project(start, observed, 0.0, 3)[0, 0].numpy()


def restored(coarse: Stack, factor: int, **options: object) -> Stack:
    task = SuperResolve(factor=factor, axis="Z", downsampler=PROFILE)
    settings = Settings(task=task, axes="ZYX", dtype="float32", preview_every_s=1e9, **options)
    return np.asarray(finished(restore(coarse.astype(np.float32), settings)).image)


def methods(noise: float) -> dict[str, Callable[[Stack, int], Stack]]:
    given = {"noise": noise} if noise else {}
    return {
        "linear": lambda coarse, factor: interpolated(coarse, factor, 1),
        "cubic": lambda coarse, factor: interpolated(coarse, factor, 3),
        "cubic, projected": interpolated_and_projected,
        "fast, sections": lambda coarse, factor: restored(coarse, factor, **given),
        "fast, volume, 120 iterations": lambda coarse, factor: restored(
            coarse, factor, ndim=3, iterations=120, **given
        ),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="stacks whose name contains this")
    parser.add_argument("--rows", type=int, default=48, help="size of the crops along Y")
    parser.add_argument("--columns", type=int, default=96, help="size of the crops along X")
    parser.add_argument(
        "--sigma",
        type=float,
        default=0.02,
        help="standard deviation of the noise, for a range of 1",
    )
    parser.add_argument("--factors", type=int, nargs="+", default=[2, 4])
    parser.add_argument(
        "--without-volume", action="store_true", help="leave out the volume, which is slow"
    )
    parser.add_argument("--resume", action="store_true", help="keep the rows of an earlier run")
    parser.add_argument("--out", type=Path, default=Path("build/bench"))
    options = parser.parse_args()
    record = ResultsFile(
        options.out / "axial.json", ("stack", "factor", "sigma", "method"), resume=options.resume
    )
    print("| stack | by | sigma | method | PSNR / dB | CPU s |\n|---|---|---|---|---|---|")
    for name, whole in truths(options.rows, options.columns).items():
        for factor in options.factors:
            if options.only not in name or len(whole) < 4 * factor:
                continue  # fewer than four coarse planes are no test
            truth = whole[: len(whole) // factor * factor]
            clean = decimated(truth, factor)
            for sigma in (0.0, options.sigma):
                observed = clean + np.random.default_rng(0).normal(0, sigma, clean.shape)
                for method, run in methods(sigma).items():
                    if options.without_volume and "volume" in method:
                        continue
                    row = {"stack": name, "factor": factor, "sigma": sigma, "method": method}
                    if row in record:
                        continue
                    began = time.process_time()
                    image = run(observed, factor)
                    seconds = time.process_time() - began
                    inner = slice(factor, -factor)
                    psnr = peak_signal_noise_ratio(truth[inner], image[inner], data_range=1)
                    record.add(row | {"psnr": float(psnr), "cpu_s": seconds})
                    cells = (name, factor, f"{sigma:g}", method, f"{psnr:.2f}", f"{seconds:.1f}")
                    print(f"| {' | '.join(map(str, cells))} |", flush=True)


if __name__ == "__main__":
    main()
