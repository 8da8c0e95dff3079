"""What a newcomer looks for: an image to begin with, and the page that explains the panel."""

from __future__ import annotations

from importlib.metadata import metadata
from typing import TYPE_CHECKING, Any

from napari.layers import Image, Labels
from napari.utils.theme import get_theme
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QHBoxLayout, QLabel, QWidget

from napari_dip.plugin import controls

if TYPE_CHECKING:
    from magicgui.widgets import ComboBox, PushButton
    from napari.viewer import Viewer

__all__ = ["HelpLink", "choose_likely", "no_image", "sample_button", "with_help"]


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
