"""Many runs in one viewer leak no memory and no threads; ``make soak`` runs it."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import threading

import numpy as np
import psutil
import pytest
from napari.layers import Image
from qtpy.QtCore import QThreadPool

pytestmark = pytest.mark.slow

RUNS, WARM_UP = 200, 40

# The viewer is closed from its own event loop, as a user does it, at a moment of the run.
CLOSE_IN_MID_RUN = """
import sys
import napari, numpy as np
from napari.layers import Image
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QPushButton
viewer = napari.Viewer()
viewer.add_layer(Image(np.random.default_rng(0).random((96, 96), np.float32), name="noisy"))
_, panel = viewer.window.add_plugin_dock_widget("napari-dip", "Denoise")
def close():
    print("closing", flush=True)
    viewer.close()
def begin():
    panel.native.findChild(QPushButton, "run").click()
    QTimer.singleShot(int(sys.argv[1]), close)
QTimer.singleShot(500, begin)
napari.run()
"""


def test_many_runs_leak_no_thread_or_memory(open_panel, qtbot):
    panel = open_panel("Denoise", Image(np.random.default_rng(0).random((24, 24)), name="noisy"))
    panel["iterations"].setValue(3)
    process, grown = psutil.Process(), []
    for number in range(RUNS):
        qtbot.waitUntil(panel["run"].isEnabled)
        panel.press("run")
        if number % 3 == 1:
            panel.press("stop")
        elif number % 3 == 2:
            panel.press("discard")
        panel.wait_until_idle()
        if number % 3 != 2:
            panel.viewer.layers.pop()
        if number == WARM_UP:
            threads = threading.active_count()
        if number >= WARM_UP and number % 20 == 0:
            gc.collect()
            grown.append(process.memory_info().rss)
    print([round(each / 1e6) for each in grown], threading.active_count())
    assert len(panel.viewer.layers) == 1
    assert QThreadPool.globalInstance().activeThreadCount() == 0
    assert threading.active_count() <= threads
    assert grown[-1] < 1.05 * grown[0]


@pytest.mark.parametrize(
    "after_ms", np.random.default_rng(0).integers(0, 6000, 10).tolist(), ids=lambda ms: f"{ms}ms"
)
def test_closing_the_viewer_ends_a_run_silently(after_ms):
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", CLOSE_IN_MID_RUN, str(after_ms)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"NAPARI_CONFIG": ""},
    ) as viewer:
        assert viewer.stdout.readline() == "closing\n"
        # Python needs a second to exit, and more on a busy machine.
        crowd = max(1, os.getloadavg()[0] / os.cpu_count())
        try:
            _, said = viewer.communicate(timeout=5 * crowd)
        except subprocess.TimeoutExpired:
            viewer.kill()
            raise
    assert viewer.returncode == 0
    assert said == ""
