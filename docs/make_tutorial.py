"""Make the picture of the tutorial: the sample stack and its restoration, with a scale bar.

Run ``xvfb-run -a -s "-screen 0 1400x900x24" python docs/make_tutorial.py``.
"""

from __future__ import annotations

import napari
from make_pictures import FOLDER, wait
from PIL import Image as Picture
from qtpy.QtWidgets import QPushButton

viewer = napari.Viewer()
viewer.window.resize(1000, 600)
viewer.open_sample("napari-dip", "stack")
dock, panel = viewer.window.add_plugin_dock_widget("napari-dip", "Denoise")
panel.image.value = viewer.layers["stack"]
run = panel.native.findChild(QPushButton, "run")
run.click()
while not run.isEnabled():
    wait(200)
viewer.window.remove_dock_widget(dock)
viewer.grid.enabled = True
viewer.scale_bar.visible = True
wait(1000)
viewer.reset_view()
wait(1000)
shot = Picture.fromarray(viewer.screenshot(canvas_only=True, flash=False)).convert("RGB")
shot.save(FOLDER / "tutorial.webp", quality=85, method=6)
viewer.close()
