"""List metadata of the input that the output format cannot hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_dip.files.ome_elements import element_names
from napari_dip.image.metadata import MICROMETRES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import numpy as np

    from napari_dip.image.metadata import StoredImage

__all__ = ["dropped_metadata"]


def dropped_metadata(
    form: str, stored: StoredImage, dtype: np.dtype[Any], factors: Mapping[str, int]
) -> tuple[str, ...]:
    """List the metadata that will not be written.

    Parameters
    ----------
    form
        Output format: ``"imagej"``, ``"ome"``, ``"shaped"``, ``"png"`` or ``"zarr"``.
    stored
        The image as read.
    dtype
        Dtype of the output.
    factors
        Number of output pixels per input pixel, by the letter of the axis.

    Examples
    --------
    >>> import numpy as np
    >>> from napari_dip.image.metadata import StoredImage
    >>> image = StoredImage(np.eye(8), "YX", extras={"tiff": {"orientation": 6}})
    >>> dropped_metadata("zarr", image, np.dtype("uint8"), {})
    ('orientation tag',)
    """
    return tuple(_dropped(form, stored, dtype, factors))


def _dropped(
    form: str, stored: StoredImage, dtype: np.dtype[Any], factors: Mapping[str, int]
) -> Iterator[str]:
    extras = stored.extras
    calibrated = extras.get("imagej_calibration", {}).get("dtype")
    if calibrated is not None and (form != "imagej" or calibrated != dtype):
        yield "grey value calibration"
    resized = any(factors.get(axis, 1) > 1 for axis in "YX")
    if "imagej_plane" in extras and (form != "imagej" or resized):
        yield "ImageJ regions and overlays"
    imagej = extras.get("imagej", {})
    if form != "imagej":
        for key, name in (("Info", "Info"), ("Properties", "Properties")):
            if imagej.get(key):
                yield f"ImageJ's {name}"
    known_colours = len(stored.channels) > 0 and all(one.colour for one in stored.channels)
    if form != "imagej" and imagej.get("LUTs") and not known_colours:
        yield "look-up tables"
    labelled = imagej.get("Labels") and not any(channel.name for channel in stored.channels)
    if labelled and (form != "imagej" or factors.get("Z", 1) > 1):
        yield "plane labels"
    if form != "ome":
        ome = extras.get("ome", {})
        yield from (["description"] if "Description" in ome else [])
        yield from (["wavelengths and other channel metadata"] if "Channel" in ome else [])
    elements = element_names(extras.get("ome_elements", {}))
    regions = "regions of interest"
    yield from (one for one in elements if form != "ome" or (resized and one == regions))
    tiff = extras.get("tiff", {})
    if form in ("png", "zarr") and "orientation" in tiff:
        yield "orientation tag"
    if form in ("png", "zarr") and 0 in tiff.get("extrasamples", ()):  # 0 is unspecified
        yield "meaning of the fourth sample"
    if form != "png" and "icc_profile" in extras.get("png", {}):
        yield "colour profile"
    if form == "png" and any(one.name or one.colour for one in stored.channels):
        yield "channel names and colours"
    if form in ("png", "shaped") and any(one.window for one in stored.channels):
        yield "display ranges"
    planes = extras.get("ome_planes", {})
    if form != "ome" and "ExposureTime" in planes:
        yield "exposure times"
    stamps = {(place[0], stamp) for place, stamp in planes.get("DeltaT", {}).items()}
    if form != "ome" and len(stamps) > max(len(stored.known_times), 1):
        yield "time stamps of single planes"
    units = {stored.unit.get(axis) for axis in "YX" if axis in stored.pixel_size}
    if form == "png" and units and not units <= MICROMETRES.keys():
        yield "pixel size"
    without_axis = [axis for axis in stored.pixel_size if axis not in stored.axes]
    if without_axis and form in ("png", "zarr"):
        yield f"size along {' and '.join(without_axis)}, without such an axis"
    if stored.affine is not None and form != "zarr":
        yield "rotation, shear or mirroring in the world"
    measured = all(stored.unit.get(axis) in MICROMETRES for axis in stored.translate)
    if stored.translate and (form in ("png", "shaped") or (form == "ome" and not measured)):
        yield "position of the first pixel"
