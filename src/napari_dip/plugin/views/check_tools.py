"""Show the buttons that check a result and write down how it was made."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING
from weakref import ref

from napari.layers import Image
from napari.utils.notifications import show_error
from qtpy.QtCore import Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QApplication, QLabel, QVBoxLayout, QWidget

from napari_dip.errors import NapariDipError
from napari_dip.plaintext import as_html, plain
from napari_dip.plugin.controllers.background import in_background
from napari_dip.plugin.controllers.result_layer import insert_beside
from napari_dip.plugin.models.assessed_layer import AssessedLayer, input_of_result, layer_methods
from napari_dip.plugin.models.saved_layer import SavedLayer
from napari_dip.plugin.views import controls, tooltips
from napari_dip.plugin.views.save_dialog import ask_path, may_replace
from napari_dip.plugin.views.text_lines import TextLines

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from magicgui.widgets import PushButton
    from napari.layers import Layer
    from napari.viewer import Viewer

    from napari_dip.plugin.controllers.finished_run import FinishedRun
    from napari_dip.plugin.models.residual_layer import ResidualLayer

__all__ = ["CheckTools"]

TITLE = "Report"

VERDICT_LINES = 3  # lines that fit a verdict

REPORT_KINDS = {"Web page (*.html)": ".html", "JSON (*.json)": ".json"}

REPORT_SUFFIXES = {".html", ".htm", ".json"}


class CheckTools(QWidget):
    """*Residual*, *Report* and *Copy methods text*, for the layer of a result.

    ``message`` has a text for the user.

    Parameters
    ----------
    viewer
        The viewer.
    layer
        Return the layer to check.

    Attributes
    ----------
    buttons
        *Residual* and *Report*, which the panel places.
    verdict
        What the residual shows, which the panel places; it is hidden until the residual is known.
    """

    message = Signal(str)

    def __init__(self, viewer: Viewer, layer: Callable[[], Layer | None]) -> None:
        super().__init__()
        self._viewer, self._layer = viewer, layer
        # Not kept alive: it holds the network and the frames, which are released with its layer.
        self._finished: Callable[[], FinishedRun | None] = lambda: None
        self._recorded = self._busy = False
        self.residual = controls.button("residual", "Residual", tooltips.RESIDUAL)
        self.report = controls.button("report", "Report…", tooltips.REPORT)
        self.methods = controls.button("copy_methods", "Copy methods text", tooltips.METHODS)
        self.buttons: list[PushButton] = [self.residual, self.report]
        self.verdict = TextLines("verdict", "Residual", VERDICT_LINES)
        self.verdict.hide()
        self._more = {
            name: controls.check_box(f"report_{name}", text, tip)
            for name, text, tip in (
                ("uncertainty", "Uncertainty", tooltips.REPORT_UNCERTAINTY),
                ("resolution", "Resolution", tooltips.REPORT_RESOLUTION),
                ("invented", "Invented structure", tooltips.REPORT_INVENTED),
            )
        }
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(QLabel("In the report, too (takes one or two runs each):"))
        column.addWidget(controls.flow(*(box.native for box in self._more.values())))
        column.addWidget(controls.flow(self.methods.native))
        self.residual.changed.connect(self._add_residual)
        self.report.changed.connect(self._write_report)
        self.methods.changed.connect(self._copy_methods)

    def set_finished(self, finished: FinishedRun | None) -> None:
        """Set the last result of the panel, whose input is known even if its layer is deleted."""
        self._finished = (lambda: None) if finished is None else ref(finished)
        self.verdict.hide()

    def allow(self, *, recorded: bool) -> None:
        """Enable the buttons if there is a result."""
        self._recorded = self.methods.enabled = recorded
        self._update()

    def _add_residual(self) -> None:
        layer, assessed = self._read()
        if layer is None or assessed is None:
            return
        self._start(f"Computing the residual of '{layer.name}' …")
        in_background(self, assessed.residual, partial(self._show_residual, layer), self._fail)

    def _show_residual(self, layer: Image, residual: ResidualLayer) -> None:
        pixels, keywords, _ = residual.data
        new = Image(pixels, **keywords)
        insert_beside(self._viewer, layer, new, above=True)
        verdict, *details = residual.check.sentences()
        self.verdict.show_text(verdict, "\n".join(details))
        self.verdict.show()
        self._end(f"Added '{new.name}'.")

    def _write_report(self) -> None:
        layer, assessed = self._read()
        if layer is None or assessed is None:
            return
        try:
            path = self._ask_path(layer)
        except NapariDipError as error:
            self._fail(str(error))
            return
        if path is None:
            return
        chosen = {name: bool(box.value) for name, box in self._more.items()}

        def write() -> str:
            from napari_dip.assess.report import check_report_name  # takes a second

            check_report_name(path)
            assessed.report(**chosen).write(path)
            return f"Saved the report to {path}."

        self._start(f"Writing the report on '{layer.name}' …")
        in_background(self, write, self._end, self._fail)

    def _ask_path(self, layer: Image) -> Path | None:
        proposed = SavedLayer.of(layer).proposed_path()
        path, kind = ask_path(
            self, TITLE, proposed.with_name(f"{proposed.name}.html"), REPORT_KINDS
        )
        if path is None:
            return None
        if path.suffix.lower() not in REPORT_SUFFIXES:
            path = path.with_name(path.name + REPORT_KINDS.get(kind, ".html"))
        allowed = not path.exists() or may_replace(self, TITLE, path)
        return path if allowed else None

    def _copy_methods(self) -> None:
        layer = self._layer()
        if layer is None:
            return
        try:
            text = layer_methods(layer)
        except NapariDipError as error:
            self.message.emit(str(error))
            return
        if (clipboard := QApplication.clipboard()) is not None:
            clipboard.setText(text)
        self.message.emit("Copied the methods text with its references.")

    def _read(self) -> tuple[Image | None, AssessedLayer | None]:
        """Read the layer and its input; say why if that is not possible."""
        layer, finished = self._layer(), self._finished()
        if not isinstance(layer, Image):
            return None, None
        try:
            if finished is not None and finished.layer is layer:
                return layer, AssessedLayer.of(layer, finished.source, finished.result)
            return layer, AssessedLayer.of(layer, input_of_result(layer, self._viewer.layers))
        except NapariDipError as error:
            self._fail(str(error))
            return None, None

    def _start(self, text: str) -> None:
        self._busy = True
        self._update()
        self.message.emit(text)

    def _end(self, text: str) -> None:
        self._busy = False
        self._update()
        self.message.emit(text)

    def _update(self) -> None:
        for button in self.buttons:
            button.enabled = self._recorded and not self._busy

    def _fail(self, text: str) -> None:
        self._end(text)
        show_error(as_html(plain(text)))
