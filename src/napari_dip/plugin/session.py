"""One run, from the press of Run to the layer that stays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari.qt.threading import thread_worker
from napari.utils import progress
from napari.utils.notifications import show_error, show_info
from psygnal import Signal

from napari_dip.plugin.exchange import Exchange, deep_image_prior_restoration
from napari_dip.plugin.output import Output

if TYPE_CHECKING:
    from napari.viewer import Viewer

    from napari_dip.plugin.layers import LayerInput
    from napari_dip.settings import Settings
    from napari_dip.stack.restore import Result, Snapshot

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
    keep_previews
        Whether each preview stays as a layer of its own.
    """

    progressed = Signal(str)
    ended = Signal(str)

    def __init__(
        self,
        viewer: Viewer,
        source: LayerInput,
        settings: Settings,
        *,
        keep_previews: bool = False,
    ) -> None:
        self._source: LayerInput | None = source
        self._output: Output | None = Output(viewer, keep_previews=keep_previews)
        self._exchange = Exchange()
        self._progress: progress | None = None
        self._worker = thread_worker(deep_image_prior_restoration)(
            source, settings, self._exchange
        )
        self._worker.yielded.connect(self._show)
        self._worker.finished.connect(self._finish)

    def start(self) -> None:
        """Begin, in a thread of its own."""
        _running.add(self)
        self._worker.start()

    def stop(self) -> None:
        """Come to an end and keep the best so far."""
        self._exchange.stopping.set()

    def discard(self) -> None:
        """Come to an end, and take the output away at once."""
        self._exchange.discarding.set()
        if self._output is not None:
            self._output.remove()

    def abandon(self) -> None:
        """Come to an end, because the viewer is gone; nothing of it is touched any more."""
        self._exchange.discarding.set()
        self._output = None

    @property
    def _deserted(self) -> bool:
        """Whether napari, when it closed the window, asked the worker to quit."""
        return self._output is None or self._worker.abort_requested

    def _show(self) -> None:
        latest, picture = self._exchange.fetch()
        if self._deserted or self._exchange.discarding.is_set() or latest is None:
            return
        if picture is not None and self._exchange.begun is not None and self._output is not None:
            self._output.refine(self._exchange.begun, picture)
        if not self._exchange.stopping.is_set():
            self.progressed.emit(_in_words(latest))
        # Last, because napari's progress bar handles further events before it returns.
        self._advance(latest)

    def _advance(self, latest: Snapshot) -> None:
        if self._progress is None and self._source is not None:
            name = self._source.name
            self._progress = progress(total=latest.units * latest.iterations, desc=name)
        if (bar := self._progress) is None:
            return
        bar.update(max(0, latest.unit * latest.iterations + latest.iteration - bar.n))
        if bar is self._progress:
            bar.set_description(_in_words(latest))

    def _finish(self) -> None:
        _running.discard(self)
        if self._progress is not None:
            bar, self._progress = self._progress, None
            bar.close()
        try:
            words = "" if self._deserted else self._conclude()
        finally:
            self._exchange.clear()
            self._output = self._source = None
        self.ended.emit(words)

    def _conclude(self) -> str:
        """Do with the output what the end calls for, and say so."""
        output, source, result = self._output, self._source, self._exchange.result
        if output is None or source is None:
            return ""
        if self._exchange.discarding.is_set():
            output.remove()
            return "Discarded."
        if result is not None:
            layer = output.complete(result, source)
            return _ending(result, layer.name)
        output.remove()
        failure = self._exchange.failure or "The restoration ended without a result."
        show_error(failure)
        return failure


def _in_words(snapshot: Snapshot) -> str:
    plane = f"plane {snapshot.unit + 1} of {snapshot.units}, " if snapshot.units > 1 else ""
    left = "" if snapshot.remaining_s is None else f", at most {_time(snapshot.remaining_s)} left"
    return (
        f"{plane}iteration {snapshot.iteration} of {snapshot.iterations}, "
        f"loss {snapshot.loss:.2g}{left}"
    )


def _ending(result: Result, name: str) -> str:
    iterations = sum(report.iterations for report in result.reports)
    how = "Stopped" if result.stopped_by_user else "Done"
    return f"{how} after {iterations} iterations, {_time(result.elapsed_s)}: see '{name}'."


def _time(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.0f} s"
    if seconds < 3600:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
