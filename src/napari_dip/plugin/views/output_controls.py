"""Choose where a result goes and which processes compute, and ask about an existing result."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from magicgui.widgets import Container, Widget
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QCheckBox, QMessageBox

from napari_dip.errors import FileProblem
from napari_dip.plaintext import as_html, plain
from napari_dip.plugin.controllers.backups import (
    back_up,
    backup_path,
    folder_size,
    is_displayed,
)
from napari_dip.plugin.models.folder_content import inspect_folder, resume_request
from napari_dip.plugin.models.run_request import ComputeOptions
from napari_dip.plugin.models.target import SUFFIX, Target, uncertainty_path
from napari_dip.plugin.views import controls, tooltips

if TYPE_CHECKING:
    from napari.viewer import Viewer
    from qtpy.QtWidgets import QWidget

    from napari_dip.plugin.models.folder_content import FolderContent
    from napari_dip.plugin.models.run_request import RunRequest

__all__ = ["OutputControls", "ask_about_folder"]

MEMORY, ZARR = "memory", "zarr"
HERE, PROCESSES, SCHEDULER = "here", "processes", "scheduler"


class OutputControls(Container[Widget]):
    """The controls under *Output and computing*."""

    def __init__(self) -> None:
        self.save_to = controls.combo_box(
            "save_to",
            "Result",
            tooltips.SAVE_TO,
            [("keep in memory", MEMORY), ("save as OME-Zarr …", ZARR)],
        )
        self.path = controls.save_path("path", "Folder", tooltips.FOLDER, f"OME-Zarr (*{SUFFIX})")
        self.compute = controls.combo_box(
            "machines",
            "Compute in",
            tooltips.COMPUTING,
            [
                ("this process", HERE),
                ("several processes", PROCESSES),
                ("a dask scheduler", SCHEDULER),
            ],
        )
        self.workers = controls.integer_box(
            "workers",
            "Processes",
            tooltips.PROCESSES,
            1,
            1024,
            max(2, (os.cpu_count() or 2) // 2),
        )
        self.address = controls.text_field(
            "address", "Address", tooltips.ADDRESS, "tcp://host:8786"
        )
        self._proposed: Path | None = None
        self._shown_proposal = ""
        self.path.line_edit.native.editingFinished.connect(self._show_proposal)
        self._too_large = self._chosen_automatically = False
        # Before the container connects to them, so that its listeners see the final visibility.
        self.save_to.changed.connect(self._update_visibility)
        self.compute.changed.connect(self._update_visibility)
        super().__init__(
            widgets=[self.save_to, self.path, self.compute, self.workers, self.address]
        )
        controls.align_labels(self)
        self._update_visibility()

    @property
    def on_disk(self) -> bool:
        """Whether the result is written to disk."""
        return bool(self.save_to.value == ZARR)

    def target(self) -> Target:
        """Return the target; the content of the folder is not checked.

        Raises
        ------
        FileProblem
            If no folder is given.
        """
        if not self.on_disk:
            return Target()
        path = self._typed or self._proposed
        if path is None:
            raise FileProblem(f"Type the name of a folder to write; it ends in {SUFFIX}.")
        return Target(path.expanduser().absolute())

    def compute_options(self) -> ComputeOptions:
        """Return which processes compute."""
        chosen = self.compute.value
        return ComputeOptions(
            workers=int(self.workers.value) if chosen == PROCESSES else None,
            scheduler=self.address.value.strip() if chosen == SCHEDULER else None,
        )

    def propose(self, path: Path) -> None:
        """Propose a folder; one that the user typed stays."""
        if path != self._proposed:
            self._proposed = path
            self.path.line_edit.native.setPlaceholderText(str(path))
        self._show_proposal()

    def choose(self, *, too_large: bool) -> bool:
        """Choose disk for a result that does not fit into memory, once for each image.

        A user who chooses memory again is not overruled.

        Returns
        -------
        bool
            Whether disk was chosen.
        """
        if too_large == self._too_large:
            return False
        self._too_large = too_large
        if too_large != self.on_disk and (too_large or self._chosen_automatically):
            self.save_to.value = ZARR if too_large else MEMORY
            self._chosen_automatically = too_large
            return too_large
        return False

    @property
    def _typed(self) -> Path | None:
        """The folder that the user typed; ``None`` for the proposed one."""
        path, text = self.path.value, self.path.line_edit.value
        return path if isinstance(path, Path) and text != self._shown_proposal else None

    def _show_proposal(self) -> None:
        """Show the proposed folder, unless the user typed another or is about to."""
        line = self.path.line_edit
        if self._typed is not None or self._proposed is None:
            return
        if not line.value and line.native.hasFocus() and self._shown_proposal:
            return  # the user cleared the line to type
        self._shown_proposal = str(self._proposed)
        if line.value != self._shown_proposal:
            self.path.value = self._proposed

    def _update_visibility(self, _value: Any = None) -> None:
        self.path.visible = self.on_disk
        self.workers.visible = self.compute.value == PROCESSES
        self.address.visible = self.compute.value == SCHEDULER


def ask_about_folder(request: RunRequest, viewer: Viewer, parent: QWidget) -> RunRequest | None:
    """Ask whether to resume, replace or keep the content of the folder of a run.

    Parameters
    ----------
    request
        A request whose mask was read.
    viewer
        Its layers may show the content of the folder.
    parent
        The parent widget of the dialog.

    Returns
    -------
    RunRequest
        The request to start; ``None`` if the user cancels. Without content, nothing is asked.

    Raises
    ------
    FileProblem
        If the content must not be replaced.
    """
    content = inspect_folder(request)
    if content is None:
        return request
    box = QMessageBox(parent)
    keep = QCheckBox(plain(f"Keep the content as '{backup_path(content.path).name}'"), box)
    # Only an unfinished run of the same image is replaced by default.
    keep.setChecked(not (content.unfinished and content.same_image))
    if is_displayed(viewer, content.path):
        keep.setChecked(True)
        keep.setEnabled(False)
        keep.setToolTip(tooltips.BACKUP_SHOWN)
    answer = _ask(box, content, keep)
    if answer is None:
        return None
    if answer == "resume":
        return resume_request(request, content)
    if keep.isChecked():
        kept = back_up(viewer, content.path)
        return _with_note(request, f"The earlier content is now in {kept.name}.")
    note = ""
    spread = uncertainty_path(content.path)
    if spread.exists() and request.target.widths_path(request.settings) is None:
        # It would look like the uncertainty of the new result.
        note = f"The earlier uncertainty is now in {back_up(viewer, spread).name}."
    return _with_note(replace(request, target=replace(request.target, overwrite=True)), note)


def _with_note(request: RunRequest, note: str) -> RunRequest:
    return replace(request, target=replace(request.target, note=note))


def _ask(box: QMessageBox, content: FolderContent, keep: QCheckBox) -> str | None:
    """Show the dialog; return ``"resume"``, ``"over"``, or ``None`` for Cancel."""
    from napari_dip.files.output_folder import working_folder

    box.setObjectName("target")
    box.setWindowTitle("Deep Image Prior")
    box.setIcon(QMessageBox.Icon.Question)
    box.setTextFormat(Qt.TextFormat.PlainText)
    what = "an unfinished run" if content.unfinished else "an image"
    working = working_folder(content.path)
    box.setText(plain(f"{content.path} holds {what} ({folder_size(content.path, working)})."))
    replaces = working != content.path and content.path.exists()
    older = "The earlier result that it would have replaced is still there." if replaces else ""
    deleted = "is deleted at once" if replaces else "is deleted when the new run is complete"
    left = "the unfinished run" if content.unfinished else "the content"
    over = f"Start over computes everything again; {left} {deleted}, unless you keep it."
    box.setInformativeText(as_html(" ".join(filter(None, (content.describe(), older, over)))))
    box.setCheckBox(keep)
    cancel = box.addButton(QMessageBox.StandardButton.Cancel)
    start_over = box.addButton("Start over", QMessageBox.ButtonRole.DestructiveRole)
    resume = None
    if content.resumable:
        resume = box.addButton("Resume", QMessageBox.ButtonRole.AcceptRole)
    box.setDefaultButton(resume or cancel)
    box.exec()
    answer = box.clickedButton()
    box.deleteLater()
    if answer is not None and answer is resume:
        return "resume"
    return "over" if answer is start_over else None
