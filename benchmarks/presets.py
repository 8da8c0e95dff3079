"""Compare the presets with each other and with classical methods, side by side in one run.

    python benchmarks/presets.py [--size 128] [--seeds 3] [--paper-iterations 300]

Every case is spoilt with a fixed seed. `fast` runs until it stops by itself; `paper` runs the given
number of its iterations, and its time at the published number is that many times the time of one.
Prints medians over the seeds: PSNR in dB against the truth, seconds, and the ratio of the times.
"""

from __future__ import annotations

import argparse
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from skimage import data, metrics, restoration, transform

from napari_dip import Inpaint, Result, Settings, SuperResolve, restore
from napari_dip.prior.recipes import recipe
from napari_dip.stack.problem import find_hole

if TYPE_CHECKING:
    from collections.abc import Callable

Image = NDArray[np.uint8]


@dataclass(frozen=True)
class Case:
    """What is spoilt, how, and who else can mend it."""

    name: str
    truth: Image
    spoilt: Image
    missing: NDArray[np.bool_] | None
    settings: Settings
    rivals: dict[str, Callable[[], NDArray[np.float64]]]


def denoising(size: int) -> Case:
    truth = data.camera()[64 : 64 + size, 180 : 180 + size]
    noise = np.random.default_rng(0).normal(0, 25, truth.shape)
    spoilt = (truth + noise).round().clip(0, 255).astype(np.uint8)
    rivals = {
        "non-local means": lambda: restoration.denoise_nl_means(
            spoilt / 1.0, patch_size=5, patch_distance=9, h=0.8 * 25, sigma=25, fast_mode=True
        ),
        "total variation": lambda: restoration.denoise_tv_chambolle(spoilt / 1.0, weight=22),
    }
    return Case("denoise, sigma 25", truth, spoilt, None, Settings(), rivals)


def super_resolution(size: int) -> Case:
    truth = data.cell()[180 : 180 + size, 200 : 200 + size]
    small = transform.resize(truth / 1.0, (size // 4, size // 4), order=3, anti_aliasing=True)
    spoilt = small.round().clip(0, 255).astype(np.uint8)
    rivals = {"bicubic": lambda: transform.resize(spoilt / 1.0, truth.shape, order=3)}
    settings = Settings(task=SuperResolve(factor=4))
    return Case("super-resolve by 4", truth, spoilt, None, settings, rivals)


def inpainting(size: int) -> Case:
    truth = data.camera()[64 : 64 + size, 180 : 180 + size]
    missing = np.random.default_rng(0).random(truth.shape) < 0.5
    spoilt = np.where(missing, 0, truth)
    rivals = {
        "biharmonic": lambda: 255 * restoration.inpaint_biharmonic(spoilt, missing),
    }
    return Case("inpaint, half missing", truth, spoilt, missing, Settings(task=Inpaint()), rivals)


def finish(case: Case, settings: Settings) -> Result:
    restoration_ = restore(case.spoilt, settings, mask=case.missing)
    while True:
        try:
            next(restoration_)
        except StopIteration as end:
            return end.value


def psnr(case: Case, image: NDArray[np.generic]) -> float:
    return float(
        metrics.peak_signal_noise_ratio(case.truth, np.clip(image, 0, 255), data_range=255)
    )


def rows(case: Case, seeds: int, paper_iterations: int) -> list[tuple[str, ...]]:
    found = [
        (case.name, name, f"{psnr(case, run()):.2f}", "", "", "")
        for name, run in case.rivals.items()
    ]
    seconds = {}
    for preset, iterations in (("fast", None), ("paper", paper_iterations)):
        results = [
            finish(case, case.settings.replace(preset=preset, iterations=iterations, seed=seed))
            for seed in range(seeds)
        ]
        done = [result.reports[0].iterations for result in results]
        each = statistics.median(r.elapsed_s / n for r, n in zip(results, done, strict=True))
        published = done
        if preset == "paper":
            known = (
                np.ones((1, *case.truth.shape), bool)
                if case.missing is None
                else ~case.missing[None]
            )
            hole = find_hole(known, Inpaint())
            published = [recipe(case.settings.replace(preset="paper"), hole=hole).iterations]
        seconds[preset] = each * statistics.median(published)
        level = statistics.median(psnr(case, result.image) for result in results)
        found.append(
            (
                case.name,
                preset,
                f"{level:.2f}",
                f"{statistics.median(done):.0f} of {statistics.median(published):.0f}",
                f"{1000 * each:.0f}",
                f"{seconds[preset]:.0f}",
            )
        )
    found.append(
        (case.name, "paper / fast", "", "", "", f"{seconds['paper'] / seconds['fast']:.0f} times")
    )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--paper-iterations", type=int, default=300)
    asked = parser.parse_args()
    table = Table(title=f"{asked.size} x {asked.size}, medians of {asked.seeds} seeds")
    for heading in ("case", "method", "PSNR / dB", "iterations", "ms each", "s to the end"):
        table.add_column(heading)
    for case in (denoising(asked.size), super_resolution(asked.size), inpainting(asked.size)):
        for row in rows(case, asked.seeds, asked.paper_iterations):
            table.add_row(*row)
        table.add_section()
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
