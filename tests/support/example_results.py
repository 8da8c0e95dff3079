"""A result of a run, and a panel that is ready to run."""

from __future__ import annotations

import numpy as np

from napari_dip.image.result import Result
from napari_dip.progress import Snapshot
from napari_dip.settings import Settings

PREVIEW = Snapshot(0, 1, (), 5, 9, 0.1, 0.1, 1.0, 1.0, np.full((16, 16), 7.0))


def begun():
    """Return the data of a result layer before the first preview."""
    return np.zeros((16, 16)), {"name": "cells (denoised)"}, "image"


def result():
    """Return a result whose values are all 9."""
    settings = Settings(axes="YX", device="cpu")
    return Result(np.full((16, 16), 9.0), "YX", settings, (), "cpu", 1.0, False)


def ready(panel, path=None):
    """Set few iterations, and a folder if there is a path."""
    panel["iterations"].setValue(2)
    panel["device"].setCurrentText("processor (cpu)")
    if path is not None:
        panel["save_to"].setCurrentText("save as OME-Zarr …")
        panel.widget._output.path.value = path
    return panel
