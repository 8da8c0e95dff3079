"""Keep the curve of a run, and frames of its image at earlier iterations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from napari_dip.plugin.models.layer_input import LayerInput
    from napari_dip.progress import Snapshot

__all__ = [
    "FIRST_ESTIMATE",
    "Curve",
    "Frame",
    "History",
    "blend",
    "frame_name",
    "insert_frame",
    "stack_frames",
]

FIRST_ESTIMATE = "first estimate"
"""Name of an image before the fit."""

MAX_FRAME_BYTES = 256_000_000  # bytes: memory for the frames of one run

MAX_POINTS = 4000  # points of the curve that are kept; beyond, every second one is dropped
DRAWN_POINTS = 400  # points of the curve that are drawn: the panel is not wider in pixels

SPEED_WINDOW_S = 3.0  # seconds over which the speed is averaged


@dataclass(frozen=True, eq=False)
class Frame:
    """The image at one iteration: ``output[index] = image``.

    ``result`` is true for the outcome of a run, which is filtered after the last iteration.
    """

    iteration: int
    index: tuple[int | slice, ...]
    image: NDArray[Any]
    result: bool = False


@dataclass(frozen=True, eq=False)
class Curve:
    """The iterations with their loss and noise criterion; NaN where there is none."""

    iterations: NDArray[np.float64]
    loss: NDArray[np.float64]
    criterion: NDArray[np.float64]


class History:
    """Keep the points and frames of the current unit; a new unit starts a new history.

    Frames are evenly spaced. When they need too much memory, every second frame is dropped, and
    only every second new frame is kept.

    Parameters
    ----------
    max_bytes
        Memory for the frames.
    """

    def __init__(self, max_bytes: int = MAX_FRAME_BYTES) -> None:
        self._max_bytes = max_bytes
        self._points: list[Snapshot] = []
        self._offered, self._stride = 0, 1
        self.frames: list[Frame] = []
        self.stopped_at: int | None = None

    @property
    def latest(self) -> Snapshot | None:
        """The latest snapshot, without its image."""
        return self._points[-1] if self._points else None

    def add_points(self, snapshots: Iterable[Snapshot]) -> None:
        """Add snapshots to the curve."""
        for snapshot in snapshots:
            if self.latest is not None and snapshot.unit != self.latest.unit:
                self._points, self.frames = [], []
                self._offered, self._stride = 0, 1
            self._points.append(snapshot.without_image())
        if len(self._points) > MAX_POINTS:
            self._points = self._points[1::2]

    def add_preview(self, snapshot: Snapshot) -> None:
        """Add the image of a snapshot, if its turn has come and it is of the current unit."""
        if snapshot.image is None or self.latest is None or snapshot.unit != self.latest.unit:
            return
        self._offered += 1
        if self._offered % self._stride == 0:
            self.add_frame(Frame(snapshot.iteration, snapshot.index, snapshot.image))

    def add_frame(self, frame: Frame) -> None:
        """Add a frame, and drop others to stay within the memory limit."""
        self.frames.append(frame)
        while sum(one.image.nbytes for one in self.frames) > self._max_bytes:
            self.frames = self.frames[1::2]
            self._stride *= 2

    def truncate(self, iteration: int) -> None:
        """Remove all points and frames after an iteration."""
        self._points = [point for point in self._points if point.iteration <= iteration]
        self.frames = [frame for frame in self.frames if frame.iteration <= iteration]

    def curve(self) -> Curve:
        """Return the curve with at most a few hundred points; the last one is included."""
        every = -(-len(self._points) // DRAWN_POINTS) or 1
        drawn = self._points[::-every][::-1]
        rows = [(one.iteration, one.loss, one.metric) for one in drawn]
        iterations, loss, criterion = np.array(rows, float).reshape(-1, 3).T
        return Curve(iterations, _positive(loss), _positive(criterion))

    @property
    def per_second(self) -> float | None:
        """Iterations per second in the last seconds; ``None`` while it is not known."""
        recent: list[Snapshot] = []
        for point in reversed(self._points):
            recent.append(point)
            if recent[0].elapsed_s - point.elapsed_s >= SPEED_WINDOW_S:
                break
        if not recent or (seconds := recent[0].elapsed_s - recent[-1].elapsed_s) <= 0:
            return None
        return (recent[0].iteration - recent[-1].iteration) / seconds


def frame_name(frame: Frame) -> str:
    """Name a frame by its iteration; one before the fit is a first estimate."""
    if frame.result:
        return "result"
    return f"iteration {frame.iteration}" if frame.iteration else FIRST_ESTIMATE


def insert_frame(frame: Frame, image: NDArray[Any]) -> NDArray[Any]:
    """Return the image with a frame in its place; the image itself does not change."""
    if frame.image.shape == image.shape:
        return frame.image
    whole = image.copy()
    whole[frame.index] = frame.image
    return whole


def blend(
    restored: NDArray[Any], image: NDArray[Any], weight: float, source: LayerInput
) -> NDArray[Any]:
    """Average a restored image with its input, in the dtype of the restored image.

    Missing pixels of the input stay as they are restored.

    Parameters
    ----------
    restored, image
        Two arrays of one shape.
    weight
        The weight of the restored image, from 0 to 1.
    source
        The input layer, for its mask.
    """
    mixed = weight * restored.astype(np.float64) + (1 - weight) * image.astype(np.float64)
    known = np.isfinite(mixed)
    if source.mask is not None:
        known &= ~(source.mask[..., np.newaxis] if source.rgb else source.mask)
    if restored.dtype.kind not in "fc":
        mixed = np.rint(mixed)
    return np.where(known, mixed, restored).astype(restored.dtype)


def stack_frames(frames: Sequence[Frame], ndim: int) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """Stack frames of one part of an image, and return the first pixel of the part too."""
    index = frames[0].index
    index = (*index, *[slice(None)] * (ndim - len(index)))
    widen = tuple(np.newaxis if isinstance(part, int) else slice(None) for part in index)
    start = [part if isinstance(part, int) else part.start or 0 for part in index]
    return np.stack([np.asarray(frame.image) for frame in frames])[:, *widen], np.array(
        start, float
    )


def _positive(numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    """Replace numbers that have no logarithm by NaN."""
    return np.where(np.isfinite(numbers) & (numbers > 0), numbers, np.nan)
