"""Choose image files to restore, and show what becomes of each."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from magicgui.widgets import Container, Widget
from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QMenu,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_dip.plaintext import as_html, plain
from napari_dip.plugin.models.file_job import FileChoice, proposed_results
from napari_dip.plugin.views import controls, tooltips
from napari_dip.plugin.views.path_row import PathRow, ask_files, ask_folder
from napari_dip.plugin.views.text_lines import TextLines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_dip.plugin.controllers.file_batch import FileBatch

__all__ = ["FileList"]

TABLE_HEIGHT = 150  # pixels: about five images, the others are scrolled

DETAIL_LINES = 3  # lines that fit most errors


class FileList(QWidget):
    """The controls of a batch of files under *Batch*.

    Parameters
    ----------
    batch
        The batch to show.
    done
        What is done to the images, such as ``"denoised"``.
    extra
        Further controls of the task, such as the file of a mask.

    Attributes
    ----------
    stop
        The button *Stop*, which the owner connects.
    """

    def __init__(self, batch: FileBatch, done: str, extra: Sequence[Widget] = ()) -> None:
        super().__init__()
        self._batch, self._done = batch, done
        self._files: tuple[Path, ...] = ()
        self._files_text = self._proposed = ""
        self._form = self._make_form(extra)
        self._table = _table()
        self._details = TextLines("file_details", "Details of the image", DETAIL_LINES)
        self.run = controls.button("files_run", "Run all", tooltips.FILES_RUN, enabled=False)
        self.stop = controls.button("files_stop", "Stop", tooltips.FILES_STOP, enabled=False)
        self.run.changed.connect(batch.run)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for part in (
            self._form.native,
            controls.flow(self.run.native, self.stop.native),
            self._table,
            self._details,
        ):
            layout.addWidget(part)
        self._table.currentCellChanged.connect(self._show_details)
        batch.changed.connect(self._update)

    def choose(self, *paths: Path) -> None:
        """Choose a folder, or files."""
        if len(paths) == 1 and paths[0].is_dir():
            self._files, text = (), str(paths[0])
        else:
            count = "1 file" if len(paths) == 1 else f"{len(paths)} files"
            self._files, text = paths, f"{count} in {paths[0].parent}"
            self._files_text = text
        self.images.line.value = text
        self._choose()

    def _make_form(self, extra: Sequence[Widget]) -> Container[Widget]:
        self.images = PathRow("images", "Images", tooltips.FILES_IMAGES, "a folder, or files")
        self.pattern = controls.text_field(
            "pattern", "Names", tooltips.FILES_PATTERN, "all images, or *_ch1.tif"
        )
        self.results = PathRow(
            "results",
            "Results",
            tooltips.FILES_RESULTS,
            "a folder",
            partial(ask_folder, "A folder for the results"),
        )
        self.overwrite = controls.check_box(
            "files_overwrite", "Replace older results", tooltips.FILES_OVERWRITE
        )
        menu = QMenu(self.images.button.native)
        menu.addAction("Folder…", self._ask_folder)
        menu.addAction("Files…", self._ask_files)
        self.images.button.native.setMenu(menu)
        for line in (self.images.line, self.pattern, self.results.line):
            line.native.editingFinished.connect(self._choose)
        self.overwrite.changed.connect(self._choose)
        form: Container[Widget] = Container(
            widgets=[self.images.row, self.pattern, *extra, self.results.row, self.overwrite]
        )
        form.margins = (0, 0, 0, 0)
        controls.align_labels(form)
        return form

    def _ask_folder(self) -> None:
        if name := ask_folder("A folder of images, or a plate"):
            self.choose(Path(name))

    def _ask_files(self) -> None:
        if names := ask_files("Images to restore"):
            self.choose(*map(Path, names))

    def _choose(self, _value: Any = None) -> None:
        """List the chosen images; the place of the results follows them until it is typed."""
        text = self.images.line.value.strip()
        files = self._files if text == self._files_text else ()
        folder = Path(text).expanduser() if text and not files else None
        self.pattern.enabled = not files
        first = files[0] if files else folder
        typed = self.results.line.value.strip()
        if first is not None and typed in ("", self._proposed):
            typed = self._proposed = str(proposed_results(first, self._done))
            self.results.line.value = typed
        self._batch.choose(
            FileChoice(
                folder,
                files,
                "" if files else self.pattern.value.strip(),
                Path(typed).expanduser() if typed else None,
                overwrite=bool(self.overwrite.value),
            )
        )

    def _update(self) -> None:
        batch = self._batch
        self._table.setRowCount(len(batch.entries))
        for row, entry in enumerate(batch.entries):
            tip = entry.details
            self._show_cell(row, 0, entry.name, tip)
            self._show_cell(row, 1, entry.in_words(), tip)
            if entry.state == "running":
                self._table.scrollToItem(self._table.item(row, 0))
        self._form.enabled = not batch.running
        self.run.enabled, self.stop.enabled = batch.can_run, batch.can_stop
        self._show_details()

    def _show_cell(self, row: int, column: int, text: str, tip: str) -> None:
        cell = self._table.item(row, column)
        if cell is None:
            cell = QTableWidgetItem()
            self._table.setItem(row, column, cell)
        if cell.text() != plain(text):  # a new text draws the whole window
            cell.setText(plain(text))
        if cell.toolTip() != as_html(tip):
            cell.setToolTip(as_html(tip))

    def _show_details(self, *_: int) -> None:
        """Show what is known of the chosen image; without one, what is going on."""
        batch, row = self._batch, self._table.currentRow()
        if batch.problem:
            text = batch.problem
        elif 0 <= row < len(batch.entries):
            text = batch.entries[row].details
        elif batch.status or not batch.entries:
            text = batch.status
        else:
            text = "1 image." if len(batch.entries) == 1 else f"{len(batch.entries)} images."
        self._details.show_text(text)


def _table() -> QTableWidget:
    table = QTableWidget(0, 2)
    table.setObjectName("files")
    table.setAccessibleName("Images and their states")
    table.setToolTip(tooltips.FILES_LIST)
    table.setHorizontalHeaderLabels(["Image", "State"])
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
    table.setTextElideMode(Qt.TextElideMode.ElideMiddle)
    table.setTabKeyNavigation(False)  # Tab leaves the table; the arrow keys move in it
    table.setWordWrap(False)
    table.setFixedHeight(TABLE_HEIGHT)
    table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    if (rows := table.verticalHeader()) is not None:
        rows.hide()
        rows.setMinimumSectionSize(0)  # that of Qt is half as high again as a text
        rows.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
    if (columns := table.horizontalHeader()) is not None:
        columns.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        columns.setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
    return table
