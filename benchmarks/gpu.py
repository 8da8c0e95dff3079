"""How long `fast` takes on a GPU, by itself to its stop; needs neither napari nor Qt.

    python benchmarks/gpu.py [--device cuda]

A first run warms up; its time is told apart. Without the device every row says "not measured".
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import torch
from scipy.ndimage import gaussian_filter

from napari_dip import NapariDipError, denoise

SIZES = {"512²": (512, 512), "1024² RGB": (1024, 1024, 3), "2048²": (2048, 2048)}


def picture(shape: tuple[int, ...]) -> np.ndarray:
    """Blobs of every size and photon noise, as there is nothing to be downloaded."""
    random = np.random.default_rng(0)
    blobs = sum(
        gaussian_filter(random.normal(size=shape), (*[s, s], 0)[: len(shape)]) * s
        for s in (1, 3, 9, 27)
    )
    blobs = (blobs - blobs.min()) / np.ptp(blobs)
    return random.poisson(40 * blobs**2 + 2).astype(np.uint16)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cuda")
    device = parser.parse_args().device
    print("| image | warm-up / s | seconds | peak / GB | GB a megapixel |\n|---|---|---|---|---|")
    for name, shape in SIZES.items():
        axes = "YXS"[: len(shape)]
        seconds = []
        try:
            for run in range(2):
                if device.startswith("cuda") and torch.cuda.is_available():
                    torch.cuda.reset_peak_memory_stats()
                began = time.perf_counter()
                denoise(
                    picture(shape), device=device, axes=axes, iterations=10 if run == 0 else None
                )
                seconds.append(time.perf_counter() - began)
        except NapariDipError as error:
            print(f"| {name} | not measured: {error} | | | |")
            continue
        peak = torch.cuda.max_memory_allocated() / 1e9 if torch.cuda.is_available() else np.nan
        per_megapixel = peak / (shape[0] * shape[1] / 1e6)
        print(
            f"| {name} | {seconds[0]:.1f} | {seconds[1]:.1f} | {peak:.2f} | {per_megapixel:.2f} |"
        )


if __name__ == "__main__":
    main()
