"""Show a text in a fixed number of lines, so that nothing below it moves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QEvent, Qt
from qtpy.QtGui import QAction  # type: ignore[attr-defined]
from qtpy.QtWidgets import QApplication, QSizePolicy
from superqt import QElidingLabel

from napari_dip.plaintext import as_html, plain

if TYPE_CHECKING:
    from qtpy.QtGui import QShowEvent

__all__ = ["TextLines"]

PADDING = 8  # pixels: of napari's style sheet above and below a text

SIDES = 12  # pixels: of napari's style sheet beside a text, with a margin


class TextLines(QElidingLabel):
    """A label of a fixed height; a longer text is cut, and its tooltip has all of it.

    The context menu copies the whole text.

    Parameters
    ----------
    name, title
        The name of the object, and its name for screen readers.
    lines
        The number of lines.
    """

    def __init__(self, name: str, title: str, lines: int) -> None:
        self._lines = lines  # first: Qt asks for the text while it makes the label
        super().__init__()
        self.setObjectName(name)
        self.setAccessibleName(title)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setWordWrap(lines > 1)
        self.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)
        copy = QAction("Copy", self)
        copy.triggered.connect(self._copy)
        self.addAction(copy)
        self._fit_height()

    def show_text(self, text: str, details: str = "") -> None:
        """Show a text, and details below it in the tooltip."""
        if plain(text) != self.text():
            self.setText(plain(text))
        everything = "\n\n".join(part for part in (text, details) if part)
        lines = [as_html(line) for line in everything.split("\n")]
        rich = any(line != plain(line) for line in lines if line)
        self.setToolTip(("<br>" if rich else "\n").join(lines))

    def show_with_details(self, text: str) -> None:
        """Show a text whose details follow after a blank line."""
        text, _, details = text.partition("\n\n")
        self.show_text(text, details)

    def changeEvent(self, event: QEvent | None) -> None:
        """Follow the size of the font."""
        super().changeEvent(event)
        if event is not None and event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._fit_height()

    def showEvent(self, event: QShowEvent | None) -> None:
        """Measure the font of napari's style sheet, which applies to visible widgets only."""
        super().showEvent(event)
        self._fit_height()

    def _elidedText(self) -> str:
        """Break the text into lines, and cut the last one; superqt forgets the padding."""
        width = max(1, self.width() - SIDES)
        lines = [line.rstrip() for line in self._wrapped(width)]
        if len(lines) <= self._lines:
            return "\n".join(lines)
        kept, rest = lines[: self._lines - 1], " ".join(lines[self._lines - 1 :])
        last = self.fontMetrics().elidedText(rest, self.elideMode(), width)
        return "\n".join([*kept, _without_part_of_a_word(last, rest)])

    def _wrapped(self, width: int) -> list[str]:
        parts = self.text().split("\n")
        return [line for part in parts for line in self.wrapText(part, width, self.font())]

    def _fit_height(self) -> None:
        self.setFixedHeight(self._lines * self.fontMetrics().height() + PADDING)
        self.setText(self.text())

    def _copy(self) -> None:
        if (clipboard := QApplication.clipboard()) is not None:
            clipboard.setText(self.text())


def _without_part_of_a_word(cut: str, whole: str) -> str:
    """Cut a text before its last word, if only a part of that is left: 0.… could be read as 0.

    Examples
    --------
    >>> _without_part_of_a_word("about 6 s · 0.…", "about 6 s · 0.4 GiB")
    'about 6 s…'
    """
    kept = cut.removesuffix("…")
    if kept == cut or whole[len(kept) :].startswith(" "):
        return cut
    words = kept.rpartition(" ")[0].rstrip(" ·")
    return f"{words}…" if words else cut
