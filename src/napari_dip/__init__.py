"""Restore microscopy images with Deep Image Prior, without training data.

Names are loaded at first use: importing the package loads neither torch nor Qt.
"""

from __future__ import annotations

import importlib
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_dip.assess.findings import findings
    from napari_dip.assess.intensity import check_intensity
    from napari_dip.assess.residual import residual_of
    from napari_dip.assess.residual_check import check_residual
    from napari_dip.errors import NapariDipError
    from napari_dip.files.folder_run import restore_folder
    from napari_dip.files.reproduce import Reproduction, reproduce
    from napari_dip.image.api import deconvolve, denoise, inpaint, super_resolve
    from napari_dip.image.arguments import problem
    from napari_dip.image.estimate_aberrations import estimate_aberrations
    from napari_dip.image.restoration_plan import RestorationPlan, plan
    from napari_dip.image.restore import Result, restore
    from napari_dip.optics.measured import measured_psf
    from napari_dip.optics.microscope_psf import optical_psf
    from napari_dip.optics.psf import PSF, gaussian_psf
    from napari_dip.progress import Snapshot
    from napari_dip.settings import (
        Deconvolve,
        Denoise,
        Inpaint,
        Optics,
        SensorNoise,
        Settings,
        SuperResolve,
    )

__version__ = version("napari-dip")

__all__ = [
    "PSF",
    "Deconvolve",
    "Denoise",
    "Inpaint",
    "NapariDipError",
    "Optics",
    "Reproduction",
    "RestorationPlan",
    "Result",
    "SensorNoise",
    "Settings",
    "Snapshot",
    "SuperResolve",
    "__version__",
    "check_intensity",
    "check_residual",
    "deconvolve",
    "denoise",
    "estimate_aberrations",
    "findings",
    "gaussian_psf",
    "inpaint",
    "measured_psf",
    "optical_psf",
    "plan",
    "problem",
    "reproduce",
    "residual_of",
    "restore",
    "restore_folder",
    "super_resolve",
]

_MODULES = {
    "NapariDipError": "errors",
    "Deconvolve": "settings",
    "Denoise": "settings",
    "Inpaint": "settings",
    "Optics": "settings",
    "PSF": "optics.psf",
    "SensorNoise": "settings",
    "Settings": "settings",
    "SuperResolve": "settings",
    "RestorationPlan": "image.restoration_plan",
    "Reproduction": "files.reproduce",
    "Result": "image.restore",
    "Snapshot": "progress",
    "check_intensity": "assess.intensity",
    "check_residual": "assess.residual_check",
    "deconvolve": "image.api",
    "denoise": "image.api",
    "gaussian_psf": "optics.psf",
    "findings": "assess.findings",
    "inpaint": "image.api",
    "measured_psf": "optics.measured",
    "optical_psf": "optics.microscope_psf",
    "plan": "image.restoration_plan",
    "problem": "image.arguments",
    "estimate_aberrations": "image.estimate_aberrations",
    "residual_of": "assess.residual",
    "reproduce": "files.reproduce",
    "restore": "image.restore",
    "restore_folder": "files.folder_run",
    "super_resolve": "image.api",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
