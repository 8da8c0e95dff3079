"""Time ``fast`` on a GPU; needs neither napari nor Qt.

    python benchmarks/gpu.py [--device cuda] [--side PIXELS]

A first run warms up and is timed separately. An iteration is timed as a CUDA graph and kernel by
kernel; the share of the roofline is that of the graph. ``--side`` runs one grey image of that size,
to try the script on another device. Without the device every row says "not measured".
"""

from __future__ import annotations

import argparse
import sys
import time

import numpy as np
import torch
from roofline import an_iteration, cost, peaks
from scipy.ndimage import gaussian_filter

from napari_dip import NapariDipError, Result, Settings, restore
from napari_dip.compute import cuda_graph as graph
from napari_dip.generators import finished

SIZES = {"512²": (512, 512), "1024² RGB": (1024, 1024, 3), "2048²": (2048, 2048)}
COLUMNS = (
    "image",
    "warm-up / s",
    "seconds",
    "iterations",
    "ms an iteration",
    "ms kernel by kernel",
    "share of the roofline",
    "peak / GB",
    "GB a megapixel",
    "launches",
)


def make_image(shape: tuple[int, ...]) -> np.ndarray:
    """Make an image of blobs of several sizes with photon noise."""
    random = np.random.default_rng(0)
    blobs = sum(
        gaussian_filter(random.normal(size=shape), (*[s, s], 0)[: len(shape)]) * s
        for s in (1, 3, 9, 27)
    )
    blobs = (blobs - blobs.min()) / np.ptp(blobs)
    return random.poisson(40 * blobs**2 + 2).astype(np.uint16)


def timed(image: np.ndarray, settings: Settings) -> tuple[float, Result]:
    began = time.perf_counter()
    result = finished(restore(image, settings.replace(preview_every_s=1e9)))
    return time.perf_counter() - began, result


def ms_an_iteration(image: np.ndarray, settings: Settings) -> float:
    """Time an iteration as the difference of a long and a short run."""
    plain = settings.replace(stopping="fixed", refinement=0)
    few, many = (timed(image, plain.replace(iterations=count))[0] for count in (20, 100))
    return 1e3 * (many - few) / 80


def row(name: str, shape: tuple[int, ...], device: str) -> list[str]:
    """Measure one image and format the row of the table."""
    image, on_gpu = make_image(shape), device.startswith("cuda")
    settings = Settings(device=device, axes="YXS"[: len(shape)])
    warm_up, _ = timed(image, settings.replace(iterations=10))
    if on_gpu:
        torch.cuda.reset_peak_memory_stats()
    seconds, result = timed(image, settings)
    peak = torch.cuda.max_memory_allocated() / 1e9 if on_gpu else np.nan
    report = result.reports[0]
    as_graph = ms_an_iteration(image, settings)
    least_calls, graph.WARM_UP_CALLS = graph.WARM_UP_CALLS, sys.maxsize  # no graph is captured
    one_by_one = ms_an_iteration(image, settings)
    graph.WARM_UP_CALLS = least_calls
    work, precision = an_iteration(image, settings)
    counted = cost(work)
    share = 1e3 * counted.seconds(peaks(device, precision)) / as_graph
    figures = (warm_up, seconds, report.iterations, as_graph, one_by_one, share, peak)
    per_megapixel = peak / (shape[0] * shape[1] / 1e6)
    return [name, *(f"{x:.3g}" for x in (*figures, per_megapixel)), report.arithmetic]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--side", type=int, help="one grey image of this side, in pixels")
    options = parser.parse_args()
    sizes = {f"{options.side}²": (options.side, options.side)} if options.side else SIZES
    print(f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}")
    for name, shape in sizes.items():
        try:
            cells = row(name, shape, options.device)
        except NapariDipError as error:
            cells = [name, f"not measured: {error}", *[""] * (len(COLUMNS) - 2)]
        print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
