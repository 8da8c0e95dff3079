"""Planes that share a network beside planes one by one, and beside BM4D.

    python benchmarks/stacks.py [--only golgi] [--planes 25] [--side 64] [--shaken 5] [--volume]

Four stacks and time-lapses, to which Poisson-Gaussian noise (40 photons at the brightest pixel,
read noise 2) is added with a fixed seed. Every method gets the same values, stops by itself, and
its time is that of the processor. BM4D sees the volume after the generalised Anscombe transform
with the noise that the presets estimate, and goes back by its unbiased inverse; it is installed for
this benchmark alone (``pip install bm4d``), for it may not be used commercially. Flicker is the
standard deviation of the change from plane to plane where the truth is flat and hardly changes.

The calibrated stack is as noisy as what is added to it: no restoration could find that again. What
stands for the truth is the stack smoothed.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import tifffile
from cases import SHARED
from metrics import effort
from scipy.ndimage import gaussian_filter, gaussian_gradient_magnitude, shift, uniform_filter
from skimage import data, metrics

from napari_dip import Settings, restore
from napari_dip.generators import finished
from napari_dip.noise.estimate import estimate_noise

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Stack = NDArray[np.float64]

PHOTONS, READ = 40, 2.0


def stacks() -> dict[str, Stack]:
    """Load them by name; without the evaluation images, what scikit-image generates."""
    if not SHARED.is_dir():
        return {"blobs": data.binary_blobs(64, n_dim=3, rng=0).astype(np.float64)[:12]}
    files = {
        "golgi, Z": "stack3d/xyz_calibrated_16bit__golgi_bfa.tif",
        "nuclei, Z of 4 µm": "stack3d/xyz_8bit__nuclei_autothresh.tif",
        "calibrated, Z": "stack3d/image_3D_calibrated.tif",
    }
    found = {name: tifffile.imread(SHARED / file).squeeze() for name, file in files.items()}
    noisy = found.pop("calibrated, Z").astype(np.float64)
    found["calibrated and smoothed, Z"] = gaussian_filter(noisy, (0.7, 1.5, 1.5))
    frames = sorted((SHARED / "timelapse").glob("mitocheck_T*.tif"))
    found["mitocheck, T"] = np.stack([tifffile.imread(frame).squeeze() for frame in frames])
    return {name: stack.astype(np.float64) for name, stack in found.items()}


def spoilt(stack: Stack, seed: int = 0) -> tuple[Stack, Stack]:
    """Return the truth in photons, and what a camera would have seen."""
    random = np.random.default_rng(seed)
    truth = (stack - stack.min()) / np.ptp(stack) * PHOTONS
    return truth, random.poisson(truth) + random.normal(0, READ, truth.shape)


def by_network(seen: Stack, **asked: Any) -> tuple[Stack, str]:
    settings = Settings(axes="ZYX", preview_every_s=1e9, **asked)
    result = finished(restore(seen, settings))
    return np.asarray(result.image), effort(result)


def by_bm4d(seen: Stack) -> tuple[Stack, str]:
    import bm4d

    noise = estimate_noise(seen)
    if not noise.gain:
        return bm4d.bm4d(seen, noise.read), "Gaussian noise"
    return noise.unstabilise(bm4d.bm4d(noise.stabilise(seen), 1.0)), "stabilised"


def flicker(truth: Stack, image: Stack) -> float:
    change = np.abs(np.diff(truth, axis=0))
    slope = np.stack([gaussian_gradient_magnitude(plane, 2) for plane in truth[1:]])
    rough = slope + uniform_filter(change, (1, 5, 5))
    flat = rough <= np.quantile(rough, 0.25)
    return float(np.diff(image, axis=0)[flat].std())


def figures(truth: Stack, image: Stack) -> dict[str, float]:
    span = np.ptp(truth)
    ssim = [
        metrics.structural_similarity(one, other, data_range=span)
        for one, other in zip(truth, image, strict=True)
    ]
    return {
        "psnr": float(metrics.peak_signal_noise_ratio(truth, image, data_range=span)),
        "ssim": float(np.mean(ssim)),
        "flicker": flicker(truth, image),
    }


def middle(stack: Stack, planes: int, side: int) -> Stack:
    """Cut out the middle, or the first planes where their size is kept."""
    if not side:
        return stack[:planes]
    wanted = (planes, side, side)
    z, y, x = (
        slice(max(0, (have - want) // 2), max(0, (have - want) // 2) + want)
        for have, want in zip(stack.shape, wanted, strict=True)
    )
    return stack[z, y, x]


def shaken(stack: Stack, pixels: float, seed: int = 0) -> Stack:
    """Move each plane aside at random, and cut off the rim that was not seen."""
    if not pixels:
        return stack
    steps = np.random.default_rng(seed).uniform(-pixels, pixels, (len(stack), 2))
    moved = [shift(plane, step, mode="mirror") for plane, step in zip(stack, steps, strict=True)]
    inside = slice(math.ceil(pixels), -math.ceil(pixels))
    return np.stack(moved)[:, inside, inside]


def methods(lone: bool, volume: bool) -> dict[str, Callable[[Stack], tuple[Stack, str]]]:
    found: dict[str, Callable[[Stack], tuple[Stack, str]]] = {
        "as it was seen": lambda seen: (seen, ""),
        "fast, sharing": by_network,
    }
    if lone:
        found["fast, plane by plane"] = lambda seen: by_network(seen, share="none")
    if volume:
        found["fast, volume"] = lambda seen: by_network(seen, ndim=3)
    if find_spec("bm4d"):
        found["VST + BM4D"] = by_bm4d
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="stacks whose name contains this")
    parser.add_argument("--planes", type=int, default=25, help="the most planes of a stack")
    parser.add_argument("--without-lone", action="store_true", help="leave out plane by plane")
    parser.add_argument("--side", type=int, default=0, help="the middle alone, so many pixels wide")
    parser.add_argument("--shaken", type=float, default=0, help="move planes by so many pixels")
    parser.add_argument("--volume", action="store_true", help="one network in 3-D, too: slow")
    parser.add_argument("--out", type=Path, default=Path("build/bench"))
    asked = parser.parse_args()
    print("| stack | method | PSNR / dB | SSIM | flicker | CPU s a plane | |")
    print("|---|---|---|---|---|---|---|")
    table: dict[str, dict[str, Any]] = {}
    for name, stack in stacks().items():
        if asked.only not in name:
            continue
        truth, seen = spoilt(shaken(middle(stack, asked.planes, asked.side), asked.shaken))
        for method, run in methods(not asked.without_lone, asked.volume).items():
            began = time.process_time()
            image, note = run(seen)
            seconds = (time.process_time() - began) / len(seen)
            found = figures(truth, image) | {"cpu_s_a_plane": seconds, "note": note}
            table.setdefault(name, {})[method] = found
            cells = [f"{found['psnr']:.2f}", f"{found['ssim']:.3f}", f"{found['flicker']:.3f}"]
            print(
                f"| {name} | {method} | {' | '.join(cells)} | {seconds:.2f} | {note} |", flush=True
            )
    for method in methods(not asked.without_lone, asked.volume):
        mean = np.mean([rows[method]["psnr"] for rows in table.values()])
        print(f"| mean | {method} | {mean:.2f} | | | | |")
    asked.out.mkdir(parents=True, exist_ok=True)
    (asked.out / "stacks.json").write_text(json.dumps(table, indent=1))


if __name__ == "__main__":
    main()
