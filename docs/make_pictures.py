"""Make the pictures of the documentation: each task on its sample, in a real viewer.

Run ``xvfb-run -a -s "-screen 0 1400x900x24" python docs/make_pictures.py [Denoise ...]``.
"""

from __future__ import annotations

import sys
from pathlib import Path

import napari
from napari.layers import Image
from PIL import Image as Picture
from qtpy.QtCore import QEventLoop, QTimer
from qtpy.QtWidgets import QPushButton

FOLDER = Path(__file__).parent / "images"
SAMPLES = {
    "Denoise": "noisy",
    "Super-resolution": "low_resolution",
    "Inpaint": "scratched",
    "Deconvolve": "blurred",
}


def wait(milliseconds: int) -> None:
    """Let the viewer process events for a while."""
    loop = QEventLoop()
    QTimer.singleShot(milliseconds, loop.quit)
    loop.exec()


def take(widget: str) -> None:
    """Open the sample, press Run, wait for the end, and save input and result side by side."""
    viewer = napari.Viewer(ndisplay=2)
    viewer.window.resize(1300, 760)
    viewer.open_sample("napari-dip", SAMPLES[widget])
    _dock, panel = viewer.window.add_plugin_dock_widget("napari-dip", widget)
    sample = next(
        layer
        for layer in viewer.layers
        if isinstance(layer, Image) and "truth" not in layer.name.lower()
    )
    panel.image.value = sample
    if widget == "Super-resolution":
        panel.downsampler.value = "box"  # how the sample was made
    if widget == "Inpaint":
        panel.outline.value = True  # shows both the scratches and the mask
    run = panel.native.findChild(QPushButton, "run")
    run.click()
    while not run.isEnabled():
        wait(200)
    result = viewer.layers[-1]
    for layer in [*viewer.layers]:
        if isinstance(layer, Image) and layer not in (sample, result):
            viewer.layers.remove(layer)
    viewer.grid.enabled = True
    viewer.grid.stride = len(viewer.layers) - 1  # the mask and its image are one cell
    viewer.reset_view()
    viewer.scene.camera.zoom *= 1.1
    wait(1000)
    shot = Picture.fromarray(viewer.screenshot(canvas_only=False, flash=False)).convert("RGB")
    # A grey window needs no more than 256 colours, at a third of the size.
    shot.quantize(256).save(FOLDER / f"{widget.lower()}.png", optimize=True)
    viewer.close()


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name in sys.argv[1:] or SAMPLES:
        take(name)
