"""Run one restoration, from Run to its result layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari.qt.threading import thread_worker
from psygnal import Signal
from qtpy.QtCore import QTimer

from napari_dip.plugin.controllers.activity_bar import ActivityBar
from napari_dip.plugin.controllers.channel import WorkerChannel
from napari_dip.plugin.controllers.conclusion import EndedRun
from napari_dip.plugin.controllers.result_layer import ResultLayer
from napari_dip.plugin.controllers.worker import deep_image_prior_restoration
from napari_dip.plugin.models.history import History
from napari_dip.plugin.models.plane_states import plane_states, waiting_planes
from napari_dip.plugin.models.stage_progress import Progress
from napari_dip.plugin.models.status_text import status_text

if TYPE_CHECKING:
    from napari.layers import Image
    from napari.viewer import Viewer

    from napari_dip.plugin.controllers.conclusion import Ending
    from napari_dip.plugin.controllers.finished_run import FinishedRun
    from napari_dip.plugin.models.history import Frame
    from napari_dip.plugin.models.run_request import RunRequest

__all__ = ["Session"]

# Milliseconds between two looks at the progress. Each change of a text draws napari's whole window
# again, because the canvas uses OpenGL.
POLL_INTERVAL_MS = 250

# Qt holds methods of plain objects weakly: without this, a run would end with its panel.
running_sessions: set[Session] = set()


class Session:
    """One restoration of one layer. All methods are called in the main thread.

    Parameters
    ----------
    viewer
        The viewer.
    request
        The input layer, the settings, the place of the result, and which processes compute.
    keep_history
        Whether all previews are added as one layer at the end.
    earlier, more
        A result to continue, and the number of iterations; 0 to restore the planes that it lacks,
        with its ``rest`` as the request.

    Attributes
    ----------
    history
        The curve and the frames so far.
    finished
        The result and what can be done with it, at the end.
    rest
        The request that restores the planes which a failed run has left on disk, at its end;
        ``None`` if there are none.
    ending
        How the run ended: ``"done"``, ``"stopped"``, ``"discarded"`` or ``"failed"``.
    layer
        The layer of the result, at the end.
    planes
        The state of each plane.
    shown_frame
        The earlier frame that is shown in place of the latest image.
    """

    progressed = Signal(str)
    reported = Signal(Progress)
    advanced = Signal()
    ended = Signal(str)

    def __init__(
        self,
        viewer: Viewer,
        request: RunRequest,
        *,
        keep_history: bool = False,
        earlier: FinishedRun | None = None,
        more: int = 0,
    ) -> None:
        if earlier is not None:
            earlier.reset()
        self._viewer = viewer
        self._request: RunRequest | None = request
        self._earlier = earlier
        self._more, self._keep_history = more, keep_history
        self.history = earlier.history if earlier is not None and more else History()
        self.planes = waiting_planes(request.layout)
        if earlier is not None and earlier.result.coverage is not None:
            self.planes = self.planes.at_end(earlier.result.coverage)
        self.finished: FinishedRun | None = None
        self.rest: RunRequest | None = None
        self.layer: Image | None = None
        self.ending: Ending = "failed"
        self.shown_frame: Frame | None = None
        layer = None if earlier is None or earlier.edited else earlier.layer
        self._output: ResultLayer | None = ResultLayer(viewer, earlier=layer)
        self._updating = False
        self._channel = WorkerChannel()
        if earlier is not None and more:
            self._channel.earlier, self._channel.more = earlier.result, more
            self.history.add_frame(earlier.outcome)
        self._bar: ActivityBar | None = None
        self._timer = QTimer()
        self._timer.setInterval(POLL_INTERVAL_MS)
        self._timer.timeout.connect(self._report)
        self._reported = Progress()
        self._unit: int | None = None
        self._worker = thread_worker(deep_image_prior_restoration)(
            request.source, request.settings, self._channel, request.target, request.compute
        )
        # napari asks workers to quit when it closes; a paused run must notice it too.
        self._channel.closing_napari = lambda: bool(self._worker.abort_requested)
        self._worker.yielded.connect(self._update)
        self._worker.finished.connect(self._finish)

    def start(self) -> None:
        """Start the worker thread."""
        running_sessions.add(self)
        self._bar = ActivityBar(self._reported)
        self._worker.start()
        self._timer.start()
        self.reported.emit(self._reported)

    @property
    def compared(self) -> tuple[Image | None, Image | None]:
        """The layers of the input and of the previews; ``None`` while there is none."""
        layer = None if self._output is None else self._output.layer
        if layer is None or self._request is None:
            return None, None
        return self._request.source.layer(), layer

    @property
    def paused(self) -> bool:
        """Whether the run is paused."""
        return not self._channel.running.is_set()

    def pause(self) -> None:
        """Pause at the next iteration."""
        self._channel.running.clear()

    def resume(self) -> None:
        """Continue after a pause."""
        self._channel.running.set()

    def show_frame(self, frame: Frame | None) -> None:
        """Show an earlier frame in the layer, or the latest image again."""
        self.shown_frame = frame
        if self._output is not None:
            self._output.show_frame(frame)

    def stop(self) -> None:
        """End the run and keep the best result so far."""
        self._channel.stopping.set()

    def discard(self) -> None:
        """End the run and remove its layer at once."""
        self._channel.discarding.set()
        if self._output is not None:
            self._output.remove()

    def abandon(self) -> None:
        """End the run without touching the viewer, because its window is closed."""
        self._channel.discarding.set()
        if self._output is not None:
            self._output.release()
        self._output = None

    def _update(self) -> None:
        # napari's progress bar processes Qt events, which may call this method again.
        if self._updating:
            return
        self._updating = True
        try:
            self._show_latest()
        finally:
            self._updating = False

    def _show_latest(self) -> None:
        points, with_image = self._channel.take()
        if self._output is None or self._channel.cancelled or not points:
            return
        latest = points[-1]
        self.history.add_points(points)
        if with_image is not None:
            self.history.add_preview(with_image)
        initial, new_unit = self._channel.initial, latest.unit != self._unit
        if initial is not None and (with_image is not None or new_unit):
            self._unit = latest.unit
            self._output.update(initial, with_image or latest)
        self.advanced.emit()

    def _report(self) -> None:
        """Report the progress if a text that shows it has changed."""
        channel, progress = self._channel, self._channel.progress.now()
        if self._output is None or channel.cancelled:
            return
        self._update()  # a preview before a long filter
        before, self._reported = self._reported, progress
        if _shown(progress) == _shown(before):
            return
        self._update_planes()
        self.reported.emit(progress)
        if not (channel.stopping.is_set() or self.paused):
            latest, speed = self.history.latest, self.history.per_second
            self.progressed.emit(
                status_text(latest, progress.remaining_s, speed, channel.device, channel.used_bytes)
            )
        if self._bar is not None:
            self._bar.advance(progress)  # last: the run may end in it

    def _update_planes(self) -> None:
        if (prepared := self._channel.prepared) is not None:
            self.planes = plane_states(prepared.problem, prepared.output)

    def _finish(self) -> None:
        running_sessions.discard(self)
        self._timer.stop()
        if self._bar is not None:
            self._bar.close()
        output, request, earlier = self._output, self._request, self._earlier
        self._output = self._request = self._earlier = None
        text = ""
        try:
            if output is not None and request is not None:
                self.history.add_points(self._channel.take()[0])
                text = self._conclude(output, request, earlier)
        finally:
            self._channel.clear()
            if output is not None:
                self.ended.emit(text)

    def _conclude(
        self, output: ResultLayer, request: RunRequest, earlier: FinishedRun | None
    ) -> str:
        """Complete or remove the layer, and return the final status."""
        channel, continued = self._channel, self._more > 0
        ended = EndedRun(self._viewer, request, self.history, channel, earlier, continued)
        conclusion = ended.conclude(output)
        self.ending = conclusion.ending
        self.layer, self.finished = conclusion.layer, conclusion.finished
        self.rest = conclusion.rest
        if self.ending == "failed":
            self._update_planes()
            self.planes = self.planes.failed()
        elif (result := channel.result) is not None and result.coverage is not None:
            self.planes = self.planes.at_end(result.coverage)
        finished = self.finished if self.layer is not None else None
        if self._keep_history and finished and finished.has_frames and finished.in_viewer:
            finished.keep_history(visible=False)
        return conclusion.text


def _shown(progress: Progress) -> tuple[Any, ...]:
    """Return what the panel shows of a progress: percents and whole seconds."""
    return progress.in_words(), int(100 * progress.fraction), int(progress.elapsed_s)
