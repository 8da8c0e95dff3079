"""Define the settings of a run: frozen values, also as JSON, without arrays and torch."""

from napari_dip.settings.camera import SensorNoise
from napari_dip.settings.prior import NetworkName, Prior
from napari_dip.settings.settings import PresetName, Settings
from napari_dip.settings.stopping import (
    Consensus,
    Discrepancy,
    Fixed,
    HeldOut,
    MovingVariance,
    Stopping,
    WindowedVariance,
)
from napari_dip.settings.task import Denoise, Hole, Inpaint, SuperResolve, Task

__all__ = [
    "Consensus",
    "Denoise",
    "Discrepancy",
    "Fixed",
    "HeldOut",
    "Hole",
    "Inpaint",
    "MovingVariance",
    "NetworkName",
    "PresetName",
    "Prior",
    "SensorNoise",
    "Settings",
    "Stopping",
    "SuperResolve",
    "Task",
    "WindowedVariance",
]
