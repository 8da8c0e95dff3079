"""What an input file says of its image, and a format of the output has no place for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_dip.image.metadata import MICROMETRES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import numpy as np

    from napari_dip.image.metadata import StoredImage

__all__ = ["dropped_metadata"]


def dropped_metadata(
    form: str, stored: StoredImage, dtype: np.dtype[Any], factors: Mapping[str, int]
) -> tuple[str, ...]:
    """List what will not be written.

    Parameters
    ----------
    form
        Of the output: ``"imagej"``, ``"ome"``, ``"shaped"``, ``"png"`` or ``"zarr"``.
    stored
        What was read.
    dtype
        Of the output.
    factors
        How many pixels stand for one of the input, by the letters of the axes.

    Examples
    --------
    >>> import numpy as np
    >>> from napari_dip.image.metadata import StoredImage
    >>> image = StoredImage(np.eye(8), "YX", extras={"tiff": {"orientation": 6}})
    >>> dropped_metadata("zarr", image, np.dtype("uint8"), {})
    ('orientation tag',)
    """
    return tuple(_lost(form, stored, dtype, factors))


def _lost(
    form: str, stored: StoredImage, dtype: np.dtype[Any], factors: Mapping[str, int]
) -> Iterator[str]:
    said = stored.extras
    calibrated = said.get("imagej_calibration", {}).get("dtype")
    if calibrated is not None and (form != "imagej" or calibrated != dtype):
        yield "calibration of the grey values"
    resized = any(factors.get(axis, 1) > 1 for axis in "YX")
    if "imagej_plane" in said and (form != "imagej" or resized):
        yield "regions and overlays of ImageJ"
    imagej = said.get("imagej", {})
    if form != "imagej":
        for key, name in (("Info", "Info"), ("Properties", "Properties"), ("Ranges", "ranges")):
            if imagej.get(key):
                yield f"ImageJ's {name}"
    labelled = imagej.get("Labels") and not any(channel.name for channel in stored.channels)
    if labelled and (form != "imagej" or factors.get("Z", 1) > 1):
        yield "labels of the planes"
    if form != "ome":
        ome = said.get("ome", {})
        yield from (["the description"] if "Description" in ome else [])
        yield from (["wavelengths and the like of the channels"] if "Channel" in ome else [])
    tiff = said.get("tiff", {})
    if form in ("png", "zarr") and "orientation" in tiff:
        yield "orientation tag"
    if form in ("png", "zarr") and 0 in tiff.get("extrasamples", ()):  # 0 is unspecified
        yield "that the fourth sample is no transparency"
    if form != "png" and "icc_profile" in said.get("png", {}):
        yield "colour profile"
    if stored.channels and (
        form in ("png", "shaped") or (form == "imagej" and len(stored.channels) == 1)
    ):
        yield "names and colours of the channels"
    units = {stored.unit.get(axis) for axis in "YX" if axis in stored.pixel_size}
    if form == "png" and units and not units <= MICROMETRES.keys():
        yield "the pixel size"
    elsewhere = [axis for axis in stored.pixel_size if axis not in stored.axes]
    if elsewhere and form in ("png", "zarr"):
        yield f"the size along {' and '.join(elsewhere)}, where the image has no axis"
    measured = all(stored.unit.get(axis) in MICROMETRES for axis in stored.translate)
    if stored.translate and (form in ("png", "shaped") or (form == "ome" and not measured)):
        yield "the place of the first pixel"
