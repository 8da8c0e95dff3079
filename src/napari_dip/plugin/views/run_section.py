"""Show what a run will take, its buttons, how far it is, and what the panel has to say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_dip.plugin.views import controls, tooltips
from napari_dip.plugin.views.panel_frame import HelpLink, with_help
from napari_dip.plugin.views.progress_view import ProgressView
from napari_dip.plugin.views.run_buttons import RunButtons
from napari_dip.plugin.views.text_lines import TextLines

if TYPE_CHECKING:
    from napari.viewer import Viewer

    from napari_dip.plugin.controllers.run_control import RunController

__all__ = ["RunSection"]

PLAN_LINES, STATUS_LINES = 2, 3  # lines that fit nearly all texts


class RunSection(QWidget):
    """The plan, the buttons of a run, its progress, the status, and *Open sample*.

    Parameters
    ----------
    page
        The page of the documentation that *Help* opens.
    viewer
        The viewer.
    """

    def __init__(self, page: str, viewer: Viewer) -> None:
        super().__init__()
        self.estimate = TextLines("estimate", "Plan", PLAN_LINES)
        self.buttons = RunButtons()
        self.progress = ProgressView()
        self.status = TextLines("status", "Status", STATUS_LINES)
        self.open_sample = controls.button("open_sample", "Open sample", tooltips.OPEN_SAMPLE)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        for part in (
            self.estimate,
            self.buttons,
            self.progress,
            with_help(self.status, HelpLink(page, viewer)),
            self.open_sample.native,
        ):
            column.addWidget(part)

    def connect_to(self, controller: RunController) -> None:
        """Follow a controller, and call it when a button is pressed."""
        for button, action in (
            (self.buttons.run, controller.run),
            (self.buttons.pause, controller.pause),
            (self.buttons.resume, controller.resume),
            (self.buttons.stop, controller.stop),
            (self.buttons.discard, controller.discard),
        ):
            button.changed.connect(action)
        controller.status_changed.connect(self.status.show_with_details)
        controller.estimate_changed.connect(self.estimate.show_with_details)
        controller.progress_changed.connect(self.progress.show_progress)
        controller.actions_changed.connect(self.buttons.allow)
