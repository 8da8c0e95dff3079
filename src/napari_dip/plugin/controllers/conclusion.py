"""Complete or remove the layer of a run that has ended, and say how the run ended."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from napari.utils.notifications import show_error

from napari_dip.plaintext import as_html
from napari_dip.plugin.controllers.backups import show_completed
from napari_dip.plugin.controllers.finished_run import FinishedRun
from napari_dip.plugin.models.run_request import rest_request
from napari_dip.plugin.models.status_text import ending_text, saved_text

if TYPE_CHECKING:
    from napari.layers import Image
    from napari.viewer import Viewer

    from napari_dip.image.restore import Result
    from napari_dip.plugin.controllers.channel import WorkerChannel
    from napari_dip.plugin.controllers.result_layer import ResultLayer
    from napari_dip.plugin.models.history import History
    from napari_dip.plugin.models.run_request import RunRequest

    Ending = Literal["done", "stopped", "discarded", "failed"]

__all__ = ["Conclusion", "EndedRun"]


@dataclass(frozen=True)
class Conclusion:
    """How a run ended, and what is left of it.

    Attributes
    ----------
    ending, text
        How it ended, as a word and as the final status.
    layer, finished
        The layer of the result, and what can be done with it; ``None`` without a result.
    rest
        The request that restores the planes which a failed run has left on disk.
    """

    ending: Ending
    text: str
    layer: Image | None = None
    finished: FinishedRun | None = None
    rest: RunRequest | None = None


@dataclass(frozen=True)
class EndedRun:
    """A run whose worker has ended.

    Attributes
    ----------
    viewer, request, history
        Of the run.
    channel
        What the worker has left: a result, a failure, or neither.
    earlier
        The result that the run would have resumed or continued; ``None`` for a new run.
    continued
        Whether it would have been continued, which has changed its network.
    """

    viewer: Viewer
    request: RunRequest
    history: History
    channel: WorkerChannel
    earlier: FinishedRun | None
    continued: bool

    def conclude(self, output: ResultLayer) -> Conclusion:
        """Complete or remove the layer of the run."""
        if self.channel.cancelled:
            output.remove()
            in_viewer = self.earlier is not None and self.earlier.in_viewer
            back = " The earlier result is shown again." if in_viewer else ""
            text = f"Discarded.{back}{self._saved_text()}"
            return Conclusion("discarded", text, finished=self._earlier_again())
        if self.channel.result is not None:
            return self._with_result(output, self.channel.result)
        return self._after_failure(output)

    def _with_result(self, output: ResultLayer, result: Result) -> Conclusion:
        edited = output.layer if output.edited and not output.deleted else None
        layer = output.complete(result, self.request.source)
        if self.request.target.path is not None:
            show_completed(self.viewer, self.request.target.path)
        self.history.stopped_at = _stopped_at(result) or self.history.stopped_at
        text = ending_text(result, "" if output.deleted else layer.name)
        saved = self._saved_text(resumable=result.stopped_by_user)
        return Conclusion(
            "stopped" if result.stopped_by_user else "done",
            f"{text}{saved}{_unchanged_text(output, edited)}",
            layer,
            self._finished(layer, result),
        )

    def _after_failure(self, output: ResultLayer) -> Conclusion:
        """Keep the units that were complete before the failure."""
        failure = self.channel.failure or "The restoration ended without a result."
        prepared, latest = self.channel.prepared, self.history.latest
        kept = None
        if prepared is not None and latest is not None and self.request.target.path is None:
            kept = prepared.complete_units(latest.elapsed_s)
        if kept is None:
            output.remove()
            layer, finished = None, self._earlier_again()
        else:
            layer = output.complete(kept, self.request.source)
            finished = self._finished(layer, kept)
            failure = f"{failure} {ending_text(kept, layer.name)}"
        show_error(as_html(failure))
        return Conclusion("failed", failure, layer, finished, self._rest_on_disk())

    def _rest_on_disk(self) -> RunRequest | None:
        """Return the request that resumes a failed run which writes its planes to a file."""
        prepared, target = self.channel.prepared, self.request.target
        if target.path is None or prepared is None or len(prepared.problem.plan.units) == 1:
            return None
        device = self.channel.device or target.device
        resumed = replace(target, resume=True, overwrite=False, note="", device=device)
        return replace(self.request, target=resumed)

    def _finished(self, layer: Image, result: Result) -> FinishedRun:
        """Offer the tools for a result, and restoring the planes that it lacks."""
        rest = None
        if (prepared := self.channel.prepared) is not None:
            rest = rest_request(self.request, result, prepared.output)
        source, history = self.request.source, self.history
        return FinishedRun(self.viewer, layer, source, result, history, rest)

    def _earlier_again(self) -> FinishedRun | None:
        """Return the earlier result as it can be used after a run without a result."""
        return (
            self.earlier.without_network("a later run has changed its network")
            if self.earlier and self.continued
            else self.earlier
        )

    def _saved_text(self, *, resumable: bool = False) -> str:
        """Say what is saved on disk."""
        target = self.request.target
        if target.path is None or self.channel.initial is None:
            return ""
        in_sections = self.request.settings.fits_sections
        saved = saved_text(target.path, resumable=resumable, in_sections=in_sections)
        notes = (saved, target.note, target.placement_note(self.request.source))
        return "".join(f" {note}" for note in notes if note)


def _unchanged_text(output: ResultLayer, edited: Image | None) -> str:
    """Say where the result is, if the user deleted its layer or replaced its pixels."""
    if edited is not None:
        return f" The pixels of '{edited.name}' were replaced during the run and are kept."
    if not output.deleted:
        return ""
    return " The layer was deleted during the run: press Add the result to show it."


def _stopped_at(result: Result) -> int | None:
    """Return the iteration at which the stopping rule ended the only unit; else ``None``."""
    match result.reports:
        case [report] if report.stopped_early:
            return report.iterations
    return None
