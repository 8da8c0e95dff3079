"""Time concurrent fits beside the same fits one after another.

    python benchmarks/concurrency.py [--device cpu] [--repeats 3] [--only "best, 256²"]

The images are parts of photographs with noise of sigma 25. ``fast`` restores several planes,
``best`` one plane with an ensemble of four fits. Sequential and concurrent runs alternate. The last
bits of sums depend on the number of threads, so a fit may stop at another iteration. The ratio is
therefore that of the time of an iteration, with everything else included.
"""

from __future__ import annotations

import argparse
import statistics

import numpy as np
from metrics import measured
from skimage import data, metrics

from napari_dip import Settings, restore
from napari_dip.generators import finished

SIGMA = 25
CASES = {
    "fast, 8 planes of 96²": (8, 96),
    "fast, 6 planes of 128²": (6, 128),
    "fast, 4 planes of 256²": (4, 256),
    "fast, 2 planes of 512²": (2, 512),
    "best, 128²": (1, 128),
    "best, 256²": (1, 256),
}
COLUMNS = (
    "",
    "sequential / s",
    "concurrent / s",
    "iterations",
    "ratio",
    "dB",
    "memory / MB",
    "plan",
)


def planes(count: int, side: int) -> np.ndarray:
    """Cut different parts out of different photographs."""
    pictures = (data.camera(), data.moon(), data.coins()[:300, :300], data.page().repeat(2, 0))
    whole = [picture for picture in pictures if min(picture.shape) >= side]
    parts = []
    for number in range(count):
        picture = whole[number % len(whole)]
        y, x = ((extent - side) * (number // len(whole) + 1) // 3 for extent in picture.shape)
        parts.append(picture[y : y + side, x : x + side])
    return np.stack(parts).astype(np.float32)


def row(name: str, device: str, repeats: int) -> list[str]:
    """Restore one case sequentially and concurrently, and format the row of the table."""
    truth = planes(*CASES[name])
    noisy = truth + np.random.default_rng(0).normal(0, SIGMA, truth.shape).astype(np.float32)
    settings = Settings(
        preset=name.split(",")[0],
        axes="QYX",
        noise=SIGMA,
        dtype="float32",
        device=device,
        preview_every_s=1e9,
    )
    seconds, per_iteration, memory = {1: [], None: []}, {1: [], None: []}, {1: 0, None: 0}
    results = {}
    for _ in range(repeats):
        for at_once in (1, None):
            with measured() as cost:
                result = finished(restore(noisy, settings.replace(at_once=at_once)))
            iterations = sum(report.iterations for report in result.reports)
            seconds[at_once].append(cost.seconds)
            per_iteration[at_once].append(cost.seconds / iterations)
            memory[at_once] = max(memory[at_once], cost.memory)
            results[at_once] = result, iterations
    sequential, concurrent = (statistics.median(seconds[at_once]) for at_once in (1, None))
    ratio = statistics.median(per_iteration[1]) / statistics.median(per_iteration[None])
    decibels = [
        np.mean([metrics.peak_signal_noise_ratio(*pair, data_range=255) for pair in pairs])
        for pairs in (zip(truth, result.image, strict=True) for result, _ in results.values())
    ]
    return [
        name,
        f"{sequential:.1f}",
        f"{concurrent:.1f}",
        ", ".join(str(iterations) for _, iterations in results.values()),
        f"{ratio:.2f}",
        ", ".join(f"{value:.2f}" for value in decibels),
        ", ".join(f"{taken / 1e6:.0f}" for taken in memory.values()),
        f"{results[None][0].plan.rpartition(', ' if truth.shape[0] > 1 else '; ')[2]}, "
        f"{results[None][0].reports[0].arithmetic}",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", choices=CASES, action="append")
    options = parser.parse_args()
    print(f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}")
    for name in options.only or CASES:
        print(f"| {' | '.join(row(name, options.device, options.repeats))} |", flush=True)


if __name__ == "__main__":
    main()
