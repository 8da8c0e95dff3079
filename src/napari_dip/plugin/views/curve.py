"""Plot the loss and the noise criterion of a run, and where the stopping rule stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.utils.theme import get_theme
from qtpy.QtCore import QPointF, Qt, Signal  # type: ignore[attr-defined]

from napari_dip.plugin.views import tooltips
from napari_dip.plugin.views.plotting import pg

if TYPE_CHECKING:
    from napari.viewer import Viewer
    from numpy.typing import NDArray
    from qtpy.QtWidgets import QWidget

    from napari_dip.plugin.models.history import History

__all__ = ["CurvePlot"]

HEIGHT = 118  # pixels


class _IntegerAxis(pg.AxisItem):  # type: ignore[misc]
    """An axis with ticks at integers only."""

    def tickSpacing(self, low: float, high: float, size: float) -> list[tuple[float, float]]:
        spacings = super().tickSpacing(low, high, size)
        return [(max(1.0, spacing), offset) for spacing, offset in spacings]


class CurvePlot(pg.PlotWidget):  # type: ignore[misc]
    """A small plot; a click emits the iteration.

    Both lines have their own logarithmic scale, which is not shown. The vertical range fits all
    but the first tenth of the iterations, in which both fall steeply.

    Parameters
    ----------
    viewer
        Its theme gives the colours.
    parent
        The parent widget.
    """

    clicked = Signal(int)

    def __init__(self, viewer: Viewer, parent: QWidget) -> None:
        super().__init__(parent, axisItems={"bottom": _IntegerAxis("bottom")})
        self.setObjectName("curve")
        self.setAccessibleName("Curve")
        self.setToolTip(tooltips.CURVE)
        self.setFixedHeight(HEIGHT)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # for the keyboard there is a slider
        self._plot: Any = self.getPlotItem()
        self._plot.setMenuEnabled(False)
        self._plot.hideButtons()
        self._plot.setMouseEnabled(False, False)
        self._plot.hideAxis("left")
        self._plot.setLogMode(False, True)
        self._loss = self._plot.plot(connect="finite")
        self._second_scale = pg.ViewBox(enableMouse=False, enableMenu=False)
        self._plot.scene().addItem(self._second_scale)
        self._second_scale.setXLink(self._plot)
        self._second_scale.setAcceptedMouseButtons(Qt.MouseButton.NoButton)
        self._criterion = pg.PlotDataItem(connect="finite")
        self._criterion.setLogMode(False, True)
        self._second_scale.addItem(self._criterion)
        self.best, self.stop, self.shown = (pg.InfiniteLine(angle=90) for _ in range(3))
        self.stage = pg.InfiniteLine(
            angle=90,
            label="super-resolution",
            labelOpts={"position": 0.9, "anchors": [(0, 0), (0, 0)]},
        )
        for line in (self.best, self.stop, self.shown, self.stage):
            line.hide()
            self._plot.addItem(line, ignoreBounds=True)
        self._plot.vb.sigResized.connect(self._align_scales)
        self.scene().sigMouseClicked.connect(self._emit_iteration)
        self._viewer = viewer
        self._title_has_criterion: bool | None = None
        self._apply_theme()
        viewer.events.theme.connect(self._apply_theme)

    def draw(self, history: History) -> None:
        """Draw the curve and the marks of a history."""
        curve = history.curve()
        self._loss.setData(curve.iterations, curve.loss)
        self._criterion.setData(curve.iterations, curve.criterion)
        self._set_title(criterion=bool(np.isfinite(curve.criterion).any()))
        _fit_range(self._plot.vb, curve.loss)
        _fit_range(self._second_scale, curve.criterion)
        latest = history.latest
        best = latest.best_iteration if latest is not None else 0
        self._mark(self.best, best if latest is not None and best < latest.iteration else None)
        self._mark(self.stop, history.stopped_at)
        self._mark(self.stage, latest.denoising if latest is not None else None)

    def mark_shown(self, iteration: int | None) -> None:
        """Mark the iteration whose frame is shown; ``None`` for the latest."""
        self._mark(self.shown, iteration)

    @staticmethod
    def _mark(line: Any, iteration: int | None) -> None:
        line.setVisible(bool(iteration))
        if iteration:
            line.setPos(iteration)

    def _set_title(self, *, criterion: bool) -> None:
        """Set the legend; a fixed number of iterations has no noise criterion."""
        if criterion is not self._title_has_criterion:
            self._title_has_criterion = criterion
            text, warm = self._colours
            title = f'<span style="color:{text}">loss</span>'
            title += f' &nbsp; <span style="color:{warm}">noise criterion</span>' * criterion
            self._plot.setTitle(title, size="8pt")

    def _align_scales(self) -> None:
        self._second_scale.setGeometry(self._plot.vb.sceneBoundingRect())

    def _emit_iteration(self, event: Any) -> None:
        position: QPointF = self._plot.vb.mapSceneToView(event.scenePos())
        self.clicked.emit(max(0, round(position.x())))

    def _apply_theme(self) -> None:
        theme = get_theme(self._viewer.theme)
        text, cold = theme.text.as_hex(), theme.current.as_hex()
        warm = pg.mkColor(theme.warning.as_hex())
        if theme.type == "light":
            warm = warm.darker(150)
        self._colours = text, warm.name()
        self.setBackground(theme.background.as_hex())
        self._loss.setPen(pg.mkPen(text, width=1))
        self._criterion.setPen(pg.mkPen(warm, width=1))
        self.best.setPen(pg.mkPen(warm, style=Qt.PenStyle.DashLine))
        self.stop.setPen(pg.mkPen(warm, width=2))
        self.stage.setPen(pg.mkPen(text, style=Qt.PenStyle.DotLine))
        self.stage.label.setColor(text)
        self.shown.setPen(pg.mkPen(cold, width=2))
        self._title_has_criterion = None
        self._set_title(criterion=True)
        axis = self._plot.getAxis("bottom")
        axis.setPen(text)
        axis.setTextPen(text)


def _fit_range(box: Any, numbers: NDArray[np.float64]) -> None:
    """Fit the vertical range to a line without its first tenth."""
    late = numbers[len(numbers) // 10 :]
    late = np.log10(late[np.isfinite(late)])
    if len(late):
        box.setYRange(late.min(), max(late.max(), late.min() + 1e-6), padding=0.05)
