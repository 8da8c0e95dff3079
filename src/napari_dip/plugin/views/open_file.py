"""The button that opens images of microscopes in the viewer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari.utils.history import get_open_history, update_open_history
from napari.utils.notifications import show_error
from qtpy.compat import isalive
from qtpy.QtCore import Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QFileDialog, QInputDialog, QMenu, QPushButton, QSizePolicy, QStyle
from superqt.utils import create_worker

from napari_dip.errors import NapariDipError
from napari_dip.plaintext import as_html, plain
from napari_dip.plugin.views import tooltips

if TYPE_CHECKING:
    from napari.layers import Image
    from napari.viewer import Viewer

    from napari_dip.plugin.models.opened_file import OpenedFile

__all__ = ["OpenButton"]


class OpenButton(QPushButton):
    """A button with a menu: open files, or a folder of OME-Zarr, in a worker thread.

    ``message`` has a text for the user, ``opened`` the first new layer.

    Parameters
    ----------
    viewer
        It gets the layers.
    name, tip
        The name of the object, and what it opens.
    """

    message = Signal(str)
    opened = Signal(object)

    def __init__(self, viewer: Viewer, name: str = "open_file", tip: str = tooltips.OPEN) -> None:
        super().__init__()
        # An icon: at a font size of 14, a text would leave no room for the name of the image.
        if (style := self.style()) is not None:
            self.setIcon(style.standardIcon(QStyle.StandardPixmap.SP_DialogOpenButton))
        self._viewer = viewer
        self.setObjectName(name)
        self.setAccessibleName("Open")
        self.setAccessibleDescription(tip)
        self.setToolTip(tip)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        menu = QMenu(self)
        menu.addAction("File or series of files…", self._ask_files)
        menu.addAction("OME-Zarr folder…", self._ask_folder)
        self.setMenu(menu)

    def _ask_files(self) -> None:
        names, _ = QFileDialog.getOpenFileNames(
            self, "Open an image, or all files of a series", get_open_history()[0]
        )
        if names:
            update_open_history(names[0])
            self._open([Path(name) for name in names])

    def _ask_folder(self) -> None:
        name = QFileDialog.getExistingDirectory(
            self, "Open a folder of OME-Zarr", get_open_history()[0]
        )
        if name:
            update_open_history(name)
            self._open([Path(name)])

    def _open(self, files: list[Path], number: int | None = None) -> None:
        self.setEnabled(False)
        self.message.emit(f"Opening {files[0].name} …")
        worker: Any = create_worker(_opened, files, number)
        worker.returned.connect(lambda found: self._receive(found, files, number))
        worker.start()

    def _receive(self, found: OpenedFile | str, files: list[Path], number: int | None) -> None:
        if not isalive(self):  # type: ignore[no-untyped-call]
            return
        self.setEnabled(True)
        if isinstance(found, str):
            self._fail(found)
            return
        images = found.stored.images
        if images and number is None:
            chosen = self._ask_image(images)
            if chosen is None:
                self.message.emit("Nothing was opened.")
                return
            if chosen != found.stored.series:
                self._open(files, chosen)
                return
        try:
            layers = found.layers()
        except Exception as error:  # noqa: BLE001 - napari reads the first plane here
            self._fail(_reason(error, found.path))
            return
        self._add(layers, found)

    def _add(self, layers: list[Image], found: OpenedFile) -> None:
        for layer in layers:
            self._viewer.add_layer(layer)
        notes = [note for note in found.stored.notes if "--series" not in note]
        count = f" as {len(layers)} layers, one for each channel" if len(layers) > 1 else ""
        self.opened.emit(layers[0])
        self.message.emit(" ".join((f"Opened {found.path.name}{count}.", *notes)))

    def _ask_image(self, images: tuple[str, ...]) -> int | None:
        """Ask which image of a file to open; ``None`` cancels."""
        named = [plain(f"{number}: {image}") for number, image in enumerate(images)]
        text, accepted = QInputDialog.getItem(
            self, "Open", f"The file holds {len(images)} images:", named, 0, False
        )
        return named.index(text) if accepted else None

    def _fail(self, text: str) -> None:
        self.message.emit(text)
        show_error(as_html(plain(text)))


def _opened(files: list[Path], number: int | None) -> OpenedFile | str:
    """Open files in the worker thread; an exception there would emit no signal."""
    from napari_dip.plugin.models.opened_file import OpenedFile, pattern_of

    try:
        return OpenedFile.open(pattern_of(files), number)
    except Exception as error:  # noqa: BLE001 - every error must reach the user
        return _reason(error, files[0])


def _reason(error: Exception, path: Path) -> str:
    known = isinstance(error, NapariDipError)
    return str(error) if known else f"{path} was not opened ({type(error).__name__}: {error})."
