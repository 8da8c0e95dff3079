"""Plot the intensities of the input and of the result along a line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari.utils.theme import get_theme
from qtpy.QtCore import Qt

from napari_dip.plugin.views import tooltips
from napari_dip.plugin.views.plotting import pg

if TYPE_CHECKING:
    from napari.viewer import Viewer
    from qtpy.QtWidgets import QWidget

    from napari_dip.plugin.models.line_profile import LineProfile

__all__ = ["ProfilePlot"]

HEIGHT = 140  # pixels


class ProfilePlot(pg.PlotWidget):  # type: ignore[misc]
    """A small plot of two profiles; the input is dashed.

    Parameters
    ----------
    viewer
        Its theme gives the colours.
    parent
        The parent widget.
    """

    def __init__(self, viewer: Viewer, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("profile_plot")
        self.setAccessibleName("Line profile")
        self.setToolTip(tooltips.PROFILE_PLOT)
        self.setFixedHeight(HEIGHT)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._plot: Any = self.getPlotItem()
        self._plot.setMenuEnabled(False)
        self._plot.hideButtons()
        self._plot.setMouseEnabled(False, False)
        self.before, self.after = (self._plot.plot(connect="finite") for _ in range(2))
        self._viewer = viewer
        self._apply_theme()
        viewer.events.theme.connect(self._apply_theme)

    def draw(self, before: LineProfile, after: LineProfile, unit: str) -> None:
        """Draw the profiles of the input and of the result; ``unit`` is that of the distance."""
        self.before.setData(*before)
        self.after.setData(*after)
        self._plot.setLabel("bottom", f"distance ({unit})")

    def _apply_theme(self) -> None:
        theme = get_theme(self._viewer.theme)
        text, warm = theme.text.as_hex(), pg.mkColor(theme.warning.as_hex())
        if theme.type == "light":
            warm = warm.darker(150)
        self.setBackground(theme.background.as_hex())
        self.before.setPen(pg.mkPen(text, width=1, style=Qt.PenStyle.DashLine))
        self.after.setPen(pg.mkPen(warm, width=2))
        self._plot.setTitle(
            f'<span style="color:{text}">- - input</span> &nbsp; '
            f'<span style="color:{warm.name()}">— result</span>',
            size="8pt",
        )
        for name in ("left", "bottom"):
            axis = self._plot.getAxis(name)
            axis.setPen(text)
            axis.setTextPen(text)
