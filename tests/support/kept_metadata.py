"""What each output format keeps, and the same image as programs of others write it."""

from __future__ import annotations

import struct
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


def write_czi(folder: Path) -> Path:
    """Write with the library of Zeiss."""
    from pylibCZIrw import czi

    path = folder / "in.czi"
    shown = {
        number: czi.ChannelDisplaySettingsDataClass(
            True, czi.TintingMode.Color, czi.Rgb8Color(*map(np.uint8, bytes.fromhex(colour))), 0, 1
        )
        for number, colour in enumerate(COLOURS)
    }
    with czi.create_czi(str(path)) as document:
        for t, c, z in np.ndindex(PIXELS.shape[:3]):
            document.write(data=PIXELS[t, c, z, ..., None], plane={"T": t, "C": c, "Z": z})
        sizes = {f"scale_{axis.lower()}": size * 1e-6 for axis, size in SIZES.items()}
        names = dict(enumerate(NAMES))
        document.write_metadata(NAME, channel_names=names, display_settings=shown, **sizes)
    return path


def write_lif(folder: Path) -> Path:
    """Write the blocks of a file of Leica: a header in XML, then the pixels."""
    path = folder / "in.lif"
    frames, channels, depth, height, width = PIXELS.shape
    pixels = PIXELS.swapaxes(1, 2).astype("<u2").tobytes()
    plane = 2 * height * width
    dimensions = [
        (1, width, 2, SIZES["X"] * 1e-6, "m"),
        (2, height, 2 * width, SIZES["Y"] * 1e-6, "m"),
        (3, depth, plane * channels, SIZES["Z"] * 1e-6, "m"),
        (4, frames, plane * channels * depth, INTERVAL, "s"),
    ]
    header = "".join(
        f'<DimensionDescription DimID="{number}" NumberOfElements="{count}" Origin="0" '
        f'Length="{step * (count - 1)}" Unit="{unit}" BitInc="0" BytesInc="{bytes_}"/>'
        for number, count, bytes_, step, unit in dimensions
    )
    tables = "".join(
        f'<ChannelDescription DataType="0" ChannelTag="0" Resolution="16" Min="0" Max="65535" '
        f'NameOfMeasuredQuantity="" Unit="" LUTName="{name}" IsLUTInverted="0" '
        f'BytesInc="{number * plane}" BitInc="0"/>'
        for number, name in enumerate(("Blue", "Green"))
    )
    image = (
        f"<Image><ImageDescription><Channels>{tables}</Channels>"
        f"<Dimensions>{header}</Dimensions></ImageDescription></Image>"
    )
    xml = (
        '<LMSDataContainerHeader Version="2"><Element Name="project"><Data/>'
        f'<Children><Element Name="{NAME}"><Data>{image}</Data>'
        f'<Memory Size="{len(pixels)}" MemoryBlockID="MemBlock_1"/></Element></Children>'
        "</Element></LMSDataContainerHeader>"
    )

    def block(*parts: bytes) -> bytes:
        content = b"".join(parts)
        return struct.pack("<II", 0x70, len(content)) + content

    def text(said: str) -> bytes:
        return b"\x2a" + struct.pack("<I", len(said)) + said.encode("utf-16-le")

    memory = block(b"\x2a", struct.pack("<Q", len(pixels)), text("MemBlock_1"))
    path.write_bytes(block(text(xml)) + memory + pixels)
    return path


VENDORS = {"CZI": (write_czi, "bioio_czi"), "LIF": (write_lif, "bioio_lif")}
"""How files of microscopes are written, and what reads them, by format."""

READ = {
    "OME-TIFF": KNOWN["OME-TIFF"],
    "TIFF of ImageJ": KNOWN["ImageJ TIFF"],
    "OME-Zarr": KNOWN["OME-Zarr 0.5"],
    "CZI": {"axes and shape", "pixel sizes", "channel names", "channel colours"},
    "LIF": {
        "axes and shape",
        "pixel sizes",
        "time between frames",
        "channel names",
        "channel colours",
        "image name",
    },
}
"""What is read and tested, by format."""

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


def table_of_inputs() -> str:
    """Return the table of the page on what is read."""
    rows = [["", *READ], ["---"] * (len(READ) + 1)]
    rows += [[name, *("yes" if name in one else "" for one in READ.values())] for name in KEPT]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)
