"""Show the curve of a run in a section that is closed until the user opens it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from qtpy.QtCore import Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_dip.plugin.views import controls

if TYPE_CHECKING:
    from napari.viewer import Viewer

    from napari_dip.plugin.models.history import History
    from napari_dip.plugin.views.curve import CurvePlot

__all__ = ["CurveFold"]


class CurveFold(QWidget):
    """A section with the curve, which is drawn only while the section is open.

    ``clicked`` has the iteration of a click on the curve.

    Parameters
    ----------
    viewer
        Its theme gives the colours.
    """

    clicked = Signal(int)

    opened: ClassVar[bool] = False  # as the user left the section; new panels follow

    def __init__(self, viewer: Viewer) -> None:
        super().__init__()
        self._viewer = viewer
        self._plot: CurvePlot | None = None
        self._history: History | None = None
        self._shown: int | None = None
        self._place = QWidget()
        QVBoxLayout(self._place).setContentsMargins(0, 0, 0, 0)
        self.fold = controls.section("loss_curve", "Loss curve", self._place)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.fold)
        self.fold.toggled.connect(self._toggle)
        if CurveFold.opened:
            self.fold.expand(animate=False)

    def draw(self, history: History | None) -> None:
        """Draw a history; with ``None``, keep the drawn one."""
        self._history = history
        if self.fold.isExpanded() and history is not None:
            self._make_plot().draw(history)

    def mark_shown(self, iteration: int | None) -> None:
        """Mark the iteration whose frame is shown; ``None`` for the latest."""
        self._shown = iteration
        if self._plot is not None:
            self._plot.mark_shown(iteration)

    def _toggle(self, opened: bool) -> None:
        CurveFold.opened = opened
        if opened:
            self._make_plot().mark_shown(self._shown)
            self.draw(self._history)

    def _make_plot(self) -> CurvePlot:
        if self._plot is None:
            # Imported when it is first seen: pyqtgraph would delay the opening of the panel.
            from napari_dip.plugin.views.curve import CurvePlot

            self._plot = CurvePlot(self._viewer, self._place)
            self._plot.clicked.connect(self.clicked)
            self._place.layout().addWidget(self._plot)  # type: ignore[union-attr]
        return self._plot
