"""Find in a time-lapse what a user should know before a restoration: bleaching and drift."""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.signal.windows import hann
from scipy.stats import spearmanr
from skimage.registration import phase_cross_correlation

from napari_dip.assess.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray


__all__ = ["MIN_FRAMES", "findings_of_frames"]

MIN_FRAMES = 4
"""Frames: fewer show no trend."""

MIN_BLEACHING = 0.1
"""Fraction of the signal that is lost between the first and the last frame. Not measured."""

MAX_TREND = -0.8
"""Rank correlation of mean and time, from which on the mean falls steadily. Not measured."""

DARK_QUANTILE = 2e-3
"""Quantile of the pixels of all frames that is taken for no signal. Not measured."""

MIN_DRIFT = 2.0
"""Pixels from the first to the last frame: less is followed by patches. Not measured."""

MAX_SHARE = 0.5
"""Fraction of a side: a larger shift is an error. Not measured."""

MIN_EXPLAINED = 0.3
"""Fraction of the squared difference of first and last frame that a drift explains. Not
measured."""

FINE_SIGMA, COARSE_SIGMA = 1.5, 8.0
"""Pixels: finer details are noise, coarser ones do not match at opposite borders. Not measured."""

MAX_DETOUR = 1.5
"""Ratio of the way of the frames to the distance between the ends: a drift has a direction. Not
measured."""


def findings_of_frames(
    frames: NDArray[np.floating], known: NDArray[np.bool_], count: int
) -> Iterator[Finding]:
    """Yield what was found in frames that are evenly spaced in time.

    Parameters
    ----------
    frames, known
        ``(frames, Y, X)``; the first frame is that of the time-lapse, and so is the last.
    count
        Number of all frames of the time-lapse.
    """
    yield from _bleaching(frames, known)
    yield from _drift(frames, known, count)


def _bleaching(frames: NDArray[np.floating], known: NDArray[np.bool_]) -> Iterator[Finding]:
    always = known.all(axis=0)
    if not always.any():
        return
    values = frames[:, always].astype(np.float64)
    dark = np.quantile(values, DARK_QUANTILE)
    signal = values.mean(axis=1) - dark
    if signal[0] <= 0:
        return
    trend = float(spearmanr(np.arange(len(signal)), signal).statistic)
    lost = float(1 - signal[-1] / signal[0])
    if lost > MIN_BLEACHING and trend < MAX_TREND:
        yield Finding(
            "bleaching",
            lost,
            f"The mean above the darkest pixels falls by {100 * lost:.0f} % from the first to the "
            "last frame.",
            "The restoration keeps the decay; correct for it afterwards, not before, so that the "
            "noise keeps its form.",
        )


def _drift(frames: NDArray[np.floating], known: NDArray[np.bool_], count: int) -> Iterator[Finding]:
    details = [_details(*each) for each in zip(frames, known, strict=True)]
    register = partial(phase_cross_correlation, upsample_factor=10, normalization=None)
    if not all(each.any() for each in details):
        return
    # Borders do not move: a window hides them.
    window = np.multiply.outer(*(hann(size, sym=False) for size in frames.shape[1:]))
    pairs = pairwise(each * window for each in details)
    steps = np.array([register(before, after)[0] for before, after in pairs])
    total = -steps.sum(axis=0)
    distance = float(np.hypot(*total))
    way = float(np.hypot(*steps.T).sum())
    if not MIN_DRIFT < distance < MAX_SHARE * min(frames.shape[1:]):
        return
    if way < MAX_DETOUR * distance and _explained(details[0], details[-1], total) > MIN_EXPLAINED:
        down, across = total
        yield Finding(
            "drift",
            distance,
            f"The image drifts by {distance:.0f} pixels in {count} frames ({down:+.0f} down, "
            f"{across:+.0f} across).",
            "The restoration aligns frames that share a network by whole pixels, and keeps the "
            "drift in the result.",
        )


def _details(frame: NDArray[np.floating], known: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the structure that is compared: without noise, without slow changes."""
    values = np.where(known, frame, frame[known].mean() if known.any() else 0.0)
    return np.asarray(gaussian_filter(values, FINE_SIGMA) - gaussian_filter(values, COARSE_SIGMA))


def _explained(
    first: NDArray[np.float64], last: NDArray[np.float64], total: NDArray[np.float64]
) -> float:
    """Return the fraction of the squared difference of two frames that a shift explains."""
    steps = [round(float(each)) for each in total]
    inside = tuple(slice(abs(step), -abs(step) or None) for step in steps)
    moved = np.roll(last, [-step for step in steps], (0, 1))
    before, after = (np.square(first - other)[inside].mean() for other in (last, moved))
    return float(1 - after / before) if before else 0.0
