"""One run, from the press of Run to the layer that stays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from napari.qt.threading import thread_worker
from napari.utils import progress
from napari.utils.notifications import show_error
from psygnal import Signal

from napari_dip.image.plan_text import alignment, duration, gigabytes
from napari_dip.plaintext import as_html
from napari_dip.plugin.controllers.backups import follow
from napari_dip.plugin.controllers.finished_run import Afterwards
from napari_dip.plugin.controllers.result_layer import Output
from napari_dip.plugin.controllers.worker import Exchange, deep_image_prior_restoration
from napari_dip.plugin.models.history import History
from napari_dip.plugin.models.run_request import Machines
from napari_dip.plugin.models.target import Target

if TYPE_CHECKING:
    from napari.layers import Image
    from napari.viewer import Viewer

    from napari_dip.image.restore import Result, Snapshot
    from napari_dip.plugin.models.history import Frame
    from napari_dip.plugin.models.layer_input import LayerInput
    from napari_dip.settings import Settings

__all__ = ["Session"]

# Qt holds the methods of a plain object weakly: a run whose panel is gone would end unattended.
_running: set[Session] = set()


class Session:
    """One restoration of one layer; everything here happens in the main thread.

    Parameters
    ----------
    viewer
        Where the output goes.
    source
        The layer to restore, as it was read.
    settings
        What to do with it.
    target
        Where the result is kept.
    machines
        Who restores.
    keep_previews
        Whether each preview stays as a layer of its own.
    earlier, more
        A result to be continued, and by how many iterations.

    Attributes
    ----------
    history
        What it has been through so far.
    outcome
        What can be done with the result, once there is one.
    ending
        How it ended: ``"done"``, ``"stopped"``, ``"discarded"`` or ``"failed"``.
    layer
        The layer of the result, once there is one.
    looking_back
        The picture that is shown in place of the latest.
    """

    progressed = Signal(str)
    advanced = Signal()
    ended = Signal(str)

    def __init__(
        self,
        viewer: Viewer,
        source: LayerInput,
        settings: Settings,
        *,
        target: Target | None = None,
        machines: Machines | None = None,
        keep_previews: bool = False,
        earlier: Afterwards | None = None,
        more: int = 0,
    ) -> None:
        if earlier is not None:
            earlier.settle()
        self._viewer = viewer
        self._source: LayerInput | None = source
        self._earlier = earlier
        self.history = History() if earlier is None else earlier.history
        self.outcome: Afterwards | None = None
        self.layer: Image | None = None
        self.ending = "failed"
        self.looking_back: Frame | None = None
        layer = None if earlier is None or earlier.edited else earlier.layer
        self._output: Output | None = Output(viewer, keep_previews=keep_previews, earlier=layer)
        self._showing = False
        self._exchange = Exchange()
        if earlier is not None:
            self._exchange.earlier, self._exchange.more = earlier.result, more
            self.history.add(earlier.outcome)
        self._progress: progress | None = None
        self._target = target or Target()
        self._unsaid = self._target.unsaid(source)
        self._in_sections = settings.fits_sections
        self._unit: int | None = None
        self._worker = thread_worker(deep_image_prior_restoration)(
            source, settings, self._exchange, self._target, machines or Machines()
        )
        # napari lets workers quit when it closes; a run that is paused yields to no worker.
        self._exchange.leaving = lambda: bool(self._worker.abort_requested)
        self._worker.yielded.connect(self._show)
        self._worker.finished.connect(self._finish)

    def start(self) -> None:
        """Begin, in a thread of its own."""
        _running.add(self)
        self._progress = progress(total=0, desc="getting ready")
        self._worker.start()

    @property
    def paused(self) -> bool:
        """Whether it waits to go on."""
        return not self._exchange.going.is_set()

    def pause(self) -> None:
        """Hold on at the next iteration."""
        self._exchange.going.clear()

    def resume(self) -> None:
        """Go on after a pause."""
        self._exchange.going.set()

    def look_back(self, frame: Frame | None) -> None:
        """Show an earlier picture in the layer, or the latest again."""
        self.looking_back = frame
        if self._output is not None:
            self._output.look_back(frame)

    def stop(self) -> None:
        """Come to an end and keep the best so far."""
        self._exchange.stopping.set()

    def discard(self) -> None:
        """Come to an end, and take the output away at once."""
        self._exchange.discarding.set()
        if self._output is not None:
            self._output.remove()

    def abandon(self) -> None:
        """Come to an end, because the window is gone; nothing of it is touched any more."""
        self._exchange.discarding.set()
        if self._output is not None:
            self._output.let_go()
        self._output = None

    def _show(self) -> None:
        # napari's progress bar handles events, the next of these among them: one is enough.
        if self._showing:
            return
        self._showing = True
        try:
            self._show_latest()
        finally:
            self._showing = False

    def _show_latest(self) -> None:
        latest, picture = self._exchange.fetch()
        if self._output is None or self._exchange.unwanted or latest is None:
            return
        self.history.note(self._exchange.numbers())
        if picture is not None:
            self.history.keep(picture)
        begun, moved = self._exchange.begun, latest.unit != self._unit
        if begun is not None and (picture is not None or moved):
            self._unit = latest.unit
            self._output.refine(begun, picture or latest)
        if not self._exchange.stopping.is_set():
            self.progressed.emit(self._in_full(latest))
        self.advanced.emit()
        self._advance(latest)  # last, because the run may have ended before it returns

    def _advance(self, latest: Snapshot) -> None:
        if (bar := self._progress) is None:
            return
        bar.total = latest.units * latest.iterations
        bar.set_description(_in_words(latest))
        if self._progress is not None:  # else the run has ended in the meantime
            bar.update(max(0, latest.unit * latest.iterations + latest.iteration - bar.n))

    def _in_full(self, latest: Snapshot) -> str:
        """Say how far it is, how fast, and where."""
        speed = self.history.per_second
        parts = [
            f"{'Paused at ' * self.paused}{_in_words(latest)}",
            *([] if speed is None else [f"{speed:.3g} iterations/s"]),
        ]
        if self._exchange.place:
            parts.append(f"{self._exchange.place}, {gigabytes(self._exchange.used_bytes)}")
        return "; ".join(parts)

    def _finish(self) -> None:
        _running.discard(self)
        if self._progress is not None:
            bar, self._progress = self._progress, None
            bar.close()
        output, source = self._output, self._source
        earlier, self._earlier = self._earlier, None
        self._output = self._source = None
        words = ""
        try:
            if output is not None and source is not None:
                self.history.note(self._exchange.numbers())
                words = self._conclude(output, source, earlier)
        finally:
            self._exchange.clear()
            if output is not None:
                self.ended.emit(words)

    def _conclude(self, output: Output, source: LayerInput, earlier: Afterwards | None) -> str:
        """Do with the output what the end calls for, and say so."""
        result = self._exchange.result
        if self._exchange.unwanted:
            self.ending = "discarded"
            output.remove()
            self.outcome = None if earlier is None else earlier.as_it_was()
            there = earlier is not None and earlier.is_there
            back = " The result before is back." if there else ""
            return f"Discarded.{back}{self._kept()}"
        if result is not None:
            edited = output.layer if output.edited and not output.deleted else None
            self.layer = layer = output.complete(result, source)
            if self._target.path is not None:
                follow(self._viewer, self._target.path)
            self.ending = "stopped" if result.stopped_by_user else "done"
            self.history.stopped_at = _stopped_at(result) or self.history.stopped_at
            if isinstance(result.image, np.ndarray):  # what lies on disk is not taken in hand
                self.outcome = Afterwards(self._viewer, layer, source, result, self.history)
            rest = self._kept(to_do=True) if result.stopped_by_user else self._kept()
            said = _ending(result, "" if output.deleted else layer.name)
            return f"{said}{rest}{self._left_unchanged(output, edited)}"
        output.remove()
        self.outcome = None if earlier is None else earlier.as_it_was()
        failure = self._exchange.failure or "The restoration ended without a result."
        show_error(as_html(failure))
        return failure

    def _left_unchanged(self, output: Output, edited: Image | None) -> str:
        """Say where the result is, if the user deleted its layer or replaced its pixels."""
        if edited is not None:
            return f" The pixels of '{edited.name}' were replaced during the run and are kept."
        if not output.deleted:
            return ""
        if self.outcome is not None:
            return " Its layer was deleted during the run: press Add the result to have it."
        return " Its layer was deleted during the run: open the file to see it."

    def _kept(self, *, to_do: bool = False) -> str:
        """Say what stays on the disk."""
        if self._target.path is None or self._exchange.begun is None:
            return ""
        from napari_dip.files.output_folder import working_folder

        cure = "; press Run to go on with it" if to_do else ""
        if to_do and self._in_sections:
            cure += ", for it is empty until all of its sections are there"
        where = f"What was restored is in {self._target.path.name}{cure}."
        if working_folder(self._target.path) != self._target.path:
            name = self._target.path.name
            where = f"What was restored is beside {name}, where the earlier result still is{cure}."
        return "".join(f" {words}" for words in (where, self._target.note, self._unsaid) if words)


def _in_words(snapshot: Snapshot) -> str:
    part = f"{snapshot.part}, " if snapshot.part else ""
    return (
        f"{part}iteration {snapshot.iteration} of {snapshot.iterations}, "
        f"loss {snapshot.loss:.2g}, at most {duration(snapshot.remaining_s)} left"
    )


def _stopped_at(result: Result) -> int | None:
    """Tell where the rule said stop, if it was the rule, and of all that was restored."""
    if len(result.reports) != 1 or result.stopped_by_user:
        return None
    (report,) = result.reports
    all_done = report.reason.startswith(("all ", "continued"))
    return None if all_done else report.iterations


def _ending(result: Result, name: str) -> str:
    how = "Stopped" if result.stopped_by_user else "Done"
    coverage = result.coverage
    match result.reports:
        case _ if coverage is not None and not coverage.complete:
            what = coverage.in_words()
        case []:
            what = "the image is constant and stays as it is"
        case [report]:
            plural = "" if report.iterations == 1 else "s"
            what = f"{report.iterations} iteration{plural}, {report.reason}"
        case _:
            what = "all is restored" if coverage is None else coverage.in_words()
    see = f" See '{name}'." if name else ""
    return f"{how} in {duration(result.elapsed_s)}: {what}{alignment(result)}.{see}"
