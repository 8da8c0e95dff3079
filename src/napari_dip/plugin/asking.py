"""The question that a panel asks before a run, where something lies in its folder."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QCheckBox, QMessageBox

from napari_dip.plaintext import as_html, plain
from napari_dip.plugin.aside import free_name, move_aside, shown_by, size_on_disk
from napari_dip.plugin.existing import look_at, resumed
from napari_dip.plugin.target import spread_beside

if TYPE_CHECKING:
    from napari.viewer import Viewer
    from qtpy.QtWidgets import QWidget

    from napari_dip.plugin.estimate import Asked
    from napari_dip.plugin.existing import Existing

__all__ = ["settle"]


def settle(asked: Asked, viewer: Viewer, parent: QWidget) -> Asked | None:
    """Ask what to do with what lies in the folder of a run, if anything does.

    Parameters
    ----------
    asked
        The run, its mask read.
    viewer
        Whose layers may show what lies there.
    parent
        The window of the question.

    Returns
    -------
    Asked
        The run as it is to be started; ``None`` if the user wants no run.

    Raises
    ------
    FileProblem
        If something lies there that must not be replaced.
    """
    found = look_at(asked)
    if found is None:
        return asked
    box = QMessageBox(parent)
    keep = QCheckBox(plain(f"Keep what is there as '{free_name(found.path).name}'"), box)
    # Only what this very image has left unfinished is replaced unless the user says otherwise.
    keep.setChecked(not (found.unfinished and found.same_image))
    if shown_by(viewer, found.path):
        keep.setChecked(True)
        keep.setEnabled(False)
        keep.setToolTip("A layer of the viewer shows it.")
    answer = _answer(box, found, keep)
    if answer is None:
        return None
    if answer == "resume":
        return resumed(asked, found)
    if keep.isChecked():
        free = move_aside(viewer, found.path)
        return _noted(asked, f"What was there before is now in {free.name}.")
    said = ""
    spread = spread_beside(found.path)
    if spread.exists() and asked.target.spread_path(asked.settings) is None:
        # It must not pass for the uncertainty of the new result.
        said = f"The earlier uncertainty is now in {move_aside(viewer, spread).name}."
    return _noted(replace(asked, target=replace(asked.target, overwrite=True)), said)


def _noted(asked: Asked, note: str) -> Asked:
    return replace(asked, target=replace(asked.target, note=note))


def _answer(box: QMessageBox, found: Existing, keep: QCheckBox) -> str | None:
    """Show the question; ``"resume"``, ``"over"``, or ``None`` for neither."""
    from napari_dip.files.resumable_zarr import working_folder

    box.setObjectName("target")
    box.setWindowTitle("Deep Image Prior")
    box.setIcon(QMessageBox.Icon.Question)
    box.setTextFormat(Qt.TextFormat.PlainText)
    what = "an unfinished run" if found.unfinished else "an image"
    grows = working_folder(found.path)
    box.setText(plain(f"{found.path} holds {what} ({size_on_disk(found.path, grows)})."))
    replaces = "It was to replace an earlier result, which is still there."
    older = replaces if grows != found.path and found.path.exists() else ""
    deleted = "is deleted at once" if older else "stays until that is done, and is then deleted"
    left = "the unfinished run" if found.unfinished else "what is there"
    over = f"Start over computes all of it anew; {left} {deleted}, unless it is kept."
    box.setInformativeText(as_html(" ".join(filter(None, (found.in_words(), older, over)))))
    box.setCheckBox(keep)
    cancel = box.addButton(QMessageBox.StandardButton.Cancel)
    anew = box.addButton("Start over", QMessageBox.ButtonRole.DestructiveRole)
    resume = None
    if found.resumable:
        resume = box.addButton("Resume", QMessageBox.ButtonRole.AcceptRole)
    box.setDefaultButton(resume or cancel)
    box.exec()
    answer = box.clickedButton()
    box.deleteLater()
    if answer is not None and answer is resume:
        return "resume"
    return "over" if answer is anew else None
