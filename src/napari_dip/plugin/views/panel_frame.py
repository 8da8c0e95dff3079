"""Frame a panel: scroll area, icons, help link, and choice of a first image."""

from __future__ import annotations

from importlib.metadata import metadata
from typing import TYPE_CHECKING, Any

from napari.layers import Image, Labels
from napari.settings import get_settings
from napari.utils.theme import get_theme
from qtpy.QtCore import QEvent, QObject, QSize, Qt
from qtpy.QtGui import QIcon
from qtpy.QtWidgets import (
    QAbstractSpinBox,
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QScrollBar,
    QSlider,
    QVBoxLayout,
    QWidget,
)
from superqt import QCollapsible

from napari_dip.plugin.models.layer_record import shows_uncertainty
from napari_dip.plugin.views.focus_ring import FocusRing
from napari_dip.plugin.views.returning_focus import ReturningFocus

if TYPE_CHECKING:
    from magicgui.widgets import ComboBox
    from napari.viewer import Viewer

__all__ = [
    "HelpLink",
    "Icons",
    "choose_first_image",
    "make_scrollable",
    "no_image_text",
    "pause_spinner",
    "with_help",
]

ICON_SIZE = QSize(16, 12)  # pixels: wider than the icon, to keep its distance from the text

BUTTON_ICONS = {
    "run": "right_arrow",
    "continue": "right_arrow",
    "keep_as_layer": "new_image",
    "open_sample": "new_image",
    "new_mask": "new_labels",
    "queue_run": "right_arrow",
    "queue_clear": "delete",
}

# Buttons that pass the focus on to each other in their own order.
STEERING = {"run", "pause", "resume", "stop", "discard"}

# Pixels: shows the image, the plan, Run and the progress. napari makes the docks above a new one as
# low as they allow.
MIN_HEIGHT = 300

MARGIN = 6  # pixels: the rows and the scroll bar fit into the width of the panel


class Icons(QObject):
    """Set napari's icons on the buttons and sections of a panel, and follow the theme.

    A button without a fitting icon has a text only, and so have those beside *Run*: with a font
    size of 14 all must fit into one line.

    Parameters
    ----------
    panel
        The widget with the buttons, which owns this object.
    viewer
        Its theme gives the colour.
    """

    def __init__(self, panel: QWidget, viewer: Viewer) -> None:
        super().__init__(panel)
        self._panel, self._viewer = panel, viewer
        self._apply_theme()
        viewer.events.theme.connect(self._apply_theme)

    def _apply_theme(self, _event: Any = None) -> None:
        theme = get_theme(self._viewer.theme).id
        for button in self._panel.findChildren(QPushButton):
            if name := BUTTON_ICONS.get(button.objectName()):
                button.setIcon(_icon(theme, name))
                button.setIconSize(ICON_SIZE)
        for fold in self._panel.findChildren(QCollapsible):
            fold.setCollapsedIcon(_icon(theme, "right_arrow"))
            fold.setExpandedIcon(_icon(theme, "down_arrow"))
            fold.toggleButton().setIconSize(ICON_SIZE)


def _icon(theme: str, name: str) -> QIcon:
    """Load an icon from the resources of napari's style sheet."""
    icon = QIcon(f"theme_{theme}:/{name}.svg")
    icon.addFile(f"theme_{theme}:/{name}_50.svg", mode=QIcon.Mode.Disabled)
    return icon


class HelpLink(QLabel):
    """A link to a page of the documentation.

    Parameters
    ----------
    page
        The name of the page, such as ``"denoise"``.
    viewer
        Its theme gives the colour: Qt's blue is not readable on a dark background.
    """

    def __init__(self, page: str, viewer: Viewer) -> None:
        super().__init__()
        self._viewer = viewer
        self.address = f"{_documentation_url()}{page}/"
        self.setObjectName("help")
        self.setAccessibleName("Help")
        self.setToolTip(f"Open the documentation of this panel: {self.address}")
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextBrowserInteraction)
        self.setOpenExternalLinks(True)
        self.setContentsMargins(0, 3, 0, 0)  # aligns the link with the text beside it
        self._apply_theme()
        viewer.events.theme.connect(self._apply_theme)

    def _apply_theme(self, _event: Any = None) -> None:
        colour = get_theme(self._viewer.theme).text.as_hex()
        self.setText(f'<a href="{self.address}" style="color: {colour}">Help</a>')


def with_help(label: QLabel, link: HelpLink) -> QWidget:
    """Place a link to the right of the first line of a label."""
    both = QWidget()
    row = QHBoxLayout(both)
    row.setContentsMargins(0, 0, 0, 0)
    label.setAlignment(Qt.AlignmentFlag.AlignTop)
    row.addWidget(label, 1)
    row.addWidget(link, 0, Qt.AlignmentFlag.AlignTop)
    return both


def pause_spinner(window: QWidget) -> None:
    """Pause the animation of napari's status bar until the next activity starts it again.

    Each of its pictures draws the whole window, with the canvas. Where the processor draws OpenGL,
    that takes a quarter of the time of a run; a panel has its own progress bar.
    """
    for label in window.findChildren(QLabel):
        if (movie := label.movie()) is not None:
            movie.setPaused(True)


def choose_first_image(images: ComboBox, viewer: Viewer) -> None:
    """Choose the selected visible image, or else the topmost visible one; no uncertainty."""
    possible = [layer for layer in viewer.layers if isinstance(layer, Image) and layer.visible]
    visible = [layer for layer in possible if not shows_uncertainty(layer)]
    if visible:
        active = viewer.layers.selection.active
        images.value = active if active in visible else visible[-1]


def no_image_text(viewer: Viewer) -> str:
    """Say how to get an image; napari opens files of 32-bit integers as Labels."""
    labels = [layer.name for layer in viewer.layers if isinstance(layer, Labels)]
    if labels:
        return (
            f"There is no image, and '{labels[-1]}' is a Labels layer. To restore it, right-click "
            "it in the layer list and choose Convert to Image."
        )
    return "There is no image: open one or the sample, then press Run."


def _documentation_url() -> str:
    """Return the URL of the documentation from the metadata of the package."""
    links = metadata("napari-dip").get_all("Project-URL", [])
    named: dict[str, str] = dict(link.split(", ", 1) for link in links)
    return named["Documentation"]


class _ScrollArea(QScrollArea):
    """A scroll area whose size hint is that of its content; Qt's is smaller."""

    def __init__(self, content: QWidget) -> None:
        super().__init__()
        self._content, self._bar = content, QScrollBar(Qt.Orientation.Vertical)
        self._hint = QSize()
        self.setVerticalScrollBar(self._bar)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setWidgetResizable(True)
        self.setWidget(content)
        # Always: no control moves to make room for it.
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Update the geometry when the content changes its size; Qt does not update the width."""
        if watched is self._content and event and event.type() == QEvent.Type.LayoutRequest:
            # A new text in a label of fixed size asks for a layout too, and drawing takes time.
            before, self._hint = self._hint, self._content.sizeHint()
            if self._hint != before:
                self.updateGeometry()
        return super().eventFilter(watched, event)

    def sizeHint(self) -> QSize:
        """Return the size of the content."""
        return self._with_bar(self._content.sizeHint())

    def minimumSizeHint(self) -> QSize:
        """Return the width of the content and the smallest height that can be worked with."""
        width = self._with_bar(self._content.minimumSizeHint()).width()
        return QSize(width, MIN_HEIGHT)

    def _with_bar(self, size: QSize) -> QSize:
        return size + QSize(self._bar.sizeHint().width() + 2 * self.frameWidth(), 0)


class _WheelFilter(QObject):
    """Pass wheel events to the scroll area, unless the control has the focus."""

    def eventFilter(self, control: QObject | None, event: QEvent | None) -> bool:
        """Ignore a wheel event of a control without focus; Qt passes it to the parent."""
        if event is None or event.type() != QEvent.Type.Wheel:
            return False
        if isinstance(control, QWidget) and control.hasFocus():
            return False
        event.ignore()
        return True


class _FieldFont(QObject):
    """Let text fields and tables follow napari's font size, as all other controls do.

    Parameters
    ----------
    content
        The widget with the fields, which owns this object.
    """

    def __init__(self, content: QWidget) -> None:
        super().__init__(content)
        self._content, self._appearance = content, get_settings().appearance
        self._apply()
        self._appearance.events.font_size.connect(self._apply)

    def _apply(self, _event: Any = None) -> None:
        size = self._appearance.font_size
        self._content.setStyleSheet(
            f"QLineEdit, QTableWidget, QHeaderView {{ font-size: {size}pt; }}"
        )


def make_scrollable(panel: QWidget, viewer: Viewer) -> QScrollArea:
    """Move the layout of a panel into a scroll area, where the focused control has a frame."""
    content = QWidget()
    inner = panel.layout()
    content.setLayout(inner)  # moves the widgets of the layout too
    if isinstance(inner, QVBoxLayout):
        inner.setContentsMargins(MARGIN, MARGIN, MARGIN, MARGIN)
        inner.addStretch(1)
    outer = QVBoxLayout(panel)
    outer.setContentsMargins(0, 0, 0, 0)
    area = _ScrollArea(content)
    outer.addWidget(area)
    FocusRing(content, viewer)
    _FieldFont(content)
    for button in content.findChildren(QPushButton):
        if button.objectName() not in STEERING:
            ReturningFocus(button)
    wheel_filter = _WheelFilter(panel)
    for kind in (QComboBox, QAbstractSpinBox, QSlider):
        for control in content.findChildren(kind):
            control.setFocusPolicy(Qt.FocusPolicy.StrongFocus)  # no focus by the wheel
            control.installEventFilter(wheel_filter)
    return area
