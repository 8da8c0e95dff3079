"""Damaged settings, YAML files and journals raise errors of this package."""

from __future__ import annotations

import json
import random
import shutil
from contextlib import suppress

import numpy as np
import pytest
from random_damage import damage, damage_json

from napari_dip.cli.options import RunOptions
from napari_dip.cluster.slurm import read_slurm_file
from napari_dip.errors import NapariDipError
from napari_dip.files.file_run import open_run
from napari_dip.files.image_io import (
    StoredImage,
    write_image,
)
from napari_dip.files.resumable_output import existing_output
from napari_dip.settings import Denoise, Settings


def stack(shape=(3, 20, 24), dtype="uint16"):
    return np.random.default_rng(0).integers(0, 200, shape).astype(dtype)


def calibrated(image, axes):
    sizes = {axis: 0.5 for axis in axes if axis in "ZYX"}
    return StoredImage(image, axes, sizes, dict.fromkeys(sizes, "µm"))


def damaged_text(content, chance):
    return chance.choice([damage, damage_json, damage_json])(content, chance)


@pytest.mark.parametrize("count", [60, pytest.param(5000, marks=pytest.mark.slow)])
def test_damaged_settings_raise_our_error(tmp_path, count):
    asked = Settings(preset="best", noise={"gain": 1.0}, stopping="held-out", voxel=(1, 2, 3))
    for seed in range(count):
        (tmp_path / "s.json").write_bytes(
            damaged_text(asked.to_json().encode(), random.Random(seed))
        )
        try:
            RunOptions(settings=tmp_path / "s.json").build(Denoise)
        except NapariDipError as error:
            assert len(str(error)) < 3000


@pytest.mark.parametrize("count", [60, pytest.param(5000, marks=pytest.mark.slow)])
def test_damaged_yaml_raises_our_error(tmp_path, count):
    asked = json.dumps({"jobs": 8, "queue": "gpu", "cores": 1, "job_extra": ["--gres=gpu:1"]})
    for seed in range(count):
        (tmp_path / "s.yaml").write_bytes(damaged_text(asked.encode(), random.Random(seed)))
        with suppress(NapariDipError):
            read_slurm_file(tmp_path / "s.yaml")


@pytest.mark.slow
@pytest.mark.parametrize("count", [30])
def test_damaged_journal_raises_our_error(tmp_path, count):
    write_image(tmp_path / "in.ome.zarr", calibrated(stack((2, 16, 16)), "ZYX"))
    settings = Settings(iterations=1, refinement=0, share="none", precision="float32", device="cpu")
    out = tmp_path / "out.ome.zarr"
    run = open_run(tmp_path / "in.ome.zarr", out, settings)
    steps = run.steps()
    next(steps)
    steps.close()
    run.close()
    whole = tmp_path / "whole"
    shutil.copytree(tmp_path, whole)
    for seed in range(count):
        chance = random.Random(seed)
        records = [file for file in whole.rglob("*.json") if "in.ome" not in str(file)]
        file = chance.choice(sorted(records))
        (tmp_path / file.relative_to(whole)).write_bytes(damaged_text(file.read_bytes(), chance))
        for use in (
            lambda: existing_output(out),
            lambda: open_run(tmp_path / "in.ome.zarr", out, settings, resume=True).close(),
        ):
            with suppress(NapariDipError):
                use()
        for left in (entry for entry in tmp_path.iterdir() if entry != whole):
            shutil.rmtree(left)
        shutil.copytree(whole, tmp_path, dirs_exist_ok=True)
