"""Save pictures of each panel in all its states and both themes, to check before a release.

Run ``xvfb-run -a -s "-screen 0 1280x800x24" python docs/make_looks.py [Denoise ...]`` for a
13-inch screen. ``QT_SCALE_FACTOR=2`` (with 2560x1600) doubles all sizes; ``QT_API=pyside6`` uses
the other Qt binding.

The pictures go into ``build/looks``. Panels that are wider than 350 pixels, cut off at the right or
squeezed are printed, and the exit status is 1.
"""

from __future__ import annotations

import sys
from pathlib import Path

import napari
from make_pictures import SAMPLES, wait
from qtpy import API_NAME
from qtpy.QtWidgets import QApplication, QLabel, QPushButton, QScrollArea, QWidget
from superqt import QCollapsible

LOOKS = Path("build/looks")
MAX_WIDTH = 350  # pixels


def faults(dock: QWidget) -> list[str]:
    """Describe the parts of a panel that are too wide or squeezed."""
    area = dock.findChild(QScrollArea)
    content, room = area.widget(), area.viewport().width()
    found = []
    if dock.width() > MAX_WIDTH:
        found.append(f"the panel is {dock.width()} wide")
    if content.width() > room:
        found.append(f"the content is {content.width()} wide, the panel has room for {room}")
    return found + [
        f"{part.objectName() or part} is only {part.height()} high"
        for part in filter(QWidget.isVisible, content.findChildren(QWidget))
        if 0 < part.height() < part.minimumSizeHint().height() - 4
    ]


def look(theme: str, widget: str) -> list[str]:
    """Save a panel without an image, with its sample, unfolded, during a run and after it."""
    viewer = napari.Viewer()
    viewer.theme = theme
    viewer.window.resize(1280, 800)
    dock, panel = viewer.window.add_plugin_dock_widget("napari-dip", widget)
    press = {
        name: panel.native.findChild(QPushButton, name) for name in ("open_sample", "run", "stop")
    }
    folds = dock.findChildren(QCollapsible)
    found = []

    def shoot(state: str) -> None:
        scale = QApplication.primaryScreen().devicePixelRatio()
        name = f"{widget.lower()} {state} {theme} {API_NAME} {scale:g}"
        dock.window().grab().save(str(LOOKS / f"{name}.png"))
        found.extend(f"{name}: {fault}" for fault in faults(dock))

    wait(500)
    shoot("1 without an image")
    press["open_sample"].click()
    for layer in viewer.layers:  # a small image gives a short run
        layer.data = layer.data[:64, :64]
    viewer.reset_view()
    panel.image.value.name = "cells with a rather long name"
    wait(3000)  # for the estimate
    shoot("2 with the sample")
    for fold in folds:
        fold.expand(animate=False)
    wait(500)
    shoot("3 unfolded")
    for fold in folds:
        fold.collapse(animate=False)
    press["run"].click()
    while "Fitting" not in panel.native.findChild(QLabel, "stage").text():
        wait(200)
    wait(1500)
    shoot("4 running")
    press["stop"].click()
    while not press["run"].isEnabled():
        wait(200)
    wait(500)
    shoot("5 ended")
    viewer.close()
    return found


if __name__ == "__main__":
    LOOKS.mkdir(parents=True, exist_ok=True)
    found = [
        fault
        for widget in sys.argv[1:] or SAMPLES
        for theme in ("light", "dark")
        for fault in look(theme, widget)
    ]
    sys.exit("\n".join(found) or 0)
