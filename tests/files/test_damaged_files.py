"""Test that randomly damaged files raise errors of this package and need little memory.

Run as a program, it reads a range of damaged files in limited memory, for the slow test:
``python test_damaged_files.py KIND FIRST COUNT``.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile
import zarr
from PIL import Image
from random_damage import damage, damage_json

from napari_dip.errors import NapariDipError
from napari_dip.files.file_conflicts import files_of
from napari_dip.files.image_io import (
    StoredImage,
    read_image,
    read_mask,
    read_provenance,
    write_image,
)

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


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_many_damaged_files_need_little_memory(kind):
    command = [sys.executable, __file__, kind, "100", "200"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=900, check=False, env=environment
    )
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
