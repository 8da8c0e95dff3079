"""Define the settings of a run: frozen values, also as JSON, without arrays and torch."""

from napari_dip.settings.architectures import Architecture
from napari_dip.settings.camera import GivenNoise, SensorNoise
from napari_dip.settings.networks import NETWORKS, register_network
from napari_dip.settings.optics import Optics
from napari_dip.settings.prior import Prior
from napari_dip.settings.settings import PresetName, Settings
from napari_dip.settings.stopping import (
    RULES,
    Consensus,
    Discrepancy,
    Fixed,
    HeldOut,
    MovingVariance,
    Stopping,
    WindowedVariance,
    register_rule,
)
from napari_dip.settings.task import TASKS, Hole, Task, TaskSpec, register_task
from napari_dip.settings.task_table import Deconvolve, Denoise, Inpaint, SuperResolve

__all__ = [
    "NETWORKS",
    "RULES",
    "TASKS",
    "Architecture",
    "Consensus",
    "Deconvolve",
    "Denoise",
    "Discrepancy",
    "Fixed",
    "GivenNoise",
    "HeldOut",
    "Hole",
    "Inpaint",
    "MovingVariance",
    "Optics",
    "PresetName",
    "Prior",
    "SensorNoise",
    "Settings",
    "Stopping",
    "SuperResolve",
    "Task",
    "TaskSpec",
    "WindowedVariance",
    "register_network",
    "register_rule",
    "register_task",
]
