"""Ask the user for a file to write."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from napari.utils.history import get_save_history, update_save_history
from qtpy.QtWidgets import QFileDialog, QMessageBox

from napari_dip.plaintext import as_html

if TYPE_CHECKING:
    from collections.abc import Iterable

    from qtpy.QtWidgets import QWidget

__all__ = ["ask_path", "may_replace"]


def ask_path(
    parent: QWidget, title: str, proposed: Path, kinds: Iterable[str]
) -> tuple[Path | None, str]:
    """Ask for a file, without a question if it exists: the caller adds a suffix first.

    Parameters
    ----------
    parent, title
        The widget that asks, and the title of the dialog.
    proposed
        The first choice; without a folder, in that of the last file saved in napari.
    kinds
        The kinds of files, as Qt writes them: ``"PNG (*.png)"``.

    Returns
    -------
    Path or None
        The file; ``None`` if the user cancelled.
    str
        The chosen kind.
    """
    text, kind = QFileDialog.getSaveFileName(
        parent,
        title,
        str(Path(get_save_history()[0]) / proposed),
        ";;".join(kinds),
        options=QFileDialog.Option.DontConfirmOverwrite,
    )
    if not text:
        return None, kind
    update_save_history(text)
    return Path(text), kind


def may_replace(parent: QWidget, title: str, path: Path) -> bool:
    """Ask whether an existing file may be replaced."""
    answer = QMessageBox.question(
        parent,
        title,
        as_html(f"{path} exists. Replace it?"),
        QMessageBox.StandardButton.Yes | QMessageBox.StandardButton.No,
        QMessageBox.StandardButton.No,
    )
    return bool(answer == QMessageBox.StandardButton.Yes)
