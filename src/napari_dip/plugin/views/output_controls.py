"""The controls for where a result goes and who restores it."""

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
from napari_dip.plugin.controllers.backups import free_name, move_aside, shown_by, size_on_disk
from napari_dip.plugin.models.output_folder import look_at, resumed
from napari_dip.plugin.models.run_request import Machines
from napari_dip.plugin.models.target import SUFFIX, Target, spread_beside
from napari_dip.plugin.views import controls

if TYPE_CHECKING:
    from napari.viewer import Viewer
    from qtpy.QtWidgets import QWidget

    from napari_dip.plugin.models.output_folder import Existing
    from napari_dip.plugin.models.run_request import Asked

__all__ = ["Placing", "settle"]

_MEMORY, _ZARR = "memory", "zarr"


_HERE, _PROCESSES, _SCHEDULER = "here", "processes", "scheduler"


class Placing(Container[Widget]):
    """Where the result is kept, and where it is computed."""

    def __init__(self) -> None:
        self.save_to = controls.choice(
            "save_to",
            "result",
            "Keep the result in memory, or let it grow as OME-Zarr on the disk: for results larger "
            "than memory, and for runs that shall survive a crash. What is restored is shown while "
            "the rest is on its way, and can be gone on with.",
            [("keep in memory", _MEMORY), ("save as OME-Zarr …", _ZARR)],
        )
        self.path = controls.file_to_save(
            "path",
            "folder",
            f"The folder to write; its name ends in {SUFFIX}. It follows the image and the task "
            "until another one is typed, and again when the line is cleared. Of several fits the "
            "uncertainty is written beside it.",
            f"OME-Zarr (*{SUFFIX})",
        )
        self.machines = controls.choice(
            "machines",
            "machines",
            "Who restores: this process; several processes of this computer, each one plane or "
            "window at a time; or the workers of a dask scheduler that runs already, on other "
            "computers perhaps. The result is the same.",
            [
                ("this computer", _HERE),
                ("several processes", _PROCESSES),
                ("a dask scheduler", _SCHEDULER),
            ],
        )
        self.workers = controls.integer(
            "workers",
            "processes",
            "How many processes restore at once. Each takes the memory of one.",
            1,
            1024,
            max(2, (os.cpu_count() or 2) // 2),
        )
        self.address = controls.text(
            "address",
            "address",
            "Where the scheduler listens, as `dask scheduler` says when it starts. Its workers "
            "need the same versions of napari-dip and torch.",
            "tcp://host:8786",
        )
        self._proposed: Path | None = None
        self._followed = ""
        self.path.line_edit.native.editingFinished.connect(self._follow)
        self._too_large = self._set_by_itself = False
        # Before the container connects to them: who hears of it finds all in its place.
        self.save_to.changed.connect(self._show_what_counts)
        self.machines.changed.connect(self._show_what_counts)
        super().__init__(
            widgets=[self.save_to, self.path, self.machines, self.workers, self.address]
        )
        controls.align(self)
        self._show_what_counts()

    @property
    def on_disk(self) -> bool:
        """Whether the result goes into a file."""
        return bool(self.save_to.value == _ZARR)

    def target(self) -> Target:
        """Say where the result goes; what is there is not looked at.

        Raises
        ------
        FileProblem
            If no name is given.
        """
        if not self.on_disk:
            return Target()
        path = self._typed or self._proposed
        if path is None:
            raise FileProblem(f"Type the name of a folder to write; it ends in {SUFFIX}.")
        return Target(path.expanduser().absolute())

    def who(self) -> Machines:
        """Say who restores."""
        chosen = self.machines.value
        return Machines(
            workers=int(self.workers.value) if chosen == _PROCESSES else None,
            scheduler=self.address.value.strip() if chosen == _SCHEDULER else None,
        )

    def propose(self, path: Path) -> None:
        """Name the folder for the chosen image and task; one that the user has typed stays."""
        if path != self._proposed:
            self._proposed = path
            self.path.line_edit.native.setPlaceholderText(str(path))
        self._follow()

    def choose(self, *, too_large: bool) -> bool:
        """Choose the disk where the result does not fit into memory.

        It is chosen but once for an image: whoever goes back to memory after that is believed.

        Returns
        -------
        bool
            Whether it was chosen.
        """
        if too_large == self._too_large:
            return False
        self._too_large = too_large
        if too_large != self.on_disk and (too_large or self._set_by_itself):
            self.save_to.value = _ZARR if too_large else _MEMORY
            self._set_by_itself = too_large
            return too_large
        return False

    @property
    def _typed(self) -> Path | None:
        """The folder that the user has typed; ``None`` where it is left to follow the image."""
        path, text = self.path.value, self.path.line_edit.value
        return path if isinstance(path, Path) and text != self._followed else None

    def _follow(self) -> None:
        """Show the proposed folder, unless the user has typed another or is about to."""
        line = self.path.line_edit
        if self._typed is not None or self._proposed is None:
            return
        if not line.value and line.native.hasFocus() and self._followed:
            return  # the line was cleared to be typed in
        self._followed = str(self._proposed)
        if line.value != self._followed:
            self.path.value = self._proposed

    def _show_what_counts(self, _value: Any = None) -> None:
        self.path.visible = self.on_disk
        self.workers.visible = self.machines.value == _PROCESSES
        self.address.visible = self.machines.value == _SCHEDULER


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
    from napari_dip.files.output_folder import working_folder

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
