"""Measure quality, time and memory of a restoration."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import psutil
from skimage import color, metrics

from napari_dip import Result, Settings, restore
from napari_dip.generators import finished

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cases import Case, Pixels

PEAK = 255


def comparable(case: Case, image: Pixels) -> tuple[Pixels, Pixels]:
    """Cut, convert and scale truth and image for the comparison."""
    truth, found = (np.asarray(each, np.float64) for each in (case.truth, image))
    if case.relative:
        found = fit_gain_and_offset(truth, found)
    else:
        found = found.clip(0, PEAK)
    if case.luma:
        truth, found = (color.rgb2ycbcr(each / PEAK)[..., 0] for each in (truth, found))
    inner = slice(case.border, -case.border or None)
    return truth[inner, inner], found[inner, inner]


def fit_gain_and_offset(truth: Pixels, image: Pixels) -> Pixels:
    """Fit the gain and offset of an image to the truth by least squares."""
    columns = np.stack([image.ravel(), np.ones(image.size)], axis=1)
    gain_and_offset = np.linalg.lstsq(columns, truth.ravel(), rcond=None)[0]
    return (columns @ gain_and_offset).reshape(truth.shape)


def psnr(case: Case, image: Pixels) -> float:
    truth, found = comparable(case, image)
    return float(metrics.peak_signal_noise_ratio(truth, found, data_range=PEAK))


def quality(case: Case, image: Pixels) -> dict[str, float]:
    """Return PSNR and SSIM: of real frames after a fit, of gaps in the missing pixels alone."""
    truth, found = comparable(case, image)
    colours = None if case.luma else case.colours
    similarity, everywhere = metrics.structural_similarity(
        truth, found, data_range=PEAK, channel_axis=colours, full=True
    )
    if case.missing is None:
        return {"psnr": psnr(case, image), "ssim": float(similarity)}
    error = np.mean((truth - found)[case.missing] ** 2)
    return {
        "psnr": float(10 * np.log10(PEAK**2 / error)),
        "ssim": float(everywhere[case.missing].mean()),
    }


@dataclass
class Cost:
    """Seconds, and the largest growth of the process in bytes."""

    seconds: float = 0.0
    memory: int = 0

    def as_row(self) -> dict[str, float]:
        return {"seconds": self.seconds, "megabytes": self.memory / 1e6}


@contextmanager
def measured() -> Iterator[Cost]:
    """Measure the seconds and the memory of a block; memory is sampled every 20 ms."""
    process, cost, done = psutil.Process(), Cost(), threading.Event()
    before, began = process.memory_info().rss, time.perf_counter()

    def watch() -> None:
        while not done.wait(0.02):
            cost.memory = max(cost.memory, process.memory_info().rss - before)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield cost
    finally:
        cost.seconds = time.perf_counter() - began
        done.set()
        watcher.join()


def finish(case: Case, settings: Settings | None = None) -> Result:
    """Restore a case, without previews, in float32."""
    settings = (settings or case.settings).replace(dtype="float32", preview_every_s=1e9)
    return finished(restore(case.observed, settings, mask=case.missing))


def describe_cost(result: Result) -> str:
    """Describe the number of fits and iterations of a result."""
    iterations = sum(report.iterations for report in result.reports)
    return f"{len(result.reports)} fits, {iterations} iterations"
