"""Find the files of the image, the mask and the bead of a layer, or write how to save them."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from napari_dip.errors import BadSettings, NapariDipError
from napari_dip.image.pixel_digest import pixel_digest
from napari_dip.plaintext import file_name
from napari_dip.plugin.models.layer_record import recorded_bead, recorded_settings, restored_part

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["InputFiles", "file_of_name", "input_files"]

# In one line, so that it can be pasted into napari's console.
SAVE_IMPORTS = (
    "from napari_dip.files.image_io import StoredImage, write_image; "
    "from napari_dip.plugin.models.layer_input import read_layer"
)
SAVE_MASK_IMPORTS = "; from napari_dip.plugin.models.mask_layers import Mask"
SAVE_BEAD_IMPORTS = (
    "; from napari_dip.plugin.models.pixel_sizes import stored_layer"
    "; from napari_dip.plugin.models.point_spread import read_bead"
)
MAX_READ_VALUES = 2**24  # values: a file is read in the main thread


class InputFiles(NamedTuple):
    """The files of the input, and the lines that save what has none."""

    image: Path
    mask: Path | None
    bead: Path | None
    save_lines: list[str]


def input_files(record: Mapping[str, Any], name: str) -> InputFiles:
    """Return the files of image, mask and bead, and the lines that save an input without a file.

    A bead is measured in pixels of the image: where its file does not give the same point spread
    function, both are saved with their pixel sizes.
    """
    origin = record["input"]
    image, mask = _file_of(origin, origin, _holds_image), None
    bead = _bead_file(record, image, name)
    imports, save_lines = SAVE_IMPORTS, []
    layer = f"viewer.layers[{origin['layer']!r}]"
    axes = record["settings"]["axes"]
    if bead is None and origin.get("bead") and origin.get("psf"):
        image, bead = (
            Path(file_of_name(one["layer"]) + ".tif") for one in (origin, origin["bead"])
        )
        bead_layer = f"viewer.layers[{origin['bead']['layer']!r}]"
        imports += SAVE_BEAD_IMPORTS
        save_lines = [
            f"write_image({str(image)!r}, stored_layer({layer}, {axes!r}))",
            f"write_image({str(bead)!r}, read_bead({bead_layer}).stored)",
        ]
    elif image is None:
        image = Path(file_of_name(origin["layer"]) + ".tif")
        save_lines.append(_save_line(image, f"read_layer({layer}).data", axes))
    if mask_origin := origin.get("mask"):
        mask = _file_of(mask_origin, origin, _holds_mask)
        if mask is None:
            mask = Path(file_of_name(mask_origin["layer"]) + ", missing.tif")
            mask_layer = f"viewer.layers[{mask_origin['layer']!r}]"
            meaning = ", ".join(
                f"{name}={mask_origin[name]!r}" for name in ("label", "marks", "plane")
            )
            pixels = f"read_layer({layer}, Mask({mask_layer}, {meaning})).mask.astype('uint8')"
            imports += SAVE_MASK_IMPORTS
            mask_axes = axes.replace("S", "")[-mask_origin["ndim"] :]
            save_lines.append(_save_line(mask, pixels, mask_axes))
    if save_lines:
        save_lines = [imports, *save_lines]
    return InputFiles(image, mask, bead, save_lines)


def _bead_file(record: Mapping[str, Any], image: Path | None, name: str) -> Path | None:
    """Return the file of a bead; ``None`` if it is to be saved, or if there is no bead.

    Raises
    ------
    BadSettings
        If neither a file nor a layer has the point spread function.
    """
    bead = recorded_bead(record)
    given = record["input"].get("psf") and not recorded_settings(record).task.describes_psf
    if bead is None and given:
        raise BadSettings(
            f"'{name}' was deconvolved with an array of a Python program, which its record does "
            "not hold: repeat it there"
        )
    if bead is None or not given:
        return None
    try:
        holds = bead["path"] and image and _holds_psf(Path(bead["path"]), image, record)
    except (NapariDipError, OSError):
        holds = False
    if not holds and not bead["layer"]:
        raise BadSettings(f"the bead of '{name}' is not in {bead['path']} any more: put it back")
    return Path(bead["path"]) if holds else None


def _holds_psf(path: Path, image: Path, record: Mapping[str, Any]) -> bool:
    from napari_dip.files.image_io import read_image
    from napari_dip.files.psf_file import read_psf

    settings = recorded_settings(record)
    psf = read_psf(path, read_image(image, lazy=True), settings)
    return bool(pixel_digest(psf.values, settings.spatial) == record["input"]["psf"]["pixels"])


def _save_line(path: Path, pixels: str, axes: str) -> str:
    return f"write_image({str(path)!r}, StoredImage({pixels}, {axes!r}))"


def _file_of(
    record: Mapping[str, Any],
    origin: Mapping[str, Any],
    holds: Callable[[Path, Mapping[str, Any]], bool],
) -> Path | None:
    """Return the file of an input; ``None`` if it does not hold the same pixels any more."""
    path = record.get("path")
    try:
        return Path(path) if path and holds(Path(path), origin) else None
    except (NapariDipError, OSError):
        return None


def _holds_image(path: Path, origin: Mapping[str, Any]) -> bool:
    from napari_dip.files.image_io import read_image

    image = read_image(path, lazy=True).image
    if origin["part"] and image.ndim == len(origin["shape"]):
        image = image[restored_part(origin)]
    same_form = list(image.shape) == origin["shape"] and str(image.dtype) == origin["dtype"]
    if not same_form or math.prod(image.shape) > MAX_READ_VALUES:
        return bool(same_form)
    return bool(pixel_digest(np.asarray(image), origin["axes"]) == origin["pixels"])


def _holds_mask(path: Path, origin: Mapping[str, Any]) -> bool:
    from napari_dip.files.image_io import read_mask

    mask = origin["mask"]
    missing = read_mask(path).missing[restored_part(origin, mask["ndim"])]
    axes = origin["axes"].replace("S", "")[-missing.ndim :]
    return bool(len(axes) == missing.ndim and pixel_digest(missing, axes) == mask["pixels"])


def file_of_name(name: str) -> str:
    """Return the name of a layer as the name of a file, without suffix."""
    return " ".join(file_name(name, " ").split()) or "image"
