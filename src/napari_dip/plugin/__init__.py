"""The napari plugin: layers in, layers out."""

from __future__ import annotations

import re

import napari

from napari_dip.errors import NapariDipError

_LEAST = (0, 9)
"""Of napari: the first whose viewer has a scene and a canvas, and that keeps settings of plugins.

No dependency says so, as the Python API and the command line need no napari.
"""


def _check(version: str) -> None:
    """Refuse a napari that is too old for any of the panels."""
    if tuple(map(int, re.findall(r"\d+", version)[:2])) < _LEAST:
        least = ".".join(map(str, _LEAST))
        raise NapariDipError(
            f"napari {version} is too old for napari-dip, which needs {least} or newer: "
            f'pip install --upgrade "napari[all]>={least}", then restart napari'
        )


_check(napari.__version__)
