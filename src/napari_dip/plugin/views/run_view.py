"""The part of a panel where a run is watched: its curve, and the way back through its pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QTimer, Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QVBoxLayout, QWidget
from superqt.utils import qthrottled

from napari_dip.plugin.models.history import in_words
from napari_dip.plugin.views.result_tools import Tools

if TYPE_CHECKING:
    from napari.viewer import Viewer

    from napari_dip.plugin.controllers.finished_run import Afterwards
    from napari_dip.plugin.controllers.session import Session
    from napari_dip.plugin.models.history import Frame, History
    from napari_dip.plugin.views.curve import Curve

__all__ = ["RunView"]

_DRAW_EVERY_MS = 50

_SOON_MS = 50
"""After the press of Run: the buttons are drawn by then, and there is no picture yet."""


class RunView(QWidget):
    """Shows a run while it lasts, and what can be done with its result afterwards.

    It takes no room before there is something to see.

    Parameters
    ----------
    viewer
        Where the layers are.
    """

    continued = Signal(int)
    said = Signal(str)

    def __init__(self, viewer: Viewer) -> None:
        super().__init__()
        self._viewer = viewer
        self._session: Session | None = None
        self._curve: Curve | None = None
        self.afterwards: Afterwards | None = None
        self.tools = Tools(self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.tools)
        self.hide()
        self.tools.hide()
        # Held by the widget: a slider that is dragged asks more often than napari can draw.
        self._scrub = qthrottled(self._show, timeout=_DRAW_EVERY_MS)
        self._blend = qthrottled(self._mix, timeout=_DRAW_EVERY_MS)
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self._make_curve)
        self.tools.scrubbed.connect(self._scrub)
        self.tools.blended.connect(self._blend)
        self.tools.use_this.changed.connect(self._use)
        self.tools.keep_as_layer.changed.connect(self._keep)
        self.tools.history.changed.connect(self._keep_history)
        self.tools.onward.changed.connect(self._continue)
        self._was_there = False
        viewer.layers.events.removed.connect(self._look_after)

    def follow(self, session: Session) -> None:
        """Watch a run from its beginning."""
        if session.history.latest is None:
            self.let_go()
        self._session, self.afterwards = session, None
        self.tools.blend.setValue(100)
        session.advanced.connect(self._advance)
        self.tools.live(session.history.frames)
        # With the first picture napari has enough to do: half of that wait would be for the curve.
        self._soon.start(_SOON_MS)

    def end(self, afterwards: Afterwards | None) -> None:
        """Offer what can be done with a result; with ``None`` there is none."""
        self._session, self.afterwards = None, afterwards
        if afterwards is None:
            self.hide()
            return
        self._was_there = afterwards.is_there
        if not self._was_there:
            self.tools.deleted()
            self.tools.show()
            self.show()
            return
        result = afterwards.result
        latest = afterwards.history.latest
        part = ""
        if latest is not None and latest.units > 1:
            part = f"Only of what was restored last: {latest.part}."
        self.tools.ended(
            afterwards.frames, part=part, final=result.final, unblended=afterwards.why_not_blend
        )
        self.tools.more.setValue(max(10, afterwards.outcome.iteration // 20 * 10))
        self._draw(afterwards.history)
        self._name(afterwards.shown, latest=True)
        self.tools.show()
        self.show()

    def let_go(self) -> None:
        """Leave the result as it is, with what the user chose, and forget the way to it."""
        if self.afterwards is not None:
            self.afterwards.settle()
        self.end(None)
        self.tools.hide()

    def _advance(self) -> None:
        """Draw what is new; the run itself sees to it that this is not too often."""
        if self._session is None:
            return
        history = self._session.history
        self._draw(history)
        self.tools.live(history.frames)
        if self._session.looking_back is None:
            self.tools.say_where("latest")
        self.tools.setVisible(len(history.frames) > 1)
        self.show()

    def _draw(self, history: History) -> None:
        self._make_curve().draw(history)

    def _make_curve(self) -> Curve:
        if self._curve is None:
            # Loaded with the first run, so that a panel opens as fast as before.
            from napari_dip.plugin.views.curve import Curve

            self._curve = Curve(self._viewer, self)
            self._curve.picked.connect(self._pick)
            self.layout().insertWidget(0, self._curve)  # type: ignore[union-attr]
        return self._curve

    @property
    def _frames(self) -> list[Frame]:
        if self.afterwards is not None:
            return self.afterwards.frames
        return [] if self._session is None else self._session.history.frames

    def _pick(self, iteration: int) -> None:
        """Go to the picture nearest to a place on the curve."""
        frames = self._frames
        if frames:
            near = [abs(frame.iteration - iteration) for frame in frames]
            self.tools.scrub.setValue(near.index(min(near)))
            self.tools.scrub.setFocus()  # the arrow keys go on from there

    def _show(self, place: int) -> None:
        frames = self._frames
        frame = frames[place] if place < len(frames) else None
        if self.afterwards is not None and frame is not None:
            self.afterwards.show(frame)
            self._name(frame, latest=place == len(frames) - 1)
            self._say_if_edited()
        elif self._session is not None:
            self._session.look_back(frame)
            self._name(frame, latest=frame is None)

    def _name(self, frame: Frame | None, *, latest: bool) -> None:
        self.tools.say_where("latest" if frame is None else in_words(frame))
        if self._curve is not None:
            self._curve.point_at(None if latest or frame is None else frame.iteration)

    def _mix(self, share: float) -> None:
        if self.afterwards is not None:
            self.afterwards.blend(share)
            self._say_if_edited()

    def _use(self) -> None:
        if self.afterwards is not None:
            self.afterwards.use()
            if self._say_if_edited():
                return
            words = in_words(self.afterwards.shown)
            self.said.emit(
                f"The {words} is the result now."
                if words == "result"
                else f"The result is now the picture of {words}."
            )

    def _say_if_edited(self) -> bool:
        if self.afterwards is None or not self.afterwards.edited:
            return False
        self.said.emit(
            f"The pixels of '{self.afterwards.layer.name}' were replaced, so the layer is left "
            "unchanged. Keep as layer adds the picture as a layer of its own."
        )
        return True

    def _keep(self) -> None:
        if self.afterwards is None:
            return
        if self.afterwards.is_there:
            self.said.emit(f"Kept as '{self.afterwards.keep_as_layer().name}'.")
        else:
            self.afterwards.bring_back()
            self.end(self.afterwards)
            self.said.emit(f"Added '{self.afterwards.layer.name}'.")

    def _keep_history(self) -> None:
        if self.afterwards is not None:
            layer = self.afterwards.keep_history()
            self.said.emit(f"{len(layer.data)} pictures in '{layer.name}'.")

    def _continue(self) -> None:
        self.continued.emit(self.tools.more.value())

    def _look_after(self) -> None:
        """Let go of the network and the pictures of a layer that was deleted."""
        ended = self.afterwards
        if ended is not None and self._was_there and not ended.is_there:
            self.end(None)
