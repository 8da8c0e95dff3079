"""Check, start, pause and end the runs of one panel."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from napari.utils.notifications import show_error, show_info
from psygnal import Signal

from napari_dip.errors import NapariDipError
from napari_dip.plaintext import as_html
from napari_dip.plugin.controllers.batch import Batch
from napari_dip.plugin.controllers.file_batch import FileBatch
from napari_dip.plugin.controllers.run_estimate import Estimate, Estimator
from napari_dip.plugin.controllers.session import Session
from napari_dip.plugin.models.folder_content import batch_request
from napari_dip.plugin.models.run_request import ComputeOptions, RunRequest, copy_pixels
from napari_dip.plugin.models.stage_progress import Progress
from napari_dip.plugin.models.target import Target
from napari_dip.plugin.models.trial import Trial, trial_request

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.layers import Image
    from napari.viewer import Viewer
    from qtpy.QtCore import QObject

    from napari_dip.plugin.controllers.finished_run import FinishedRun
    from napari_dip.plugin.controllers.run_form import RunForm
    from napari_dip.plugin.models.request_template import LayerReader, RequestTemplate

__all__ = ["RunController"]

PAUSED = "Paused: "

BUSY = "Another run is in progress: wait for its end, or stop it."


class RunController:
    """Own the session, the batch, the trial and the estimate of one panel.

    Parameters
    ----------
    viewer
        The viewer.
    form
        The controls of the panel.
    parent
        The widget of the panel, which ends this object too.

    Attributes
    ----------
    session
        The run in progress, or ``None``.
    trial
        The last trial that ended with a result, or ``None``.
    batch
        The layers to restore one after another.
    files
        The image files to restore one after another.
    """

    status_changed = Signal(str)
    progress_changed = Signal(Progress)
    estimate_changed = Signal(str)
    actions_changed = Signal(frozenset)
    """The names of the buttons that are enabled."""
    session_started = Signal(Session)
    session_ended = Signal(Session)

    def __init__(self, viewer: Viewer, form: RunForm, parent: QObject) -> None:
        self._viewer, self._form = viewer, form
        self.session: Session | None = None
        self.trial: Trial | None = None
        self._trial_input: tuple[Image, LayerReader] | None = None
        self._obstacle = ""
        self._status = ""
        self.batch = Batch(viewer, form.template, self._run_batch_item, parent)
        self.files = FileBatch(form.file_job)
        for one in (self.batch, self.files):
            one.message.connect(self.say)
        self.files.reported.connect(self.progress_changed)
        self.files.started.connect(self._follow_files)
        self.files.ended.connect(self._allow_start)
        self._estimator = Estimator(parent)
        self._estimator.estimated.connect(self._show_estimate)

    def say(self, text: str) -> None:
        """Set the status text."""
        self._status = text
        self.status_changed.emit(text)

    def check(self) -> None:
        """Check whether a run is possible with the current controls, and estimate its cost."""
        try:
            layer = self._form.input_layer()
            self._form.propose_target(layer)
            request = self._form.template().for_layer(layer)
            if self._form.choose_target(too_large=request.too_large):
                request = self._form.template().for_layer(layer)
        except NapariDipError as error:
            self.block(str(error))
        else:
            self._set_obstacle("")
            self._estimator.request(request)

    def block(self, reason: str) -> None:
        """Say why no run is possible, and disable its buttons."""
        self._set_obstacle(reason)
        self._estimator.request(None)

    def run(self) -> None:
        """Restore the chosen image."""
        self._attempt(
            lambda: self._form.template().for_layer(self._form.input_layer(), read_mask=True)
        )

    def run_trial(self) -> None:
        """Restore a part of the chosen image; the result stays in memory."""

        def prepare() -> RunRequest:
            layer, template = self._form.input_layer(), self._form.template()
            mask_source = template.reader.mask_source
            mask = None if mask_source is None else mask_source.layer
            request = template.for_layer(layer, read_mask=True)
            return trial_request(request, layer, self._viewer, mask)

        self._attempt(prepare)

    def apply_trial(self) -> None:
        """Restore the whole layer of the last trial with the settings of the trial."""
        trial = self.trial
        if trial is None:
            return
        if trial.layer not in self._viewer.layers:
            self.say(f"The layer '{trial.layer.name}' was deleted: choose another image.")
            return
        self._form.choose_image(trial.layer)

        def prepare() -> RunRequest:
            template = replace(
                self._form.template(), reader=trial.reader, settings=trial.settings_for_whole()
            )
            return template.for_layer(trial.layer, read_mask=True)

        self._attempt(prepare)

    def continue_run(self, finished: FinishedRun, more: int) -> None:
        """Continue a result by some iterations."""
        if self._refuse_second_run():
            return
        request = RunRequest(finished.source, finished.result.settings, Target(), ComputeOptions())
        self._start(Session(self._viewer, request, earlier=finished, more=more))
        self.say(f"Continuing '{finished.layer.name}' …")

    def resume_rest(self, rest: RunRequest, finished: FinishedRun | None) -> None:
        """Restore the planes that a run has left; ``finished`` has the others, if it has them."""
        if self._refuse_second_run():
            return
        own = finished is not None and finished.rest is rest
        self._start(Session(self._viewer, rest, earlier=finished if own else None))
        self.say(f"Resuming '{finished.layer.name if finished and own else rest.source.name}' …")

    def pause(self) -> None:
        """Pause the run."""
        if (run := self._run) is not None:
            run.pause()
            self._allow("resume", "stop", *self._discard)
            self.say(f"{PAUSED}{self._status}")

    def resume(self) -> None:
        """Continue the run after a pause."""
        if (run := self._run) is not None:
            self._allow("pause", "stop", *self._discard)
            self.say(self._status.removeprefix(PAUSED))
            run.resume()

    def stop(self) -> None:
        """End the run and keep the best result so far."""
        if self.files.running:
            self._allow()
            self.files.stop()
        elif self.session is not None:
            self._allow("discard")
            self.say("Stopping: the best result so far is kept …")
            self.session.stop()

    def discard(self) -> None:
        """End the run without a result."""
        if self.session is not None:
            self._allow()
            self.say("Discarding …")
            self.session.discard()

    def abandon(self) -> None:
        """End the run without touching the viewer."""
        self.files.abandon()
        if self.session is not None:
            self.session.abandon()

    def close(self) -> None:
        """Stop the run when its panel is closed; the best result so far is kept."""
        if self.files.running:
            show_info("The panel was closed: the batch stops, and results that are done stay.")
            self.files.abandon()
        if self.session is not None:
            show_info("The panel was closed: the run stops, and its best result so far is kept.")
            self.batch.finish_current("discarded", "The panel was closed.")
            self.session.stop()

    def _run_batch_item(self, layer: Image, template: RequestTemplate) -> None:
        try:
            problem = self._attempt(partial(batch_request, template, layer), ask=False)
        except Exception as error:
            # The other layers of the batch must run, whatever the error is.
            self.batch.finish_current("failed", f"{type(error).__name__}: {error}")
            raise
        if problem:
            self.batch.finish_current("failed", problem)

    def _attempt(self, prepare: Callable[[], RunRequest], *, ask: bool = True) -> str:
        """Start a run, or return why there is none."""
        if self._refuse_second_run():
            return BUSY
        try:
            prepared = prepare()
            request = self._form.ask_about_folder(prepared) if ask else prepared
        except NapariDipError as error:
            self.say(str(error))
            show_error(as_html(error))
            return str(error)
        if request is None:
            return "The run was not started."
        self._start_request(request)
        return ""

    def _start_request(self, request: RunRequest) -> None:
        copied = replace(request, source=copy_pixels(request.source))
        self._start(Session(self._viewer, copied, keep_history=self._form.keep_history))
        self._trial_input = None
        if request.source.part:
            self._trial_input = self._form.input_layer(), self._form.template().reader
        text = f"Starting '{request.source.name}' … {request.target.note}"
        if request.target.resume:
            _, without_control = self._form.set_controls(request.settings, {})
            text = f"Resuming '{request.source.name}' with the settings of that run …"
            if without_control:
                text += f" There is no control for {', '.join(without_control)}."
        self.say(text.strip())

    def _start(self, session: Session) -> None:
        self.session = session
        session.ended.connect(self._finish)
        session.progressed.connect(self.say)
        session.reported.connect(self.progress_changed)
        self.session_started.emit(session)
        self._set_busy(busy=True)
        self._allow("pause", "stop", "discard")
        session.start()

    @property
    def _run(self) -> Session | FileBatch | None:
        """The run in progress."""
        return self.files if self.files.running else self.session

    @property
    def _busy(self) -> bool:
        """Whether a run is in progress."""
        return self._run is not None

    def _refuse_second_run(self) -> bool:
        """Say that a run is in progress, if one is."""
        if self._busy:
            self.say(BUSY)
        return self._busy

    @property
    def _discard(self) -> list[str]:
        """The name of the button that discards the run in progress, if that is possible."""
        return [] if self.files.running else ["discard"]

    def _follow_files(self) -> None:
        self._set_busy(busy=True)
        self._allow("pause", "stop")

    def _set_busy(self, *, busy: bool) -> None:
        """Let only one run be in progress."""
        self.batch.set_busy(busy=busy)
        self.files.allow(allowed=not busy)

    def _finish(self, text: str) -> None:
        session, self.session = self.session, None
        if session is None:
            return
        self._remember_trial(session.finished)
        self._allow_start()
        self.session_ended.emit(session)
        self.say(text)
        self.batch.finish_current(session.ending, text)

    def _remember_trial(self, finished: FinishedRun | None) -> None:
        trial_input, self._trial_input = self._trial_input, None
        if trial_input is not None and finished is not None and finished.result.reports:
            layer, reader = trial_input
            self.trial = Trial(layer, finished.layer, reader)

    def _show_estimate(self, estimate: Estimate) -> None:
        if estimate.possible:
            self.estimate_changed.emit(estimate.text)
        else:
            self._set_obstacle(estimate.text)

    def _set_obstacle(self, reason: str) -> None:
        if reason or self._obstacle:  # an obstacle that is gone is not shown any more
            self.estimate_changed.emit(reason)
        self._obstacle = reason
        if not self._busy:
            self._allow_start()

    def _allow_start(self) -> None:
        """Enable the buttons that start a run, unless there is an obstacle."""
        starts = [] if self._obstacle else ["run", "try_here"]
        if starts and self.trial is not None:
            starts.append("apply_to_stack")
        self._allow(*starts)
        self._set_busy(busy=False)

    def _allow(self, *names: str) -> None:
        self.actions_changed.emit(frozenset(names))
