"""Write a small plate in OME-Zarr, without the writer of this package."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import zarr
from example_zarr import foreign

WELLS = ("A/1", "B/2")
FIELDS = ("A/1/0", "A/1/1", "B/2/0", "B/2/1")


def write_plate(path: Path, version: str = "0.5") -> Path:
    """Write two wells with two fields each; the pixels of each are those of its number."""
    old = version == "0.4"

    def group(name: str, **entries) -> None:
        said = {
            key: {"version": version} | value if old else value for key, value in entries.items()
        }
        if not old:
            said = {"ome": {"version": version} | said} if said else {}
        zarr.create_group(path / name, zarr_format=2 if old else 3, attributes=said)

    group(
        "",
        plate={
            "name": "drugs",
            "columns": [{"name": name} for name in "12"],
            "rows": [{"name": name} for name in "AB"],
            "wells": [
                {"path": well, "rowIndex": number, "columnIndex": number}
                for number, well in enumerate(WELLS)
            ],
        },
    )
    for well in WELLS:
        group(well[0])
        group(well, well={"images": [{"path": name} for name in "01"]})
    for number, field in enumerate(FIELDS):
        foreign(path / field, pixels(number), version)
    return path


def pixels(number: int) -> np.ndarray:
    """Return the pixels of a field."""
    return np.random.default_rng(number).poisson(50, (24, 28)).astype(np.uint16)
