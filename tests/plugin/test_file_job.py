"""Test the choice of images for a batch of files."""

from __future__ import annotations

import pytest
from example_plate import FIELDS, write_plate

from napari_dip.errors import NapariDipError
from napari_dip.plugin.models.file_job import FileChoice, proposed_results


def test_results_are_proposed_beside_the_images(tmp_path):
    plate = write_plate(tmp_path / "plate.ome.zarr")
    (tmp_path / "raw.2024").mkdir()
    (tmp_path / "raw.2024" / "a.tif").touch()
    for images, proposed in (
        ("raw.2024", "raw.2024 (denoised)"),
        ("raw.2024/a.tif", "raw.2024 (denoised)"),
        ("plate.ome.zarr", "plate (denoised).ome.zarr"),
        ("plate.ome.zarr/B/2", "plate (denoised).ome.zarr"),
    ):
        assert proposed_results(tmp_path / images, "denoised") == tmp_path / proposed
    assert len(FileChoice(plate, results=tmp_path / "out.ome.zarr").plan().items) == len(FIELDS)


def test_an_existing_plate_must_be_replaced_knowingly(tmp_path):
    plate, older = (write_plate(tmp_path / f"{name}.ome.zarr") for name in ("plate", "older"))
    with pytest.raises(NapariDipError, match="check Replace older results"):
        FileChoice(plate, results=older).plan()
    assert FileChoice(plate, results=older, overwrite=True).plan().output == older


def test_nothing_is_chosen_at_first():
    assert FileChoice().plan() is None
