"""Take the pictures of the documentation: each task on its sample, in a real viewer.

Run it as ``xvfb-run -a -s "-screen 0 1400x900x24" python docs/make_pictures.py [Denoise ...]``.

With ``--look`` it takes each panel instead, folded and with all folds open, in both themes, into
``build/panels``, and names what is wider than 350 pixels or squeezed: to be looked at before a
release, on a small screen (1280x800) and with ``QT_SCALE_FACTOR=2`` (on 2560x1600).
"""

from __future__ import annotations

import sys
from pathlib import Path

import napari
import numpy as np
from napari.layers import Image, Labels
from PIL import Image as Picture
from qtpy.QtCore import QEventLoop, QTimer
from qtpy.QtWidgets import QApplication, QPushButton, QWidget
from superqt import QCollapsible

FOLDER = Path(__file__).parent / "images"
LOOKS = Path("build/panels")
SAMPLES = {"Denoise": "noisy", "Super-resolution": "low_resolution", "Inpaint": "scratched"}


def wait(milliseconds: int) -> None:
    """Let the viewer live for a while."""
    loop = QEventLoop()
    QTimer.singleShot(milliseconds, loop.quit)
    loop.exec()


def take(widget: str) -> None:
    """Open the sample, press Run, wait for the end, and lay input and result side by side."""
    viewer = napari.Viewer(ndisplay=2)
    viewer.window.resize(1300, 760)
    viewer.open_sample("napari-dip", SAMPLES[widget])
    _dock, panel = viewer.window.add_plugin_dock_widget("napari-dip", widget)
    spoilt = next(
        layer
        for layer in viewer.layers
        if isinstance(layer, Image) and "truth" not in layer.name.lower()
    )
    panel.image.value = spoilt
    if widget == "Super-resolution":
        panel.downsampler.value = "box"  # as the sample was made
    run = panel.native.findChild(QPushButton, "run")
    run.click()
    while not run.isEnabled():
        wait(200)
    result = viewer.layers[-1]
    for layer in [*viewer.layers]:
        if layer not in (spoilt, result):
            viewer.layers.remove(layer)
    viewer.grid.enabled = True
    viewer.grid.stride = 1
    viewer.reset_view()
    viewer.camera.zoom *= 1.1
    wait(1000)
    shot = Picture.fromarray(viewer.screenshot(canvas_only=False, flash=False)).convert("RGB")
    # 256 colours are enough for grey pictures in a grey window, at a third of the size.
    shot.quantize(256).save(FOLDER / f"{widget.lower()}.png", optimize=True)
    viewer.close()


def look(theme: str) -> None:
    """Take each panel, and name what in it has too little room or takes too much."""
    LOOKS.mkdir(parents=True, exist_ok=True)
    viewer = napari.Viewer()
    viewer.theme = theme
    viewer.window.resize(1280, 800)
    viewer.add_layer(Image(np.eye(64), name="cells with a rather long name"))
    viewer.add_layer(Labels(np.eye(64, dtype=int), name="mask"))
    for widget in SAMPLES:
        dock, panel = viewer.window.add_plugin_dock_widget("napari-dip", widget)
        wait(1000)  # for the estimate
        for state in ("folded", "open"):
            if state == "open":
                for fold in dock.findChildren(QCollapsible):
                    fold.expand(animate=False)
                wait(500)
            name = f"{theme} {widget} {state} at {QApplication.primaryScreen().devicePixelRatio()}"
            dock.window().grab().save(str(LOOKS / f"{name}.png"))
            for part in filter(QWidget.isVisible, panel.native.findChildren(QWidget)):
                least = part.minimumSizeHint()
                if part.width() > 350 or 0 < part.height() < least.height() - 4:
                    print(f"{name}: {part.objectName() or part} is {part.size()}")
        viewer.window.remove_dock_widget(dock)
    viewer.close()


if __name__ == "__main__" and sys.argv[1:] == ["--look"]:
    for theme in ("light", "dark"):
        look(theme)
elif __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name in sys.argv[1:] or SAMPLES:
        take(name)
