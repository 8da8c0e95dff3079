"""Read results with programs of others, into the properties of :mod:`kept_metadata`."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile
import zarr


def with_tifffile(path: Path) -> dict:
    """Read an ImageJ TIFF."""
    with tifffile.TiffFile(path) as tif:
        series, said = tif.series[0], tif.imagej_metadata
        page = tif.pages.first
        lines = said.get("Info", "").splitlines()
        info = dict(line.split(" = ", 1) for line in lines if " = " in line)
        x, y = (page.tags[f"{axis}Resolution"].value for axis in "XY")
        count = said["channels"]
        limits = said.get("Ranges", ())
        return {
            "axes and shape": (series.axes, series.asarray().tolist()),
            "pixel sizes": {"Z": said["spacing"], "Y": y[1] / y[0], "X": x[1] / x[0]},
            "time between frames": said["finterval"],
            "channel names": said.get("Labels", [])[:count],
            "channel colours": [
                "".join(f"{part:02X}" for part in table[:, -1]) for table in said.get("LUTs", [])
            ],
            "display ranges": [*zip(limits[::2], limits[1::2], strict=True)],
            "image name": info.get("Image name"),
            "date of acquisition": info.get("Acquisition date"),
            "time stamps of frames": [
                float(stamp) for stamp in info.get("Time stamps (s)", "").split(",") if stamp
            ],
        }


def with_ome_types(path: Path) -> dict:
    """Read an OME-TIFF, which ome-types validates against the schema."""
    ome_types = pytest.importorskip("ome_types")
    with tifffile.TiffFile(path) as tif:
        found = ome_types.from_xml(tif.ome_metadata)
        series = tif.series[0]
        axes, values = series.axes, series.asarray().tolist()
    image = found.images[0]
    pixels = image.pixels
    first = [plane for plane in pixels.planes if plane.the_c == plane.the_z == 0]
    return {
        "axes and shape": (axes, values),
        "pixel sizes": {axis: getattr(pixels, f"physical_size_{axis.lower()}") for axis in "ZYX"},
        "time between frames": pixels.time_increment,
        "channel names": [channel.name for channel in pixels.channels],
        "channel colours": [
            "".join(f"{part:02X}" for part in channel.color.as_rgb_tuple(alpha=False))
            for channel in pixels.channels
        ],
        "display ranges": _annotated_ranges(found),
        "image name": image.name,
        "date of acquisition": image.acquisition_date and image.acquisition_date.isoformat(),
        "time stamps of frames": [plane.delta_t for plane in first if plane.delta_t is not None],
    }


def _annotated_ranges(found) -> list:
    for annotation in found.structured_annotations or ():
        text = dict(annotation.value).get("display ranges")
        if text:
            return [tuple(pair) for pair in json.loads(text)]
    return []


def with_bioio(path: Path) -> dict:
    """Read an OME-TIFF."""
    pytest.importorskip("bioio")
    reader = pytest.importorskip("bioio_ome_tiff").Reader
    image = reader(path)
    sizes = image.physical_pixel_sizes
    return {
        "axes and shape": (image.dims.order, np.asarray(image.data).tolist()),
        "pixel sizes": {axis: getattr(sizes, axis) for axis in "ZYX"},
        "channel names": image.channel_names,
    }


def _of_omero(omero) -> dict:
    """Return what the channels of OME-Zarr tell."""
    channels = omero["channels"] if isinstance(omero, dict) else omero.channels
    said = [one if isinstance(one, dict) else vars(one) for one in channels]
    windows = [one["window"] for one in said]
    windows = [one if isinstance(one, dict) else vars(one) for one in windows]
    return {
        "channel names": [one["label"] for one in said],
        "channel colours": [str(one["color"]).lstrip("#").upper() for one in said],
        "display ranges": [(window["start"], window["end"]) for window in windows],
    }


def _of_multiscale(axes, scale, image) -> dict:
    sizes = dict(zip((axis.name.upper() for axis in axes), scale, strict=True))
    said = getattr(image, "metadata", None) or {}
    return {
        "pixel sizes": {axis: sizes[axis] for axis in "ZYX"},
        "time between frames": sizes["T"],
        "image name": image.name,
        "date of acquisition": said.get("acquisition date"),
        "time stamps of frames": said.get("time stamps (s)", []),
    }


def _skip_version_6(path: Path, program: str) -> None:
    if dict(zarr.open_group(path, mode="r").attrs).get("ome", {}).get("version") == "0.6":
        pytest.skip(f"{program} reads OME-Zarr up to 0.5")


def with_yaozarrs(path: Path) -> dict:
    """Read an OME-Zarr, and validate its storage."""
    import yaozarrs

    _skip_version_6(path, "yaozarrs 0.3")
    yaozarrs.validate_zarr_store(path)
    group = yaozarrs.open_group(path)
    said = group.ome_metadata()
    image = said.multiscales[0]
    dataset = image.datasets[0]
    axes = "".join(axis.name.upper() for axis in image.axes)
    values = zarr.open_array(path / dataset.path, mode="r")[:]
    return {
        "axes and shape": (axes, values.tolist()),
        **_of_multiscale(image.axes, dataset.coordinateTransformations[0].scale, image),
        **_of_omero(said.omero),
    }


def with_ome_zarr_models(path: Path) -> dict:
    """Read an OME-Zarr of any version that ome-zarr-models knows."""
    models = pytest.importorskip("ome_zarr_models")
    _skip_version_6(path, "ome-zarr-models 1.6")
    group = zarr.open_group(path, mode="r")
    if group.metadata.zarr_format == 2:
        pytest.skip("ome-zarr-models 1.6 cannot build its classes of 0.4 with pydantic 2.14")
    said = models.open_ome_zarr(group).ome_attributes
    image = said.multiscales[0]
    scale = image.datasets[0].coordinateTransformations[0].scale
    return {**_of_multiscale(image.axes, scale, image), **_of_omero(said.omero)}


def with_ngff_zarr(path: Path) -> dict:
    """Read an OME-Zarr with its conversions."""
    ngff_zarr = pytest.importorskip("ngff_zarr")
    found = ngff_zarr.from_ngff_zarr(path)
    image = found.images[0]
    return {
        "axes and shape": ("".join(image.dims).upper(), np.asarray(image.data).tolist()),
        "pixel sizes": {axis: image.scale[axis.lower()] for axis in "ZYX"},
        "time between frames": image.scale["t"],
        "image name": found.metadata.name,
        **_of_omero(found.metadata.omero),
    }


def with_napari_ome_zarr(path: Path) -> dict:
    """Read an OME-Zarr as layers."""
    reader = pytest.importorskip("napari_ome_zarr")
    ((_, said, _),) = reader.napari_get_reader(str(path))(str(path))
    return {
        "channel names": [name.split(": ")[-1] for name in said["name"]],
        "display ranges": [tuple(limits) for limits in said["contrast_limits"]],
    }


READERS = {
    ".tif": [with_tifffile],
    ".ome.tif": [with_ome_types, with_bioio],
    ".ome.zarr": [with_yaozarrs, with_ome_zarr_models, with_ngff_zarr, with_napari_ome_zarr],
}
