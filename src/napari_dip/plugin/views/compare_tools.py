"""Show the buttons that compare a result with its input, and what they switch on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget
from superqt.utils import qthrottled

from napari_dip.plugin.controllers.comparison import (
    Comparison,
    canvas_widget,
    comparison_obstacle,
)
from napari_dip.plugin.models.line_profile import (
    drawn_line,
    line_ends,
    line_profile,
    visible_line,
)
from napari_dip.plugin.views import controls, tooltips
from napari_dip.plugin.views.wipe_line import WipeLine

if TYPE_CHECKING:
    from napari.layers import Image, Layer, Shapes
    from napari.viewer import Viewer

    from napari_dip.plugin.views.profile_plot import ProfilePlot

__all__ = ["CompareTools"]

DRAW_INTERVAL_MS = 50  # milliseconds: a dragged line emits events faster than napari draws

LINE_WIDTH = 1 / 60  # of its length: a line that can be seen and clicked


class CompareTools(QWidget):
    """*Compare* and *Line profile*, for the result of a run and its input.

    ``message`` has a text for the user.

    Parameters
    ----------
    viewer
        The viewer.
    """

    message = Signal(str)

    def __init__(self, viewer: Viewer) -> None:
        super().__init__()
        self._viewer = viewer
        self._before: Image | None = None
        self._after: Image | None = None
        self._comparison: Comparison | None = None
        self._line: WipeLine | None = None
        self._plot: ProfilePlot | None = None
        self._shapes: Shapes | None = None
        self._own_line: Shapes | None = None
        self._selected_before: set[Layer] = set()
        self.compare = controls.button("compare", "Compare", tooltips.COMPARE, enabled=False)
        self.profile = controls.button("profile", "Line profile", tooltips.PROFILE, enabled=False)
        row = QHBoxLayout()
        for button in (self.compare, self.profile):
            button.native.setCheckable(True)
            row.addWidget(button.native)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(row)
        # An attribute, because the signals do not keep it alive.
        self._draw_throttled = qthrottled(self._draw_profile, timeout=DRAW_INTERVAL_MS)
        for button in (self.compare, self.profile):
            button.native.clicked.connect(self._clear_message)
        self.compare.native.toggled.connect(self._toggle_comparison)
        self.profile.native.toggled.connect(self._toggle_profile)
        viewer.dims.events.ndisplay.connect(self._check)
        viewer.canvas.grid.events.enabled.connect(self._check)
        viewer.layers.events.removed.connect(self._check)

    def set_layers(self, before: Image | None, after: Image | None) -> None:
        """Set the layers of the input and of the result; for others, what is switched on ends."""
        if before is self._before and after is self._after:
            return
        self.close_all()
        self._before, self._after = before, after
        for button in (self.compare, self.profile):
            button.enabled = after is not None

    def close_all(self) -> None:
        """Switch the comparison and the profile off."""
        self.compare.native.setChecked(False)
        self.profile.native.setChecked(False)

    def _obstacle(self) -> str:
        if self._after is None:
            return "There is no result to compare."
        return comparison_obstacle(self._viewer, self._before, self._after)

    def _check(self) -> None:
        """End what is not possible any more."""
        if (self._comparison or self._shapes) and self._obstacle():
            self.close_all()
        if self._shapes is not None and self._shapes not in self._viewer.layers:
            self.profile.native.setChecked(False)

    def _toggle_comparison(self, on: bool) -> None:
        if self._comparison is not None and self._line is not None:
            self._comparison.close()
            self._line.remove()
            self._comparison = self._line = None
        if not on or not self._allowed(self.compare):
            return
        assert self._before is not None
        assert self._after is not None
        self._comparison = Comparison(self._viewer, self._before, self._after)
        self._line = WipeLine(canvas_widget(self._viewer), ("input", "result"))
        self._line.moved.connect(self._comparison.split)
        self._line.move_to(0.5)
        self.message.emit("Left of the line is the input, right of it the result: drag the line.")

    def _clear_message(self, on: bool) -> None:
        """Remove the instruction for a tool that the user has switched off."""
        if not on:
            self.message.emit("")

    def _allowed(self, button: Any) -> bool:
        if obstacle := self._obstacle():
            button.native.setChecked(False)
            self.message.emit(obstacle)
        return not obstacle

    def _toggle_profile(self, on: bool) -> None:
        if self._shapes is not None:
            self._disconnect(self._shapes)
            self._shapes = None
        if (own := self._own_line) is not None:
            self._own_line = None
            if own in self._viewer.layers:
                self._viewer.layers.remove(own)
            here = [layer for layer in self._viewer.layers if layer in self._selected_before]
            if here and not self._viewer.layers.selection - set(here):
                self._viewer.layers.selection = here
        if self._plot is not None:
            self._plot.hide()
        if not on or not self._allowed(self.profile):
            return
        self._shapes = drawn_line(self._viewer)
        if self._shapes is None:
            self._shapes = self._own_line = self._add_line()
        self._connect(self._shapes)
        self._draw_profile()
        ends = "an end of the line" if self._own_line else f"a line of '{self._shapes.name}'"
        self.message.emit(f"Drag {ends}: the profile follows.")

    def _add_line(self) -> Shapes:
        """Add a line across the middle of what the canvas shows, whose ends can be dragged."""
        assert self._after is not None
        ends = visible_line(self._viewer)
        self._selected_before = set(self._viewer.layers.selection)
        layer: Shapes = self._viewer.add_shapes(
            [ends],
            shape_type="line",
            edge_color="yellow",
            edge_width=float(np.linalg.norm(ends[1] - ends[0])) * LINE_WIDTH,
            name="line profile",
            units=self._after.units[-2:],
            axis_labels=self._after.axis_labels[-2:],
        )
        layer.mode = "direct"
        return layer

    def _connect(self, shapes: Shapes) -> None:
        assert self._after is not None
        for event in (shapes.events.set_data, self._after.events.set_data):
            event.connect(self._request_profile)

    def _disconnect(self, shapes: Shapes) -> None:
        assert self._after is not None
        for event in (shapes.events.set_data, self._after.events.set_data):
            event.disconnect(self._request_profile)

    def _request_profile(self) -> None:
        self._draw_throttled()

    def _draw_profile(self) -> None:
        shapes, before, after = self._shapes, self._before, self._after
        if shapes is None or before is None or after is None:
            return
        if drawn_line(self._viewer) is None:
            return
        ends = line_ends(self._viewer, shapes)
        displayed = self._viewer.dims.displayed
        profiles = (
            line_profile(before, ends, displayed),
            line_profile(after, ends, displayed),
        )
        if self._plot is None:
            # Imported when needed: pyqtgraph would delay the opening of the panel.
            from napari_dip.plugin.views.profile_plot import ProfilePlot

            self._plot = ProfilePlot(self._viewer, self)
            self.layout().addWidget(self._plot)  # type: ignore[union-attr]
        self._plot.draw(*profiles, f"{after.units[-1]:~P}")
        self._plot.show()
