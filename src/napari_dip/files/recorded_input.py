"""Find and open the image, mask and point spread function that the record of a result names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_dip.errors import BadSettings, FileProblem
from napari_dip.files.image_io import read_image, read_mask
from napari_dip.image.layout_plan import make_layout
from napari_dip.image.masks import align_mask

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from napari_dip.image.metadata import StoredImage
    from napari_dip.settings import Settings

__all__ = [
    "find_recorded_psf",
    "open_recorded_image",
    "open_recorded_mask",
]


def open_recorded_image(
    record: Mapping[str, Any], path: Path, source: Path | None
) -> tuple[StoredImage, Path]:
    """Open the input of a result, cropped to the part that was restored.

    Parameters
    ----------
    record
        The record of the result.
    path
        The file of the result.
    source
        The input; ``None`` looks for the recorded file, there and beside the result.

    Returns
    -------
    StoredImage, Path
        The image, and its file.

    Raises
    ------
    FileProblem
        If the input is not found, or has another shape or dtype.
    """
    origin = record["input"]
    found = source or _find(origin.get("path"), path)
    if found is None:
        where = origin.get("path")
        name = f"'{origin['layer']}' " if origin.get("layer") else ""
        said = f"is not at {where}" if where else f"{name}was not read from a file"
        raise FileProblem(f"{path}: its input {said}; give it with --input")
    series = origin.get("series") or None
    stored = read_image(found, lazy=True, series=series)
    image = stored.image
    part = tuple(slice(*ends) for ends in origin.get("part", ()))
    if part and len(part) <= len(image.shape) and list(image.shape) != origin["shape"]:
        image = image[part]
    form = list(image.shape), str(image.dtype)
    if form != (origin["shape"], origin["dtype"]):
        raise FileProblem(
            f"{found} is not the input of {path}: it holds {form[1]} values of the shape "
            f"{tuple(form[0])}, the input was {origin['dtype']} of {tuple(origin['shape'])}; give "
            "the input with --input"
        )
    return stored.with_image(image, origin["axes"]), found


def open_recorded_mask(
    record: Mapping[str, Any], settings: Settings, path: Path, source: Path | None
) -> NDArray[np.bool_] | None:
    """Open the mask of a result, with the axes of the image; ``None`` if it had none.

    Raises
    ------
    FileProblem
        If it is not found.
    """
    origin = record["input"].get("mask")
    if origin is None and source is None:
        return None
    origin = origin or {}
    found = source or _find(origin.get("path"), path)
    if found is None:
        where = origin.get("path")
        name = f"'{origin['layer']}' " if origin.get("layer") else ""
        said = f"is not at {where}" if where else f"{name}was not saved; save it as a TIFF file"
        raise FileProblem(f"{path}: its mask {said}; give it with --mask")
    mask = read_mask(found, origin.get("marks", "missing"), origin.get("label"))
    missing, axes = mask.missing, origin.get("axes") or mask.axes
    shape = tuple(record["input"]["shape"])
    whole = tuple(slice(*ends) for ends in record["input"].get("part", ()))
    if whole and missing.shape[-2:] != shape[record["input"]["axes"].index("Y") :][:2]:
        missing = missing[whole[max(0, len(whole) - missing.ndim) :]]
    layout = make_layout(shape, settings)
    aligned = align_mask(missing, layout, axes, strict=False).missing
    if not origin.get("plane"):
        return aligned
    # A mask of one plane: the numbers along the axes that the mask lacks.
    lacking = [axis for axis in range(len(shape)) if aligned.shape[axis] == 1 < shape[axis]]
    index: list[Any] = [slice(None)] * len(shape)
    for axis, number in zip(lacking, origin["plane"], strict=False):
        index[axis] = slice(number, number + 1)
    one_plane = np.zeros(shape, bool)
    one_plane[tuple(index)] = aligned
    return one_plane


def find_recorded_psf(record: Mapping[str, Any], path: Path) -> Path:
    """Return the file of the point spread function of a result.

    Raises
    ------
    BadSettings
        If it is not found, or was not read from a file.
    """
    file = (record.get("psf") or {}).get("file")
    found = _find(file, path)
    if found is None:
        said = (
            f"its point spread function is not at {file}"
            if file
            else "it was deconvolved, and its record has only the digest of the point spread "
            "function"
        )
        raise BadSettings(f"{path}: {said}; give it with --psf, or psf= in Python")
    return found


def _find(recorded: str | None, result: Path) -> Path | None:
    """Return the recorded file, where it was or beside the result."""
    if not recorded:
        return None
    places = [Path(recorded), result.absolute().parent / Path(recorded).name]
    return next((place for place in places if _is_there(place)), None)


def _is_there(place: Path) -> bool:
    from napari_dip.files.glob_pattern import is_glob_pattern, matching_files

    return bool(matching_files(place)) if is_glob_pattern(place) else place.exists()
