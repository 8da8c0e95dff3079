"""The curve of a run: its loss, what the stopping rule watches, and where it would stop."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.utils.theme import get_theme
from qtpy.QtCore import QPointF, Qt, Signal  # type: ignore[attr-defined]

# pyqtgraph puts itself between an error and napari's notifications.
_hooks = sys.excepthook, threading.excepthook
import pyqtgraph as pg  # noqa: E402

sys.excepthook, threading.excepthook = _hooks

if TYPE_CHECKING:
    from napari.viewer import Viewer
    from numpy.typing import NDArray
    from qtpy.QtWidgets import QWidget

    from napari_dip.plugin.models.history import History

__all__ = ["Curve"]

_HEIGHT = 118


class _Iterations(pg.AxisItem):  # type: ignore[misc]
    """An axis of whole numbers."""

    def tickSpacing(self, low: float, high: float, size: float) -> list[tuple[float, float]]:
        spacings = super().tickSpacing(low, high, size)
        return [(max(1.0, spacing), offset) for spacing, offset in spacings]


class Curve(pg.PlotWidget):  # type: ignore[misc]
    """A small plot that can be clicked and needs no other handling.

    Both lines are logarithmic, each on a scale of its own, which is not shown. The first tenth,
    where all falls steeply, may leave the picture: what matters is how they end.

    Parameters
    ----------
    viewer
        Whose theme gives the colours.
    parent
        The widget that it is part of.
    """

    picked = Signal(int)

    def __init__(self, viewer: Viewer, parent: QWidget) -> None:
        super().__init__(parent, axisItems={"bottom": _Iterations("bottom")})
        self.setObjectName("curve")
        self.setAccessibleName("curve")
        self.setToolTip(
            "The loss and the number that the stopping rule watches, both logarithmic, each on "
            "its own scale. Dashed: the best so far by the rule; solid: where it said stop. "
            "Click to see the picture of that iteration."
        )
        self.setFixedHeight(_HEIGHT)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # the slider does the same by keyboard
        self._plot: Any = self.getPlotItem()
        self._plot.setMenuEnabled(False)
        self._plot.hideButtons()
        self._plot.setMouseEnabled(False, False)
        self._plot.hideAxis("left")
        self._plot.setLogMode(False, True)
        self._loss = self._plot.plot(connect="finite")
        self._other_scale = pg.ViewBox(enableMouse=False, enableMenu=False)
        self._plot.scene().addItem(self._other_scale)
        self._other_scale.setXLink(self._plot)
        self._other_scale.setAcceptedMouseButtons(Qt.MouseButton.NoButton)
        self._metric = pg.PlotDataItem(connect="finite")
        self._metric.setLogMode(False, True)
        self._other_scale.addItem(self._metric)
        self.best, self.stop, self.here = (pg.InfiniteLine(angle=90) for _ in range(3))
        for line in (self.best, self.stop, self.here):
            line.hide()
            self._plot.addItem(line, ignoreBounds=True)
        self._plot.vb.sigResized.connect(self._align)
        self.scene().sigMouseClicked.connect(self._clicked)
        self._viewer = viewer
        self._named: bool | None = None
        self._dress()
        viewer.events.theme.connect(self._dress)

    def draw(self, history: History) -> None:
        """Show how far a run has come."""
        lines = history.lines()
        self._loss.setData(lines.iterations, lines.loss)
        self._metric.setData(lines.iterations, lines.metric)
        self._name(metric=bool(np.isfinite(lines.metric).any()))
        _fit(self._plot.vb, lines.loss)
        _fit(self._other_scale, lines.metric)
        latest = history.latest
        best = latest.best_iteration if latest is not None else 0
        self._mark(self.best, best if latest is not None and best < latest.iteration else None)
        self._mark(self.stop, history.stopped_at)

    def point_at(self, iteration: int | None) -> None:
        """Mark the iteration whose picture is shown; ``None`` for the latest."""
        self._mark(self.here, iteration)

    @staticmethod
    def _mark(line: Any, iteration: int | None) -> None:
        line.setVisible(bool(iteration))
        if iteration:
            line.setPos(iteration)

    def _name(self, *, metric: bool) -> None:
        """Say which line is which; a fixed number of iterations has no metric."""
        if metric is not self._named:
            self._named = metric
            text, warm = self._colours
            words = f'<span style="color:{text}">loss</span>'
            words += f' &nbsp; <span style="color:{warm}">stopping metric</span>' * metric
            self._plot.setTitle(words, size="8pt")

    def _align(self) -> None:
        self._other_scale.setGeometry(self._plot.vb.sceneBoundingRect())

    def _clicked(self, event: Any) -> None:
        where: QPointF = self._plot.vb.mapSceneToView(event.scenePos())
        self.picked.emit(max(0, round(where.x())))

    def _dress(self) -> None:
        """Take on the colours of the theme."""
        theme = get_theme(self._viewer.theme)
        text, calm = theme.text.as_hex(), theme.current.as_hex()
        warm = pg.mkColor(theme.warning.as_hex())
        if theme.type == "light":
            warm = warm.darker(150)
        self._colours = text, warm.name()
        self.setBackground(theme.background.as_hex())
        self._loss.setPen(pg.mkPen(text, width=1))
        self._metric.setPen(pg.mkPen(warm, width=1))
        self.best.setPen(pg.mkPen(warm, style=Qt.PenStyle.DashLine))
        self.stop.setPen(pg.mkPen(warm, width=2))
        self.here.setPen(pg.mkPen(calm, width=2))
        self._named = None
        self._name(metric=True)
        axis = self._plot.getAxis("bottom")
        axis.setPen(text)
        axis.setTextPen(text)


def _fit(box: Any, numbers: NDArray[np.float64]) -> None:
    """Choose the heights between which a line runs, but for its first tenth."""
    late = numbers[len(numbers) // 10 :]
    late = np.log10(late[np.isfinite(late)])
    if len(late):
        box.setYRange(late.min(), max(late.max(), late.min() + 1e-6), padding=0.05)
