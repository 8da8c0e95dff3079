"""napari's own icons on the buttons and folds of a panel, in the colour of the theme."""

from __future__ import annotations

from importlib.metadata import metadata
from typing import TYPE_CHECKING, Any

from napari.layers import Image, Labels
from napari.utils.theme import get_theme
from qtpy.QtCore import QEvent, QObject, QSize, Qt, Signal  # type: ignore[attr-defined]
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

from napari_dip.plugin.views import controls

if TYPE_CHECKING:
    from magicgui.widgets import ComboBox, PushButton
    from napari.viewer import Viewer

__all__ = [
    "Docking",
    "HelpLink",
    "Icons",
    "choose_likely",
    "make_scrollable",
    "no_image",
    "sample_button",
    "with_help",
]


class Icons(QObject):
    """Gives a panel its icons, and new ones when the theme changes.

    What napari has no fitting icon for, as *Pause*, stays with its text alone.

    Parameters
    ----------
    panel
        The widget with the buttons, and the owner of this object.
    viewer
        Whose theme gives the colour.
    """

    def __init__(self, panel: QWidget, viewer: Viewer) -> None:
        super().__init__(panel)
        self._panel, self._viewer = panel, viewer
        self._dress()
        viewer.events.theme.connect(self._dress)

    def _dress(self, _event: Any = None) -> None:
        theme = get_theme(self._viewer.theme).id
        for button in self._panel.findChildren(QPushButton):
            if name := _OF_BUTTONS.get(button.objectName()):
                button.setIcon(_icon(theme, name))
                button.setIconSize(_SIZE)
        for fold in self._panel.findChildren(QCollapsible):
            fold.setCollapsedIcon(_icon(theme, "right_arrow"))
            fold.setExpandedIcon(_icon(theme, "down_arrow"))
            fold.toggleButton().setIconSize(_SIZE)


def _icon(theme: str, name: str) -> QIcon:
    """Take an icon from where napari's own style sheet has it."""
    icon = QIcon(f"theme_{theme}:/{name}.svg")
    icon.addFile(f"theme_{theme}:/{name}_50.svg", mode=QIcon.Mode.Disabled)
    return icon


_SIZE = QSize(16, 12)  # with air on either side


_OF_BUTTONS = {
    "run": "right_arrow",
    "resume": "right_arrow",
    "stop": "square",
    "discard": "delete",
    "continue": "right_arrow",
    "keep_as_layer": "new_image",
    "open_sample": "new_image",
    "new_mask": "new_labels",
    "queue_run": "right_arrow",
    "queue_clear": "delete",
}


class HelpLink(QLabel):
    """Opens a page of the documentation in the browser.

    Parameters
    ----------
    page
        Its name, as ``"denoise"``.
    viewer
        Whose theme gives the colour: Qt's own blue cannot be read on a dark ground.
    """

    def __init__(self, page: str, viewer: Viewer) -> None:
        super().__init__()
        self._viewer = viewer
        self.address = f"{_site()}{page}/"
        self.setObjectName("help")
        self.setAccessibleName("Help")
        self.setToolTip(f"Open the page about this panel: {self.address}")
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextBrowserInteraction)
        self.setOpenExternalLinks(True)
        self.setContentsMargins(0, 3, 0, 0)  # on one line with what is beside it
        self._dress()
        viewer.events.theme.connect(self._dress)

    def _dress(self, _event: Any = None) -> None:
        colour = get_theme(self._viewer.theme).text.as_hex()
        self.setText(f'<a href="{self.address}" style="color: {colour}">Help</a>')


def with_help(words: QLabel, link: HelpLink) -> QWidget:
    """Put a link into the upper right corner of a place for words."""
    both = QWidget()
    row = QHBoxLayout(both)
    row.setContentsMargins(0, 0, 0, 0)
    words.setAlignment(Qt.AlignmentFlag.AlignTop)
    row.addWidget(words, 1)
    row.addWidget(link, 0, Qt.AlignmentFlag.AlignTop)
    return both


def sample_button() -> PushButton:
    """Make a button that opens a sample where there is no image yet."""
    return controls.button(
        "open_sample", "Open the sample", "Open an image that suits this panel, to try it on."
    )


def choose_likely(images: ComboBox, viewer: Viewer) -> None:
    """Of the images that can be seen, choose the selected one or else the topmost."""
    seen = [layer for layer in viewer.layers if isinstance(layer, Image) and layer.visible]
    if seen:
        active = viewer.layers.selection.active
        images.value = active if active in seen else seen[-1]


def no_image(viewer: Viewer) -> str:
    """Say how to come by an image: files of 32-bit integers napari opens as Labels."""
    labels = [layer.name for layer in viewer.layers if isinstance(layer, Labels)]
    if labels:
        return (
            f"There is no image yet, and '{labels[-1]}' is a Labels layer. If it is to be "
            "restored, right-click it in the layer list and choose Convert to Image."
        )
    return "There is no image yet: open one, or the sample, then press Run."


def _site() -> str:
    """Say where the documentation is, as the package has it."""
    links = metadata("napari-dip").get_all("Project-URL", [])
    named: dict[str, str] = dict(link.split(", ", 1) for link in links)
    return named["Documentation"]


_MARGIN = 6
"""Around what a panel holds: its rows and a scroll bar fit side by side into the panel's width."""


class _Area(QScrollArea):
    """Asks for all the room that its content would like to have, where Qt's asks for a part."""

    def __init__(self, content: QWidget) -> None:
        super().__init__()
        self._content, self._bar = content, QScrollBar(Qt.Orientation.Vertical)
        self.setVerticalScrollBar(self._bar)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setWidgetResizable(True)
        self.setWidget(content)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Say that there is more in it, or less; Qt's scroll area would not become wider for it."""
        if watched is self._content and event and event.type() == QEvent.Type.LayoutRequest:
            self.updateGeometry()
        return super().eventFilter(watched, event)

    def sizeHint(self) -> QSize:
        """As large as the content."""
        return self._with_bar(self._content.sizeHint())

    def minimumSizeHint(self) -> QSize:
        """As wide as the content, and as low as can be."""
        width = self._with_bar(self._content.minimumSizeHint()).width()
        return QSize(width, super().minimumSizeHint().height())

    def _with_bar(self, size: QSize) -> QSize:
        return size + QSize(self._bar.sizeHint().width() + 2 * self.frameWidth(), 0)


class _Wheel(QObject):
    """Leaves the wheel to the scroll bar, where a control has not been chosen before."""

    def eventFilter(self, control: QObject | None, event: QEvent | None) -> bool:
        """Hold the wheel back from what has no focus; its event goes on to the parent."""
        if event is None or event.type() != QEvent.Type.Wheel:
            return False
        if isinstance(control, QWidget) and control.hasFocus():
            return False
        event.ignore()
        return True


def make_scrollable(panel: QWidget) -> None:
    """Put what a panel holds into a scroll area; the layout stays the one that it had."""
    content = QWidget()
    inner = panel.layout()
    content.setLayout(inner)  # and with it all that lies in it
    if isinstance(inner, QVBoxLayout):
        inner.setContentsMargins(_MARGIN, _MARGIN, _MARGIN, _MARGIN)
        inner.addStretch(1)
    outer = QVBoxLayout(panel)
    outer.setContentsMargins(0, 0, 0, 0)
    outer.addWidget(_Area(content))
    wheel = _Wheel(panel)
    for kind in (QComboBox, QAbstractSpinBox, QSlider):
        for control in content.findChildren(kind):
            control.setFocusPolicy(Qt.FocusPolicy.StrongFocus)  # not by the wheel
            control.installEventFilter(wheel)


class Docking(QObject):
    """Watches a panel; napari, which removes it from its dock, says so to nobody.

    Parameters
    ----------
    panel
        The widget to watch, and the owner of this object.
    """

    undocked = Signal()

    def __init__(self, panel: QWidget) -> None:
        super().__init__(panel)
        panel.installEventFilter(self)

    def eventFilter(self, panel: QObject | None, event: QEvent | None) -> bool:
        """Listen, and let everything pass."""
        moved = event is not None and event.type() == QEvent.Type.ParentChange
        if moved and panel is not None and panel.parent() is None:
            self.undocked.emit()
        return False
