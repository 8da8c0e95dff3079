"""Show all that belongs to a run and its result, from its planes to the reuse of its settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_dip.plugin.views import controls
from napari_dip.plugin.views.run_buttons import ProvenanceButtons
from napari_dip.plugin.views.run_view import RunView

if TYPE_CHECKING:
    from magicgui.widgets import PushButton
    from napari.viewer import Viewer

    from napari_dip.plugin.controllers.session import Session

__all__ = ["ResultSection"]


class ResultSection(QWidget):
    """The view of a run, *Save result*, and the folds for what can be done with a result.

    ``continued`` has a number of iterations, ``loaded`` the record of a layer and its name, and
    ``message`` a text for the user; ``resumed`` asks for the planes that a stopped run has left.

    Parameters
    ----------
    viewer
        The viewer.

    Attributes
    ----------
    run_view
        The planes of the run, and the tools for its result.
    save
        *Save result* and what is beside it, the last of these tools.
    """

    continued = Signal(int)
    resumed = Signal()
    loaded = Signal(object, str)
    message = Signal(str)

    def __init__(self, viewer: Viewer) -> None:
        super().__init__()
        self.run_view = RunView(viewer)
        self._provenance = ProvenanceButtons(viewer)
        self.save = self._provenance.beside
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        for part in (
            self.run_view,
            self.save,
            self.run_view.tools.keep_row,
            controls.section("check", "Check", self._provenance.check),
            controls.section("reuse", "Continue and reuse", self._reuse()),
            self.run_view.curve,
        ):
            column.addWidget(part)
        self.run_view.continued.connect(self.continued)
        self.run_view.resumed.connect(self.resumed)
        self._provenance.loaded.connect(self.loaded)
        for source in (self.run_view, self._provenance):
            source.message.connect(self.message)

    @property
    def buttons_with_keys(self) -> list[PushButton]:
        """The buttons that a key presses."""
        return self.run_view.buttons_with_keys

    def follow(self, session: Session) -> None:
        """Show a run from its start."""
        # With the tools: nothing appears during the run or at its end.
        self.save.show()
        self.run_view.follow(session)

    def show_result(self, session: Session) -> None:
        """Offer the tools for the result of a run that has ended."""
        self.run_view.show_result(session.finished)
        self._provenance.check.set_finished(self.run_view.finished)
        self._provenance.set_last_result(session.layer)

    def _reuse(self) -> QWidget:
        """Place the controls that make more of a result."""
        place = QWidget()
        column = QVBoxLayout(place)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.run_view.tools.continue_row)
        column.addWidget(self._provenance)
        return place
