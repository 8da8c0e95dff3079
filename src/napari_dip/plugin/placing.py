"""The controls for where a result goes and who restores it, and the question about a target."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from magicgui.widgets import Container, Widget
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QMessageBox

from napari_dip.errors import FileProblem
from napari_dip.plaintext import plain
from napari_dip.plugin import controls
from napari_dip.plugin.compute import Machines
from napari_dip.plugin.target import SUFFIX, Target

if TYPE_CHECKING:
    from qtpy.QtWidgets import QWidget

__all__ = ["Placing", "settle_target"]

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
            f"The folder to write; its name ends in {SUFFIX}. Of several fits the uncertainty is "
            "written beside it.",
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
        if not isinstance(self.path.value, Path):
            raise FileProblem(f"Type the name of a folder to write; it ends in {SUFFIX}.")
        return Target(self.path.value.expanduser().absolute())

    def who(self) -> Machines:
        """Say who restores."""
        chosen = self.machines.value
        return Machines(
            workers=int(self.workers.value) if chosen == _PROCESSES else None,
            scheduler=self.address.value.strip() if chosen == _SCHEDULER else None,
        )

    def suggest(self, path: Path, *, too_large: bool) -> bool:
        """Propose a folder, and choose it where the result does not fit into memory.

        It is chosen but once for an image: whoever goes back to memory after that is believed.

        Returns
        -------
        bool
            Whether it was chosen.
        """
        if self.path.value in (None, self._proposed) and path != self._proposed:
            self._proposed = path
            self.path.value = path
        if too_large == self._too_large:
            return False
        self._too_large = too_large
        if too_large != self.on_disk and (too_large or self._set_by_itself):
            self.save_to.value = _ZARR if too_large else _MEMORY
            self._set_by_itself = too_large
            return too_large
        return False

    def _show_what_counts(self, _value: Any = None) -> None:
        self.path.visible = self.on_disk
        self.workers.visible = self.machines.value == _PROCESSES
        self.address.visible = self.machines.value == _SCHEDULER


def settle_target(target: Target, parent: QWidget) -> Target | None:
    """Ask what to do with what lies at the target, if anything does; ``None`` to do nothing.

    Raises
    ------
    FileProblem
        If something is there that must not be replaced.
    """
    if target.path is None:
        return target
    from napari_dip.files.growing import what_is_there

    there = what_is_there(target.path)
    if there == "nothing":
        return target
    box = QMessageBox(parent)
    box.setObjectName("target")
    box.setWindowTitle("Deep Image Prior")
    box.setIcon(QMessageBox.Icon.Question)
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setText(plain(f"{target.path} holds {there}."))
    cancel = box.addButton(QMessageBox.StandardButton.Cancel)
    anew = box.addButton("Start anew", QMessageBox.ButtonRole.DestructiveRole)
    go_on = None
    if there == "an unfinished run":
        box.setInformativeText(
            "Go on with it, which needs the same image and settings, or start anew, which deletes "
            "what is there?"
        )
        go_on = box.addButton("Go on", QMessageBox.ButtonRole.AcceptRole)
    else:
        box.setInformativeText("Start anew, which deletes what is there?")
    box.setDefaultButton(go_on or cancel)
    box.exec()
    answer = box.clickedButton()
    box.deleteLater()
    if answer is not None and answer is go_on:
        return Target(target.path, resume=True)
    return Target(target.path, overwrite=True) if answer is anew else None
