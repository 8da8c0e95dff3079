"""How near to the truth, how long, how much memory."""

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


def prepared(case: Case, image: Pixels) -> tuple[Pixels, Pixels]:
    """Bring truth and image to what is compared."""
    truth, found = (np.asarray(each, np.float64) for each in (case.truth, image))
    if case.relative:
        found = on_the_scale_of(truth, found)
    else:
        found = found.clip(0, PEAK)
    if case.luma:
        truth, found = (color.rgb2ycbcr(each / PEAK)[..., 0] for each in (truth, found))
    inner = slice(case.border, -case.border or None)
    return truth[inner, inner], found[inner, inner]


def on_the_scale_of(truth: Pixels, image: Pixels) -> Pixels:
    """Fit gain and offset by least squares."""
    columns = np.stack([image.ravel(), np.ones(image.size)], axis=1)
    gain_and_offset = np.linalg.lstsq(columns, truth.ravel(), rcond=None)[0]
    return (columns @ gain_and_offset).reshape(truth.shape)


def psnr(case: Case, image: Pixels) -> float:
    truth, found = prepared(case, image)
    return float(metrics.peak_signal_noise_ratio(truth, found, data_range=PEAK))


def fitted_psnr(case: Case, image: Pixels) -> float:
    truth, found = prepared(case, image)
    found = on_the_scale_of(truth, found)
    return float(metrics.peak_signal_noise_ratio(truth, found, data_range=PEAK))


def ssim(case: Case, image: Pixels) -> float:
    truth, found = prepared(case, image)
    colours = None if case.luma else case.colours
    return float(metrics.structural_similarity(truth, found, data_range=PEAK, channel_axis=colours))


@dataclass
class Cost:
    """Seconds, and bytes by which the process grew at most."""

    seconds: float = 0.0
    memory: int = 0

    def as_row(self) -> dict[str, float]:
        return {"seconds": self.seconds, "megabytes": self.memory / 1e6}


@contextmanager
def measured() -> Iterator[Cost]:
    """Measure what a block costs; memory is looked at every 20 ms."""
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
    """Restore a case without showing anything."""
    settings = (settings or case.settings).replace(dtype="float32", preview_every_s=1e9)
    return finished(restore(case.seen, settings, mask=case.missing))


def effort(result: Result) -> str:
    """Say what a result took."""
    iterations = sum(report.iterations for report in result.reports)
    return f"{len(result.reports)} fits, {iterations} iterations"
