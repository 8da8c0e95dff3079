"""Show the tools for the frames and the result of a run, and draw its curve."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QVBoxLayout, QWidget
from superqt.utils import qthrottled

from napari_dip.plugin.models.history import FIRST_ESTIMATE, frame_name
from napari_dip.plugin.models.plane_states import waiting_planes
from napari_dip.plugin.views.compare_tools import CompareTools
from napari_dip.plugin.views.curve_fold import CurveFold
from napari_dip.plugin.views.plane_strip import PlaneStrip
from napari_dip.plugin.views.result_tools import ResultTools

if TYPE_CHECKING:
    from napari.viewer import Viewer

    from napari_dip.plugin.controllers.finished_run import FinishedRun
    from napari_dip.plugin.controllers.session import Session
    from napari_dip.plugin.models.history import Frame
    from napari_dip.plugin.models.run_request import RunRequest

__all__ = ["RunView"]

DRAW_INTERVAL_MS = 50  # milliseconds: a slider emits values faster than napari draws


class RunView(QWidget):
    """Show a run while it is in progress, and the tools for its result afterwards.

    The tools appear with the press of *Run*, and are enabled when there is something to show: so
    nothing moves during a run. ``continued`` has a number of iterations, ``message`` a text for the
    user; ``resumed`` asks for the planes that a stopped run has left.

    Parameters
    ----------
    viewer
        The viewer.

    Attributes
    ----------
    curve
        The section with the curve, which the panel places.
    finished
        The result that is offered; ``None`` without one.
    rest
        The request for the planes that the last run has left; ``None`` if there are none.
    tools
        The sliders and buttons for the result; the panel places the rows of buttons.
    """

    continued = Signal(int)
    resumed = Signal()
    message = Signal(str)

    def __init__(self, viewer: Viewer) -> None:
        super().__init__()
        self._viewer = viewer
        self._session: Session | None = None
        self.curve = CurveFold(viewer)
        self.finished: FinishedRun | None = None
        self.rest: RunRequest | None = None
        self._before: FinishedRun | None = None
        self.tools = ResultTools(self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self.compare = CompareTools(viewer)
        self.buttons_with_keys = [self.compare.compare, self.tools.continue_run]
        self.planes = PlaneStrip(viewer)
        layout.addWidget(self.planes)
        layout.addWidget(self.tools.resume_rest.native)
        layout.addWidget(self.compare)
        layout.addWidget(self.tools)
        self.compare.message.connect(self.message)
        self.hide()
        self._show_tools(False)
        # Attributes, because the signals do not keep them alive.
        self._show_throttled = qthrottled(self._show_frame, timeout=DRAW_INTERVAL_MS)
        self._strength_throttled = qthrottled(self._set_strength, timeout=DRAW_INTERVAL_MS)
        self.curve.clicked.connect(self._choose_nearest)
        self.tools.frame_chosen.connect(self._show_throttled)
        self.tools.strength_changed.connect(self._strength_throttled)
        self.tools.use_this.changed.connect(self._use)
        self.tools.keep_as_layer.changed.connect(self._keep)
        self.tools.keep_history.changed.connect(self._keep_history)
        self.tools.resume_rest.changed.connect(self._resume)
        self.tools.continue_run.changed.connect(self._continue)
        self._was_in_viewer = False
        viewer.layers.events.removed.connect(self._release_deleted)

    def follow(self, session: Session) -> None:
        """Show a run from its start."""
        if session.history.latest is None:
            before = self.finished
            self.close_result()
            if before is not None:
                self._before = before.without_network("a later run was started")
        self._session, self.finished = session, None
        self.compare.set_layers(None, None)
        self.tools.strength_slider.setValue(100)
        session.advanced.connect(self._update)
        session.reported.connect(self._draw_planes)
        self.planes.draw(session.planes)
        self.tools.show_running(session.history.frames)
        self._show_tools(True)
        self.show()

    def show_result(self, finished: FinishedRun | None) -> None:
        """Offer the tools for a result; with ``None`` there is no result."""
        session, self._session, self.finished = self._session, None, finished
        before, self._before = self._before, None
        self.rest, left = None, 0
        if session is not None:
            self.planes.draw(session.planes)
            self.rest, left = session.rest, session.planes.left
        if finished is None and before is not None and before.in_viewer:
            self.finished = finished = before  # the run has left no result of its own
        if finished is None:  # the tools stay in their place
            self.compare.set_layers(None, None)
            self.curve.draw(None)
            self.tools.show_running([])
            self.tools.set_frame_name("")
            self._offer_rest(left)
            return
        self.compare.set_layers(finished.source.layer(), finished.layer)
        self._was_in_viewer = finished.in_viewer
        if not self._was_in_viewer:
            self.tools.show_left(0)
            self.tools.show_deleted()
            self._show_tools(True)
            self.show()
            return
        latest = finished.history.latest
        part = ""
        if latest is not None and latest.units > 1:
            part = f"Only of the last restored part: {latest.part}."
        self.tools.show_finished(
            finished.frames,
            part=part,
            continue_obstacle=finished.result.final,
            strength_obstacle=finished.strength_obstacle,
            file_obstacle=finished.file_obstacle,
        )
        if self.rest is None:
            self.rest, left = finished.rest, finished.left
        self._offer_rest(left)
        self.tools.more.setValue(max(10, finished.outcome.iteration // 20 * 10))
        self.curve.draw(finished.history)
        self._name_frame(finished.shown, latest=True)
        self._show_tools(True)
        self.show()

    def _offer_rest(self, left: int) -> None:
        if self.rest is None:
            self.tools.show_left(0)
        else:
            self.tools.show_left(left, waiting_planes(self.rest.layout).noun)

    def _show_tools(self, shown: bool) -> None:
        self.tools.setVisible(shown)
        self.tools.keep_row.setVisible(shown)

    def close_result(self) -> None:
        """Show the chosen result in its layer, and release the frames and the network."""
        if self.finished is not None:
            self.finished.reset()
        self.show_result(None)

    def _draw_planes(self) -> None:
        if self._session is not None:
            self.planes.draw(self._session.planes)

    def _update(self) -> None:
        """Draw new points; the session limits how often."""
        if self._session is None:
            return
        history = self._session.history
        self.compare.set_layers(*self._session.compared)
        self.curve.draw(history)
        self.tools.show_running(history.frames)
        if self._session.shown_frame is None:
            in_fit = history.latest is not None and history.latest.iteration
            self.tools.set_frame_name("latest" if in_fit else FIRST_ESTIMATE)

    @property
    def _frames(self) -> list[Frame]:
        if self.finished is not None:
            return self.finished.frames
        return [] if self._session is None else self._session.history.frames

    def _choose_nearest(self, iteration: int) -> None:
        """Choose the frame that is nearest to an iteration."""
        frames = self._frames
        if frames and self.tools.frame_slider.isEnabled():
            distances = [abs(frame.iteration - iteration) for frame in frames]
            self.tools.frame_slider.setValue(distances.index(min(distances)))
            self.tools.frame_slider.setFocus()  # for the arrow keys

    def _show_frame(self, number: int) -> None:
        frames = self._frames
        frame = frames[number] if number < len(frames) else None
        if self.finished is not None and frame is not None:
            self.finished.show(frame)
            self._name_frame(frame, latest=number == len(frames) - 1)
            self._report_edited()
        elif self._session is not None:
            self._session.show_frame(frame)
            self._name_frame(frame, latest=frame is None)

    def _name_frame(self, frame: Frame | None, *, latest: bool) -> None:
        self.tools.set_frame_name("latest" if frame is None else frame_name(frame))
        self.curve.mark_shown(None if latest or frame is None else frame.iteration)

    def _set_strength(self, strength: float) -> None:
        if self.finished is not None:
            self.finished.set_strength(strength)
            self._report_edited()

    def _use(self) -> None:
        if self.finished is not None:
            self.finished.use()
            if self._report_edited():
                return
            shown = self.finished.shown
            name = "the result of the run" if shown.result else f"that of {frame_name(shown)}"
            self.message.emit(f"The result is now {name}.")

    def _report_edited(self) -> bool:
        if self.finished is None or not self.finished.edited:
            return False
        self.message.emit(
            f"The pixels of '{self.finished.layer.name}' were replaced, so the layer stays "
            "unchanged. Keep as layer adds the image as a layer of its own."
        )
        return True

    def _keep(self) -> None:
        if self.finished is None:
            return
        if self.finished.in_viewer:
            self.message.emit(f"Kept as '{self.finished.keep_as_layer().name}'.")
        else:
            self.finished.add_layer()
            self.show_result(self.finished)
            self.message.emit(f"Added '{self.finished.layer.name}'.")

    def _keep_history(self) -> None:
        if self.finished is not None:
            layer = self.finished.keep_history()
            self.message.emit(f"Added '{layer.name}' with {len(layer.data)} frames.")

    def _resume(self) -> None:
        self.resumed.emit()

    def _continue(self) -> None:
        self.continued.emit(self.tools.more.value())

    def _release_deleted(self) -> None:
        """Release the network and the frames of a result whose layer was deleted."""
        finished = self.finished
        if finished is not None and self._was_in_viewer and not finished.in_viewer:
            self.show_result(None)
