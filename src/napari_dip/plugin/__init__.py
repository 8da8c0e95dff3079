"""Restore layers in napari: models, controllers and views of the panels."""

from __future__ import annotations

import re

import napari

from napari_dip.errors import NapariDipError

MIN_NAPARI_VERSION = (0, 9)
"""The first version whose viewer has a scene and a canvas, and that keeps settings of plugins.

It is not a dependency, because the Python API and the command line do not need napari.
"""


def _check_version(version: str) -> None:
    """Refuse a version of napari that is too old for the panels."""
    if tuple(map(int, re.findall(r"\d+", version)[:2])) < MIN_NAPARI_VERSION:
        least = ".".join(map(str, MIN_NAPARI_VERSION))
        raise NapariDipError(
            f"napari {version} is too old for napari-dip, which needs {least} or newer: "
            f'pip install --upgrade "napari[all]>={least}", then restart napari'
        )


_check_version(napari.__version__)
