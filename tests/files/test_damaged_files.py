"""Test that randomly damaged files raise errors of this package and need little memory.

Run as a program, it reads a range of damaged files in limited memory, for the slow test:
``python test_damaged_files.py KIND FIRST COUNT``.
"""

from __future__ import annotations

import json
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile
import zarr
from PIL import Image

from napari_dip.cli.options import RunOptions
from napari_dip.cluster.slurm import read_slurm_file
from napari_dip.errors import NapariDipError
from napari_dip.files.file_conflicts import files_of
from napari_dip.files.file_run import open_run
from napari_dip.files.image_io import (
    StoredImage,
    read_image,
    read_mask,
    read_provenance,
    write_image,
)
from napari_dip.files.resumable_output import existing_output
from napari_dip.settings import Denoise, Settings

RECORD = {"seed": 3, "note": "a"}
MAX_SECONDS = 20  # seconds: limit for one damaged file, on a busy machine


def stack(shape=(3, 20, 24), dtype="uint16"):
    return np.random.default_rng(0).integers(0, 200, shape).astype(dtype)


def calibrated(image, axes):
    sizes = {axis: 0.5 for axis in axes if axis in "ZYX"}
    return StoredImage(image, axes, sizes, dict.fromkeys(sizes, "µm"))


def tiff(**options):
    return lambda path: tifffile.imwrite(path, stack(), **{"photometric": "minisblack"} | options)


def ours(axes="ZYX", shape=(3, 20, 24), dtype="uint16"):
    image = calibrated(stack(shape, dtype), axes)
    return lambda path: write_image(path, image, provenance=RECORD)


def picture(mode, **options):
    def write(path):
        Image.fromarray(stack((20, 24, 3), "uint8")).convert(mode).save(path, **options)

    return write


def old_zarr(path):
    image = calibrated(stack(), "ZYX")
    write_image(path, replace(image, extras={"ngff": {"version": "0.4"}}), provenance=RECORD)


def plain_zarr(version, **options):
    def write(path):
        zarr.create_array(path, data=stack(), chunks=(1, 10, 24), zarr_format=version, **options)

    return write


def sharded(path):
    zarr.create_array(path, data=stack(), chunks=(1, 10, 24), shards=(1, 20, 24))


def zipped(path):
    with tempfile.TemporaryDirectory() as folder:
        ours()(Path(folder, "a.ome.zarr"))
        shutil.make_archive(str(path.with_suffix("")), "zip", folder, "a.ome.zarr")


def series(path):
    path.mkdir()
    for number in range(3):
        tiff(metadata=None)(path / f"frame_t{number}.tif")


def companion(path):
    """Write an OME-TIFF whose metadata are in another file."""
    path.mkdir()
    tifffile.imwrite(path / "a.ome.tif", stack(), metadata={"axes": "ZYX"})
    xml = tifffile.tiffcomment(path / "a.ome.tif")
    uuid = (
        '<TiffData IFD="0" PlaneCount="3"><UUID FileName="a.ome.tif">urn:uuid:1</UUID></TiffData>'
    )
    (path / "a.companion.ome").write_text(re.sub("<TiffData.*?/>", uuid, xml))


OPENED = {"series": "frame_t*.tif", "companion": "a.companion.ome"}
"""The file to open in a folder that is not a zarr."""

KINDS = {
    "imagej.tif": ours(),
    "own.ome.tif": ours(),
    "shaped.tif": ours(dtype="int64"),
    "colours.tif": ours("YXS", (20, 24, 3), "uint8"),
    "tiled.tif": tiff(tile=(16, 16), compression="zlib", predictor=True),
    "lzw.tif": tiff(compression="lzw", metadata=None),
    "jpeg.tif": lambda path: tifffile.imwrite(
        path, stack((20, 24, 3), "uint8"), photometric="rgb", compression="jpeg"
    ),
    "strips.tif": tiff(rowsperstrip=3, bigtiff=True, byteorder=">"),
    "zstd.tif": tiff(compression="zstd"),
    "grey.png": ours("YX", (20, 24)),
    "colours.png": ours("YXS", (20, 24, 3), "uint8"),
    "palette.png": picture("P"),
    "photo.jpg": picture("RGB", dpi=(300, 300), exif=b"Exif\0\0II*\0\x08\0\0\0\0\0"),
    "photo.bmp": picture("RGB"),
    "new.ome.zarr": ours(),
    "old.ome.zarr": old_zarr,
    "plain2.zarr": plain_zarr(2),
    "plain3.zarr": plain_zarr(3, dimension_names=["z", "y", "x"]),
    "sharded.zarr": sharded,
    "zipped.zarr.zip": zipped,
    "series": series,
    "companion": companion,
}  # fmt: skip

ODD = [
    None, {}, [], "", "x", 0, -1, 1.5, True, 1e300, 2**31, 2**63, 2**70, float("nan"), "nan", "inf",
    "1e8", "-1", "../../x", "/etc/passwd", "\x1b[2J", ["y", "x"], {"id": "pickle"}, {"name": "x"},
    "int8", "|O", "float64", "uint8", [0, 0, 0], [1] * 40, "a" * 5000, "\0", "1/0", [[]], [None],
]  # fmt: skip
WORDS = [
    b"0",
    b"-1",
    b"99999999999",
    b"1e8",
    b"nan",
    b"inf",
    b"",
    b"{}",
    b"<",
    b'"',
    b"\0",
    b"\xff",
]


def damage(content: bytes, chance: random.Random) -> bytes:
    """Damage the bytes of a file in a random way."""
    content = bytearray(content)
    size = len(content)
    way = chance.choice(["flip", "flip", "word", "cut", "splice", "zero", "number", "header"])
    place = chance.randrange(size) if size else 0
    if way == "flip":
        for _ in range(chance.choice([1, 1, 2, 8, 64])):
            content[chance.randrange(size)] = chance.randrange(256)
    elif way == "word":
        number = chance.choice([0, 1, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1, 2**24, 3])
        content[place : place + 4] = number.to_bytes(4, chance.choice(["little", "big"]))
    elif way == "cut":
        del content[place:]
    elif way == "splice":
        start = chance.randrange(size)
        content[place : place + 40] = content[start : start + chance.randrange(200)]
    elif way == "zero":
        content[place : place + chance.randrange(1, 50)] = bytes(chance.randrange(1, 50))
    elif way == "number":
        digits = [at for at in range(size) if chr(content[at]).isdecimal() and content[at] < 128]
        if digits:
            at = chance.choice(digits)
            content[at : at + 1] = chance.choice(WORDS)
    else:
        for _ in range(chance.choice([1, 3])):
            content[chance.randrange(min(size, 200))] = chance.randrange(256)
    return bytes(content)


def damage_json(content: bytes, chance: random.Random) -> bytes:
    """Replace or remove a random value in JSON."""
    said = json.loads(content)
    places = [(said, key) for key in said]
    for holder, key in places:
        inner = holder[key]
        if isinstance(inner, dict):
            places += [(inner, each) for each in inner]
        elif isinstance(inner, list):
            places += [(inner, each) for each in range(len(inner))]
    if not places:
        return b"[]"
    for _ in range(chance.choice([1, 1, 2])):
        holder, key = chance.choice(places)
        if isinstance(holder, dict) and chance.random() < 0.2:
            holder.pop(key, None)
        else:
            holder[key] = chance.choice(ODD)
    return json.dumps(said).encode("utf-8", "surrogatepass")


def damaged(kind: str, whole: Path, folder: Path, chance: random.Random) -> Path:
    """Copy a file or folder, and damage the copy."""
    path = folder / kind
    if whole.is_file():
        path.write_bytes(damage(whole.read_bytes(), chance))
        return path
    shutil.copytree(whole, path)
    files = sorted(one for one in path.rglob("*") if one.is_file())
    described = [one for one in files if one.suffix == ".json" or one.name.startswith(".z")]
    if described and chance.random() < 0.7:
        file = chance.choice(described)
        file.write_bytes(damage_json(file.read_bytes(), chance))
    else:
        file = chance.choice(files)
        if chance.random() < 0.1:
            file.unlink()
        else:
            file.write_bytes(damage(file.read_bytes(), chance))
    return path / OPENED.get(kind, "")


def use(path: Path, outputs: Path) -> None:
    """Read a file in all ways, and write the result in all formats."""
    files_of(path)
    for read in (
        lambda: read_image(path),
        lambda: read_image(path, lazy=True),
        lambda: read_mask(path).missing,
        lambda: read_provenance(path),
    ):
        try:
            found = read()
            if isinstance(found, StoredImage):
                assert len(found.axes) == found.image.ndim, (found.axes, found.image.shape)
                if np.prod(found.image.shape, dtype=float) > 1e6:
                    found.image[(0,) * found.image.ndim]
                    continue
                image = found.whole()
                assert image.shape == found.image.shape
                assert image.dtype == found.image.dtype
                for name in ("a.tif", "a.ome.tif", "a.zarr", "a.png"):
                    try:
                        write_image(outputs / f"out-{name}", found, overwrite=True)
                    except NapariDipError:
                        continue
        except NapariDipError as error:
            assert not isinstance(error, RuntimeError)
            assert error.args[0].isprintable(), error


def failures(kind: str, first: int, count: int) -> list[str]:
    """Read damaged files; return the unexpected errors."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder, "whole", kind)
        whole.parent.mkdir()
        KINDS[kind](whole)
        for seed in range(first, first + count):
            here = Path(folder, "here")
            here.mkdir()
            path = damaged(kind, whole, here, random.Random(f"{kind} {seed}"))
            began = time.monotonic()
            try:
                use(path, here)
            except Exception as error:  # noqa: BLE001 - any other error is a failure
                found.append(f"{kind} {seed}: {type(error).__name__}: {error}"[:300])
            if (took := time.monotonic() - began) > MAX_SECONDS:
                found.append(f"{kind} {seed}: took {took:.0f} s")
            print(seed, file=sys.stderr, flush=True)
            shutil.rmtree(here)
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_damaged_file_raises_our_error(kind, capsys):
    assert not failures(kind, 0, 1 if Path(kind).suffix in (".zarr", ".zip", "") else 4)


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


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_many_damaged_files_need_little_memory(kind):
    command = [sys.executable, __file__, kind, "100", "200"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stderr.splitlines()[-3:]
    assert done.stdout.splitlines() == []


if __name__ == "__main__":
    import faulthandler
    import resource

    faulthandler.enable()
    resource.setrlimit(resource.RLIMIT_AS, (6 * 2**30, 6 * 2**30))
    warnings.simplefilter("error")
    for failure in failures(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])):
        print(failure)
