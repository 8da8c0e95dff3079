"""What each output format keeps, and the same image as programs of others write it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tifffile
import zarr

NAMES, COLOURS = ["DAPI", "actin µ"], ["0000FF", "00FF00"]
SIZES = {"Z": 0.5, "Y": 0.2, "X": 0.1}
INTERVAL = 2.5
STAMPS = [0.0, 2.4, 5.1]
DATE = "2026-03-04T05:06:07"
WINDOWS = [(10.0, 90.0), (20.0, 95.0)]
NAME = "embryo 3"

KEPT = {
    "axes and shape": {".ome.tif": "yes", ".tif": "yes", ".ome.zarr": "yes"},
    "pixel sizes": {".ome.tif": "yes", ".tif": "yes", ".ome.zarr": "yes"},
    "time between frames": {".ome.tif": "yes", ".tif": "yes", ".ome.zarr": "yes"},
    "channel names": {".ome.tif": "yes", ".tif": "yes", ".ome.zarr": "yes"},
    "channel colours": {".ome.tif": "yes", ".tif": "yes", ".ome.zarr": "yes"},
    "display ranges": {".ome.tif": "in annotations", ".tif": "yes", ".ome.zarr": "yes"},
    "image name": {".ome.tif": "yes", ".tif": "in Info", ".ome.zarr": "yes"},
    "date of acquisition": {".ome.tif": "yes", ".tif": "in Info", ".ome.zarr": "in metadata"},
    "time stamps of frames": {".ome.tif": "yes", ".tif": "in Info", ".ome.zarr": "in metadata"},
}
"""By property and suffix: ``no``, or how other programs find it."""

KNOWN = {
    "OME-TIFF": set(KEPT) - {"display ranges"},
    "ImageJ TIFF": set(KEPT) - {"image name", "date of acquisition", "time stamps of frames"},
    "OME-Zarr 0.4": set(KEPT) - {"date of acquisition", "time stamps of frames"},
    "OME-Zarr 0.5": set(KEPT) - {"date of acquisition", "time stamps of frames"},
    "OME-Zarr 0.6": set(KEPT) - {"date of acquisition", "time stamps of frames"},
}
"""What files of other programs tell, by format."""

PIXELS = np.random.default_rng(0).integers(0, 100, (3, 2, 2, 16, 20)).astype(np.uint16)
"""Pixels with the axes TCZYX."""


def expected(axes: str) -> dict:
    """Return all properties of the image with these axes."""
    order = ["TCZYX".index(letter) for letter in axes]
    return {
        "axes and shape": (axes, PIXELS.transpose(order).tolist()),
        "pixel sizes": SIZES,
        "time between frames": INTERVAL,
        "channel names": NAMES,
        "channel colours": COLOURS,
        "display ranges": WINDOWS,
        "image name": NAME,
        "date of acquisition": DATE,
        "time stamps of frames": STAMPS,
    }


def write_ome_tiff(folder: Path) -> Path:
    """Write with tifffile."""
    path = folder / "in.ome.tif"
    planes = PIXELS.shape[0] * 4
    metadata = {
        "axes": "TCZYX",
        "Name": NAME,
        "AcquisitionDate": DATE,
        "TimeIncrement": INTERVAL,
        "Channel": {
            "Name": NAMES,
            "Color": [np.int32(np.uint32(int(each + "FF", 16))).item() for each in COLOURS],
        },
        "Plane": {
            "DeltaT": [STAMPS[plane // 4] for plane in range(planes)],
            "DeltaTUnit": ["s"] * planes,
        },
    }
    for axis, size in SIZES.items():
        metadata |= {f"PhysicalSize{axis}": size, f"PhysicalSize{axis}Unit": "µm"}
    tifffile.imwrite(path, PIXELS, photometric="minisblack", metadata=metadata)
    return path


def write_imagej(folder: Path) -> Path:
    """Write with tifffile."""
    path = folder / "in.tif"
    tables = [
        np.array([np.linspace(0, end, 256).round() for end in bytes.fromhex(each)], np.uint8)
        for each in COLOURS
    ]
    metadata = {
        "axes": "TZCYX",
        "unit": "micron",
        "spacing": SIZES["Z"],
        "finterval": INTERVAL,
        "mode": "composite",
        "LUTs": tables,
        "Labels": NAMES * 6,
        "Ranges": tuple(limit for window in WINDOWS for limit in window),
    }
    tifffile.imwrite(
        path,
        PIXELS.swapaxes(1, 2),
        imagej=True,
        resolution=(1 / SIZES["X"], 1 / SIZES["Y"]),
        metadata=metadata,
    )
    return path


def write_zarr(folder: Path, version: str) -> Path:
    """Write with zarr."""
    path = folder / "in.ome.zarr"
    axes = [
        {"name": "t", "type": "time", "unit": "second"},
        {"name": "c", "type": "channel"},
        *({"name": name, "type": "space", "unit": "micrometer"} for name in "zyx"),
    ]
    scale = {"type": "scale", "scale": [INTERVAL, 1.0, *SIZES.values()]}
    image = {"name": NAME, "axes": axes}
    if version == "0.6":
        system = {"name": "physical", "axes": image.pop("axes")}
        image["coordinateSystems"] = [system]
        scale |= {"input": {"path": "full"}, "output": {"name": "physical"}}
    image["datasets"] = [{"path": "full", "coordinateTransformations": [scale]}]
    channels = [
        {
            "label": label,
            "color": colour,
            "active": True,
            "window": {"start": low, "end": high, "min": 0.0, "max": 65535.0},
        }
        for label, colour, (low, high) in zip(NAMES, COLOURS, WINDOWS, strict=True)
    ]
    entries = {"multiscales": [image], "omero": {"channels": channels}}
    if version == "0.4":
        image["version"] = version
    else:
        entries = {"ome": {"version": version} | entries}
    group = zarr.create_group(path, zarr_format=2 if version == "0.4" else 3, attributes=entries)
    group.create_array("full", data=PIXELS, chunks=(1, 1, 1, 16, 20))
    return path


INPUTS = {
    "OME-TIFF": write_ome_tiff,
    "ImageJ TIFF": write_imagej,
    "OME-Zarr 0.4": lambda folder: write_zarr(folder, "0.4"),
    "OME-Zarr 0.5": lambda folder: write_zarr(folder, "0.5"),
    "OME-Zarr 0.6": lambda folder: write_zarr(folder, "0.6"),
}


def table() -> str:
    """Return the table of the page on what is kept."""
    formats = {".ome.tif": "OME-TIFF", ".tif": "TIFF for ImageJ", ".ome.zarr": "OME-Zarr"}
    rows = [["", *formats.values()], ["---"] * (len(formats) + 1)]
    rows += [[name, *(entry[suffix] for suffix in formats)] for name, entry in KEPT.items()]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)
