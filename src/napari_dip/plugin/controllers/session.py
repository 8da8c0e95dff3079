"""Run one restoration, from Run to its result layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from napari.qt.threading import thread_worker
from napari.utils import progress
from napari.utils.notifications import show_error
from psygnal import Signal
from qtpy.QtCore import QTimer

from napari_dip.image.layout_plan import make_layout
from napari_dip.plaintext import as_html
from napari_dip.plugin.controllers.backups import show_completed
from napari_dip.plugin.controllers.channel import WorkerChannel
from napari_dip.plugin.controllers.finished_run import FinishedRun
from napari_dip.plugin.controllers.result_layer import ResultLayer
from napari_dip.plugin.controllers.worker import deep_image_prior_restoration
from napari_dip.plugin.models.history import History
from napari_dip.plugin.models.plane_states import plane_states, waiting_planes
from napari_dip.plugin.models.run_request import ComputeOptions, RunRequest, rest_request
from napari_dip.plugin.models.stage_progress import Progress
from napari_dip.plugin.models.status_text import (
    ending_text,
    saved_text,
    status_text,
)
from napari_dip.plugin.models.target import Target

if TYPE_CHECKING:
    from napari.layers import Image
    from napari.viewer import Viewer

    from napari_dip.image.restore import Result
    from napari_dip.plugin.models.history import Frame
    from napari_dip.plugin.models.layer_input import LayerInput
    from napari_dip.settings import Settings

    Ending = Literal["done", "stopped", "discarded", "failed"]

__all__ = ["Session"]

# Milliseconds between two looks at the progress. Each change of a text draws napari's whole window
# again, because the canvas uses OpenGL.
POLL_INTERVAL_MS = 250

BAR_FORMAT = "{desc}|{bar}| {elapsed}"

# Qt holds methods of plain objects weakly: without this, a run would end with its panel.
running_sessions: set[Session] = set()


class Session:
    """One restoration of one layer. All methods are called in the main thread.

    Parameters
    ----------
    viewer
        The viewer.
    source
        The input layer.
    settings
        The settings.
    target
        The place of the result.
    compute
        Which processes compute.
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
        source: LayerInput,
        settings: Settings,
        *,
        target: Target | None = None,
        compute: ComputeOptions | None = None,
        keep_history: bool = False,
        earlier: FinishedRun | None = None,
        more: int = 0,
    ) -> None:
        if earlier is not None:
            earlier.reset()
        self._viewer = viewer
        self._source: LayerInput | None = source
        self._earlier = earlier
        self._more, self._keep_history = more, keep_history
        self.history = earlier.history if earlier is not None and more else History()
        self.planes = waiting_planes(make_layout(source.data.shape, settings))
        if earlier is not None and earlier.result.coverage is not None:
            self.planes = self.planes.at_end(earlier.result.coverage)
        self.finished: FinishedRun | None = None
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
        self._bar: progress | None = None
        self._timer = QTimer()
        self._timer.setInterval(POLL_INTERVAL_MS)
        self._timer.timeout.connect(self._report)
        self._reported = Progress()
        self._target, self._compute = target or Target(), compute or ComputeOptions()
        self._settings = settings
        self._placement_note = self._target.placement_note(source)
        self._in_sections = settings.fits_sections
        self._unit: int | None = None
        self._worker = thread_worker(deep_image_prior_restoration)(
            source, settings, self._channel, self._target, self._compute
        )
        # napari asks workers to quit when it closes; a paused run must notice it too.
        self._channel.closing_napari = lambda: bool(self._worker.abort_requested)
        self._worker.yielded.connect(self._update)
        self._worker.finished.connect(self._finish)

    def start(self) -> None:
        """Start the worker thread."""
        running_sessions.add(self)
        # Without the time that is left as tqdm estimates it: from a single step.
        self._bar = progress(total=100, desc=Progress().in_words(), bar_format=BAR_FORMAT)
        self._worker.start()
        self._timer.start()
        self.reported.emit(self._reported)

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
        self._advance_bar(progress)  # last: it processes Qt events, in which the run may end

    def _update_planes(self) -> None:
        if (prepared := self._channel.prepared) is not None:
            self.planes = plane_states(prepared.problem, prepared.output)

    def _advance_bar(self, progress: Progress) -> None:
        """Advance the bar of napari's activity dock."""
        if (bar := self._bar) is None:
            return
        if (words := progress.in_words()) != bar.desc:
            bar.set_description(words)
        percent = int(100 * progress.fraction)
        if self._bar is not None and percent > bar.n:
            bar.update(percent - bar.n)

    def _finish(self) -> None:
        running_sessions.discard(self)
        self._timer.stop()
        if self._bar is not None:
            bar, self._bar = self._bar, None
            bar.close()
        output, source = self._output, self._source
        earlier, self._earlier = self._earlier, None
        self._output = self._source = None
        text = ""
        try:
            if output is not None and source is not None:
                self.history.add_points(self._channel.take()[0])
                text = self._conclude(output, source, earlier)
        finally:
            self._channel.clear()
            if output is not None:
                self.ended.emit(text)

    def _conclude(
        self, output: ResultLayer, source: LayerInput, earlier: FinishedRun | None
    ) -> str:
        """Complete or remove the layer, and return the final status."""
        result = self._channel.result
        if self._channel.cancelled:
            self.ending = "discarded"
            output.remove()
            self.finished = self._earlier_again(earlier)
            in_viewer = earlier is not None and earlier.in_viewer
            back = " The earlier result is shown again." if in_viewer else ""
            return f"Discarded.{back}{self._saved_text()}"
        if result is not None:
            edited = output.layer if output.edited and not output.deleted else None
            self.layer = layer = output.complete(result, source)
            if self._target.path is not None:
                show_completed(self._viewer, self._target.path)
            self.ending = "stopped" if result.stopped_by_user else "done"
            self.history.stopped_at = _stopped_at(result) or self.history.stopped_at
            if result.coverage is not None:
                self.planes = self.planes.at_end(result.coverage)
            self._finish_with(result, source)
            saved = self._saved_text(resumable=result.stopped_by_user)
            text = ending_text(result, "" if output.deleted else layer.name)
            return f"{text}{saved}{self._unchanged_text(output, edited)}"
        failure = self._channel.failure or "The restoration ended without a result."
        self._update_planes()
        self.planes = self.planes.failed()
        prepared, latest = self._channel.prepared, self.history.latest
        kept = None
        if prepared is not None and latest is not None and self._target.path is None:
            kept = prepared.complete_units(latest.elapsed_s)
        if kept is None:
            output.remove()
            self.finished = self._earlier_again(earlier)
        else:
            self.layer = output.complete(kept, source)
            self._finish_with(kept, source)
            failure = f"{failure} {ending_text(kept, self.layer.name)}"
        show_error(as_html(failure))
        return failure

    def _finish_with(self, result: Result, source: LayerInput) -> None:
        """Offer the tools for a result, and restoring the planes that it lacks."""
        if self.layer is None:
            return
        rest = None
        if (prepared := self._channel.prepared) is not None:
            request = RunRequest(source, self._settings, self._target, self._compute)
            rest = rest_request(request, result, prepared.output)
        self.finished = FinishedRun(self._viewer, self.layer, source, result, self.history, rest)
        if self._keep_history and self.finished.has_frames and self.finished.in_viewer:
            self.finished.keep_history(visible=False)

    def _earlier_again(self, earlier: FinishedRun | None) -> FinishedRun | None:
        """Return the result that the run would have continued or resumed."""
        return earlier.without_continuation() if earlier is not None and self._more else earlier

    def _unchanged_text(self, output: ResultLayer, edited: Image | None) -> str:
        """Say where the result is, if the user deleted its layer or replaced its pixels."""
        if edited is not None:
            return f" The pixels of '{edited.name}' were replaced during the run and are kept."
        if not output.deleted:
            return ""
        return " The layer was deleted during the run: press Add the result to show it."

    def _saved_text(self, *, resumable: bool = False) -> str:
        """Say what is saved on disk."""
        if self._target.path is None or self._channel.initial is None:
            return ""
        saved = saved_text(self._target.path, resumable=resumable, in_sections=self._in_sections)
        notes = (saved, self._target.note, self._placement_note)
        return "".join(f" {note}" for note in notes if note)


def _shown(progress: Progress) -> tuple[Any, ...]:
    """Return what the panel shows of a progress: percents and whole seconds."""
    return progress.in_words(), int(100 * progress.fraction), int(progress.elapsed_s)


def _stopped_at(result: Result) -> int | None:
    """Return the iteration at which the stopping rule ended the only unit; else ``None``."""
    match result.reports:
        case [report] if report.stopped_early:
            return report.iterations
    return None
