"""Make the film of the front page: restore a sample, go back, and blend.

Run ``OMP_NUM_THREADS=1 xvfb-run -a -s "-screen 0 1400x900x24" python docs/make_tour.py``: two
threads would wait for each other beside the pictures. The film shows the real
viewer; only the pointer is drawn, and the run takes a few seconds.
"""

from __future__ import annotations

import napari
import numpy as np
from make_pictures import FOLDER, wait
from PIL import Image as Picture
from PIL import ImageDraw
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QDockWidget, QLabel, QPushButton, QSlider, QWidget

SIZE = 960, 600
RUN_FRAMES = 28
POINTER = np.array([(0, 0), (0, 17), (4, 13), (7, 19), (10, 18), (7, 12), (12, 12)])

viewer = napari.Viewer(ndisplay=2)
viewer.window.resize(*SIZE)
dock, panel = viewer.window.add_plugin_dock_widget("napari-dip", "Denoise")
window = dock.window()
window.findChild(QDockWidget, "layer controls").hide()  # room for the image
layers = window.findChild(QDockWidget, "layer list")
window.resizeDocks([layers], [170], Qt.Orientation.Horizontal)
film: list[tuple[Picture.Image, int]] = []


def button(name: str) -> QPushButton:
    """Return a button of the panel."""
    return panel.native.findChild(QPushButton, name)


def shot(pointed_at: tuple[int, int]) -> Picture.Image:
    """Return a picture of the window, with the pointer at a position."""
    picture = Picture.fromarray(viewer.screenshot(canvas_only=False, flash=False)).convert("RGB")
    outline = [*map(tuple, POINTER + np.array(pointed_at))]
    ImageDraw.Draw(picture).polygon(outline, fill="white", outline="black")
    return picture


def place(widget: QWidget, along: float = 0.5) -> tuple[int, int]:
    """Return the position of a control in the window, at a fraction of its width."""
    inside = widget.rect().center()
    inside.setX(round(6 + along * (widget.width() - 12)))
    found = widget.mapTo(window, inside)
    return found.x(), found.y()


def press(name: str) -> None:
    """Move the pointer to a button, and press it."""
    film.append((shot(place(button(name))), 1200))
    button(name).click()


def slide(name: str, values: np.ndarray) -> None:
    """Move a slider; values are hundredths of its range."""
    slider = panel.native.findChild(QSlider, name)
    for hundredths in values:
        slider.setValue(round(hundredths * slider.maximum() / 100))
        wait(300)  # the panel draws at most every 50 ms
        film.append((shot(place(slider, hundredths / 100)), 110))
    film.append((film.pop()[0], 900))


wait(1000)
button("open_sample").click()  # not in the film: a still picture of it would be an empty window
while not panel.native.findChild(QLabel, "estimate").text():
    wait(200)
wait(1000)
press("run")
where = place(button("run"))
running, pause = [], 200
while not button("run").isEnabled():
    wait(pause)
    running.append(shot(where))
    if len(running) > 2 * RUN_FRAMES:  # enough for a run of any length
        running, pause = running[::2], 2 * pause
chosen = np.linspace(0, len(running) - 1, min(RUN_FRAMES, len(running))).astype(int)
film.extend((running[index], 130) for index in chosen)
wait(500)
film.append((shot(where), 1500))
slide("scrub", np.r_[100:0:-10, 0])
slide("scrub", np.r_[0:100:20, 100])
slide("strength", np.r_[100:0:-15, 0])
slide("strength", np.r_[0:100:15, 100])
film.append((shot(where), 1500))
viewer.close()
frames, durations = zip(*film, strict=True)
frames[0].save(
    FOLDER / "tour.webp",
    save_all=True,
    append_images=frames[1:],
    duration=durations,
    loop=0,
    quality=60,
    method=4,
)
