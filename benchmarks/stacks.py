"""Compare stacks restored jointly with stacks restored plane by plane, and with BM4D.

    python benchmarks/stacks.py [--only golgi] [--planes 25] [--side 64] [--shifted 5] [--volume]

Poisson-Gaussian noise (40 photons at the brightest pixel, read noise 2) is added to stacks and
time-lapses with a fixed seed. "Alone" are the filter and the network of ``fast``, on all planes.
BM4D gets the volume after the variance-stabilising transform with the noise that the presets
estimate; ``pip install bm4d`` installs it for this benchmark, because it must not be used
commercially. Flicker is the standard deviation of the change from plane to plane where the
truth is flat and constant. Seconds are CPU seconds.

The calibrated stack is as noisy as the added noise, which no restoration could reproduce. So the
smoothed stack is its truth.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import tifffile
from cases import SHARED
from metrics import describe_cost
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
    """Load the stacks by name; without the evaluation images, generate blobs."""
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
    found["golgi, T"] = tifffile.imread(
        SHARED / "timelapse/xyt_calibrated_16bit__golgi_bfa_sum_projection.tif"
    ).squeeze()
    return {name: stack.astype(np.float64) for name, stack in found.items()}


def add_noise(stack: Stack, seed: int = 0) -> tuple[Stack, Stack]:
    """Scale the truth to photons, and add Poisson-Gaussian noise."""
    random = np.random.default_rng(seed)
    truth = (stack - stack.min()) / np.ptp(stack) * PHOTONS
    return truth, random.poisson(truth) + random.normal(0, READ, truth.shape)


def by_network(observed: Stack, **options: Any) -> tuple[Stack, str]:
    settings = Settings(axes="ZYX", preview_every_s=1e9, **options)
    result = finished(restore(observed, settings))
    return np.asarray(result.image), describe_cost(result)


def by_bm4d(observed: Stack) -> tuple[Stack, str]:
    import bm4d

    noise = estimate_noise(observed)
    if not noise.gain:
        return bm4d.bm4d(observed, noise.read), "Gaussian noise"
    return noise.unstabilise(bm4d.bm4d(noise.stabilise(observed), 1.0)), "stabilised"


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
    """Cut out the middle, or keep the first planes whole if ``side`` is 0."""
    if not side:
        return stack[:planes]
    wanted = (planes, side, side)
    z, y, x = (
        slice(max(0, (have - want) // 2), max(0, (have - want) // 2) + want)
        for have, want in zip(stack.shape, wanted, strict=True)
    )
    return stack[z, y, x]


def shifted(stack: Stack, pixels: float, seed: int = 0) -> Stack:
    """Shift each plane at random, and cut off the border that the shifts leave empty."""
    if not pixels:
        return stack
    steps = np.random.default_rng(seed).uniform(-pixels, pixels, (len(stack), 2))
    moved = [shift(plane, step, mode="mirror") for plane, step in zip(stack, steps, strict=True)]
    inside = slice(math.ceil(pixels), -math.ceil(pixels))
    return np.stack(moved)[:, inside, inside]


def methods(single: bool, volume: bool) -> dict[str, Callable[[Stack], tuple[Stack, str]]]:
    found: dict[str, Callable[[Stack], tuple[Stack, str]]] = {
        "noisy input": lambda observed: (observed, ""),
        "fast": by_network,
        "filter alone": partial(by_network, prior="none"),
        "network alone": partial(by_network, refinement=0),
    }
    if single:
        found["fast, plane by plane"] = lambda observed: by_network(observed, share="none")
    if volume:
        found["fast, volume"] = lambda observed: by_network(observed, ndim=3)
    if find_spec("bm4d"):
        found["VST + BM4D"] = by_bm4d
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="run stacks whose name contains this")
    parser.add_argument(
        "--planes", type=int, default=25, help="largest number of planes of a stack"
    )
    parser.add_argument(
        "--without-single", action="store_true", help="leave out the runs plane by plane"
    )
    parser.add_argument(
        "--side", type=int, default=0, help="cut out the middle, this many pixels wide"
    )
    parser.add_argument(
        "--shifted", type=float, default=0, help="shift planes by up to this many pixels"
    )
    parser.add_argument(
        "--volume", action="store_true", help="also restore as a volume, which is slow"
    )
    parser.add_argument("--out", type=Path, default=Path("build/bench"))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    print("| stack | method | PSNR / dB | SSIM | flicker | CPU s a plane | |")
    print("|---|---|---|---|---|---|---|")
    table: dict[str, dict[str, Any]] = {}
    for name, stack in stacks().items():
        if options.only not in name:
            continue
        truth, observed = add_noise(
            shifted(middle(stack, options.planes, options.side), options.shifted)
        )
        for method, run in methods(not options.without_single, options.volume).items():
            began = time.process_time()
            image, note = run(observed)
            seconds = (time.process_time() - began) / len(observed)
            found = figures(truth, image) | {"cpu_s_a_plane": seconds, "note": note}
            table.setdefault(name, {})[method] = found
            (options.out / "stacks.json").write_text(json.dumps(table, indent=1))
            cells = [f"{found['psnr']:.2f}", f"{found['ssim']:.3f}", f"{found['flicker']:.3f}"]
            print(
                f"| {name} | {method} | {' | '.join(cells)} | {seconds:.2f} | {note} |", flush=True
            )
    for method in methods(not options.without_single, options.volume):
        mean = np.mean([rows[method]["psnr"] for rows in table.values()])
        print(f"| mean | {method} | {mean:.2f} | | | | |")


if __name__ == "__main__":
    main()
