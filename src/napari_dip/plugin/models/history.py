"""What a run has been through: the numbers of its curve, and pictures to go back to."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from napari_dip.image.restore import Snapshot
    from napari_dip.plugin.models.layer_input import LayerInput

__all__ = ["Frame", "History", "Lines", "blended", "inserted"]

BUDGET = 256_000_000
"""Bytes of pictures that are kept at most."""


_MOST_POINTS = 4000


_DRAWN = 400
"""Points of a line: a panel is no wider in pixels."""


_RECENT_S = 3.0
"""Over which the speed is taken."""


@dataclass(frozen=True, eq=False)
class Frame:
    """A picture of one iteration: ``output[index] = image``.

    ``result`` tells the outcome of a run, which is refined, from what was seen on the way.
    """

    iteration: int
    index: tuple[int | slice, ...]
    image: NDArray[Any]
    result: bool = False


@dataclass(frozen=True, eq=False)
class Lines:
    """What is drawn: the iterations, and the loss and the metric of each, NaN where it has none."""

    iterations: NDArray[np.float64]
    loss: NDArray[np.float64]
    metric: NDArray[np.float64]


class History:
    """Follows the unit in progress; with the next unit it begins anew.

    Pictures are spaced evenly: when they take more than they may, every second is dropped, and
    from then on every second one is taken.

    Parameters
    ----------
    budget
        Bytes of pictures that are kept at most.
    """

    def __init__(self, budget: int = BUDGET) -> None:
        self._budget = budget
        self._points: list[Snapshot] = []
        self._offered, self._stride = 0, 1
        self.frames: list[Frame] = []
        self.stopped_at: int | None = None

    @property
    def latest(self) -> Snapshot | None:
        """The last that was heard, without its picture."""
        return self._points[-1] if self._points else None

    def note(self, snapshots: Iterable[Snapshot]) -> None:
        """Take in the numbers."""
        for snapshot in snapshots:
            if self.latest is not None and snapshot.unit != self.latest.unit:
                self._points, self.frames = [], []
                self._offered, self._stride = 0, 1
            self._points.append(replace(snapshot, image=None))
        if len(self._points) > _MOST_POINTS:
            self._points = self._points[1::2]

    def keep(self, snapshot: Snapshot) -> None:
        """Take in a picture, if it is its turn and belongs to the unit in progress."""
        if snapshot.image is None or self.latest is None or snapshot.unit != self.latest.unit:
            return
        self._offered += 1
        if self._offered % self._stride == 0:
            self.add(Frame(snapshot.iteration, snapshot.index, snapshot.image))

    def add(self, frame: Frame) -> None:
        """Take in a picture, and make room for it."""
        self.frames.append(frame)
        while sum(one.image.nbytes for one in self.frames) > self._budget:
            self.frames = self.frames[1::2]
            self._stride *= 2

    def forget_after(self, iteration: int) -> None:
        """Go back to where a run had ended before it was continued."""
        self._points = [point for point in self._points if point.iteration <= iteration]
        self.frames = [frame for frame in self.frames if frame.iteration <= iteration]

    def lines(self) -> Lines:
        """Give the curve, thinned to what can be told apart; the last point is always there."""
        every = -(-len(self._points) // _DRAWN) or 1
        drawn = self._points[::-every][::-1]
        rows = [(one.iteration, one.loss, one.metric) for one in drawn]
        iterations, loss, metric = np.array(rows, float).reshape(-1, 3).T
        return Lines(iterations, _drawable(loss), _drawable(metric))

    @property
    def per_second(self) -> float | None:
        """Iterations a second of late; ``None`` before that can be told."""
        recent: list[Snapshot] = []
        for point in reversed(self._points):
            recent.append(point)
            if recent[0].elapsed_s - point.elapsed_s >= _RECENT_S:
                break
        if not recent or (seconds := recent[0].elapsed_s - recent[-1].elapsed_s) <= 0:
            return None
        return (recent[0].iteration - recent[-1].iteration) / seconds


def _drawable(numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    """Leave out what has no logarithm: a rule that is not ready, or one that only counts."""
    return np.where(np.isfinite(numbers) & (numbers > 0), numbers, np.nan)


def in_words(frame: Frame) -> str:
    """Name a picture."""
    return "result" if frame.result else f"iteration {frame.iteration}"


def inserted(frame: Frame, image: NDArray[Any]) -> NDArray[Any]:
    """Give the image with a picture of a part of it in its place; the image is not changed."""
    if frame.image.shape == image.shape:
        return frame.image
    whole = image.copy()
    whole[frame.index] = frame.image
    return whole


def blended(
    picture: NDArray[Any], image: NDArray[Any], share: float, source: LayerInput
) -> NDArray[Any]:
    """Mix, in the picture's dtype; where the image says nothing, the picture stays."""
    mixed = share * picture.astype(np.float64) + (1 - share) * image.astype(np.float64)
    known = np.isfinite(mixed)
    if source.mask is not None:
        known &= ~(source.mask[..., np.newaxis] if source.rgb else source.mask)
    if picture.dtype.kind not in "fc":
        mixed = np.rint(mixed)
    return np.where(known, mixed, picture).astype(picture.dtype)


def stacked(frames: Sequence[Frame], ndim: int) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """Stack pictures of one part of an image, with all its axes, and tell where the part begins."""
    index = frames[0].index
    index = (*index, *[slice(None)] * (ndim - len(index)))
    widen = tuple(np.newaxis if isinstance(part, int) else slice(None) for part in index)
    start = [part if isinstance(part, int) else part.start or 0 for part in index]
    return np.stack([frame.image for frame in frames])[:, *widen], np.array(start, float)
