"""Show the stage of a run and how far it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QProgressBar, QVBoxLayout, QWidget

from napari_dip.plugin.views.text_lines import TextLines

if TYPE_CHECKING:
    from napari_dip.plugin.models.stage_progress import Progress

__all__ = ["ProgressView", "clock"]

STEPS = 1000  # of the bar: more than its width in pixels

BAR_HEIGHT = 10  # pixels


def clock(seconds: float) -> str:
    """Write the time since a start as a clock does, so that it is not read as the time left.

    Examples
    --------
    >>> clock(7.9), clock(75), clock(3725)
    ('0:07', '1:15', '1:02:05')
    """
    minutes, second = divmod(int(seconds), 60)
    hour, minute = divmod(minutes, 60)
    return f"{hour}:{minute:02}:{second:02}" if hour else f"{minute}:{second:02}"


class ProgressView(QWidget):
    """A line with the stage, and a bar below it; both have their place before the first run."""

    def __init__(self) -> None:
        super().__init__()
        self.stage = TextLines("stage", "Stage", 1)
        self.bar = QProgressBar()
        self.bar.setObjectName("progress")
        self.bar.setAccessibleName("Progress")
        self.bar.setRange(0, STEPS)
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(BAR_HEIGHT)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.stage)
        layout.addWidget(self.bar)

    def show_progress(self, progress: Progress) -> None:
        """Show how far a run is, and the time since its start."""
        self.bar.setUpdatesEnabled(False)  # Qt would draw a new value at once, before the text
        self.bar.setValue(round(STEPS * progress.fraction))
        self.bar.setUpdatesEnabled(True)
        self.stage.show_text(f"{progress.in_words()} · {clock(progress.elapsed_s)}")

    def clear(self) -> None:
        """Empty the line and the bar."""
        self.bar.reset()
        self.stage.show_text("")
