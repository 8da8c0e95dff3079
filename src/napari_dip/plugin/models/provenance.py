"""Write Python code or a shell command that reproduces a layer from its record."""

from __future__ import annotations

import math
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from napari_dip.errors import BadImage, BadSettings, NapariDipError
from napari_dip.image.pixel_digest import pixel_digest
from napari_dip.plaintext import file_name, plain
from napari_dip.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from napari.layers import Layer

__all__ = [
    "origin_of",
    "python_code",
    "record_of",
    "recorded_bead",
    "recorded_settings",
    "shell_command",
    "shows_uncertainty",
]

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
SAVE_COMMENT = "The input isn't saved in a file. Save it first, in napari's console:"

MAX_READ_VALUES = 2**24  # values: a file is read in the main thread


def record_of(layer: Layer | None) -> dict[str, Any] | None:
    """Return the record of how a layer was made; ``None`` if no run made it."""
    record = None if layer is None else layer.metadata.get("napari-dip")
    valid = isinstance(record, dict) and isinstance(record.get("input"), dict)
    return record if valid else None


def shows_uncertainty(layer: Layer) -> bool:
    """Return whether a run made a layer as the uncertainty of its result."""
    return (record_of(layer) or {}).get("shows") == "uncertainty"


def recorded_settings(record: Mapping[str, Any]) -> Settings:
    """Return the settings in a record.

    Raises
    ------
    BadSettings
        If a setting is not known: another version may have written it.
    """
    try:
        return Settings(**record["settings"])
    except (LookupError, TypeError):
        raise BadSettings("its settings are missing or have another form") from None


def recorded_bead(record: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the layer and the file of the bead of a result; ``None`` if it was made without one.

    A result that a command made has a file alone.
    """
    if bead := record["input"].get("bead"):
        return {"layer": bead.get("layer") or "", "path": bead.get("path")}
    file = (record.get("psf") or {}).get("file")
    return {"layer": "", "path": file} if file else None


def origin_of(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return where the image, the mask and the bead of a result came from."""
    bead = recorded_bead(record)
    return {**record["input"], **({} if bead is None else {"bead": bead})}


def python_code(record: Mapping[str, Any], name: str) -> str:
    """Write Python code that reproduces a layer.

    Parameters
    ----------
    record
        From :func:`record_of`.
    name
        The name of the layer.

    Returns
    -------
    str
        Code that assigns the pixels to ``restored``. Where no file holds the input, a comment has
        the line that saves it.
    """
    settings = recorded_settings(record)
    module, _, function = settings.task.spec.function.rpartition(".")
    image, mask, bead, save_lines = _input_files(record, name)
    mask_ndim = record["input"].get("mask", {}).get("ndim")
    mask_part = _subscript(record, mask_ndim)
    lacking = len(record["axes"].replace("S", "")) - (mask_ndim or 0)
    new_axes = f"[{', '.join(['None'] * lacking)}]" if lacking else ""
    readers = ["read_image", *(["read_mask"] if mask else [])]
    arguments = ["image", *(["mask"] if mask else [])]
    arguments += [f"psf=psf, psf_axes={settings.spatial!r}"] if bead else []
    arguments += [f"{name}={value!r}" for name, value in settings.changes().items()]
    return "\n".join(
        [
            *_comments(record, name, save_lines),
            f"from {module} import {function}",
            f"from napari_dip.files.image_io import {', '.join(readers)}",
            *(_PSF_IMPORTS if bead else []),
            "",
            f"image = read_image({str(image)!r}).image{_subscript(record)}",
            *(_psf_lines(image, bead, settings) if bead else []),
            *([f"mask = read_mask({str(mask)!r}).missing{mask_part}{new_axes}"] if mask else []),
            f"restored = {function}({', '.join(arguments)})",
            "",
        ]
    )


def shell_command(record: Mapping[str, Any], name: str) -> str:
    """Write a shell command that reproduces a layer in a file beside the input.

    Parameters
    ----------
    record
        From :func:`record_of`.
    name
        The name of the layer, and of the file to write.

    Raises
    ------
    BadImage, BadSettings
        If the layer shows a part of an image; if a setting has no option.
    """
    settings = recorded_settings(record)
    if record["input"]["part"]:
        raise BadImage(
            f"'{name}' shows a part of an image, and the command line restores whole files: copy "
            "it as Python, or copy the command of the whole image"
        )
    image, mask, bead, save_lines = _input_files(record, name)
    folder = image.parent if image.exists() else Path()
    output = folder / (_file_name(name) + ".tif")
    words = ["napari-dip", settings.task.kind, str(image), *([str(mask)] if mask else [])]
    words += [str(output), *(["--psf", str(bead)] if bead else [])]
    for setting, value in settings.changes().items():
        words += _option(setting, value)
    line = subprocess.list2cmdline(words) if sys.platform == "win32" else shlex.join(words)
    return "\n".join([*_comments(record, name, save_lines), line, ""])


def _part(origin: Mapping[str, Any], ndim: int | None = None) -> tuple[slice, ...]:
    """Return the restored part of the image, along its last ``ndim`` axes."""
    index = tuple(slice(*ends) for ends in origin["part"])
    return index if ndim is None else index[max(0, len(index) - ndim) :]


def _subscript(record: Mapping[str, Any], ndim: int | None = None) -> str:
    """Write the restored part as a subscript; empty for the whole image."""
    parts = [f"{part.start}:{part.stop}" for part in _part(record["input"], ndim)]
    return f"[{', '.join(parts)}]" if parts else ""


def _option(name: str, value: Any) -> list[str]:
    """Write a setting as an option of the command line."""
    if name == "keep_known":
        return ["--smooth-known"]
    if isinstance(value, bool):
        return [f"--{'' if value else 'no-'}{name.replace('_', '-')}"]
    if name == "noise" and isinstance(value, dict) and "kind" not in value:
        value = (value["gain"], value["offset"], value["read"])
    if isinstance(value, tuple):
        value = ",".join(map(str, value))
    if isinstance(value, dict) or name in ("averaging", "precision", "preview_every_s"):
        raise BadSettings(
            f"{name}={value!r}: the command line has no option for it; copy it as Python"
        )
    return [f"--{name.replace('_', '-')}", str(value)]


class _Files(NamedTuple):
    """The files of the input, and the lines that save what has none."""

    image: Path
    mask: Path | None
    bead: Path | None
    save_lines: list[str]


_PSF_IMPORTS = (
    "from pathlib import Path",
    "from napari_dip import Settings",
    "from napari_dip.files.psf_file import read_psf",
)


def _psf_lines(image: Path, bead: Path, settings: Settings) -> list[str]:
    """Write how the point spread function is measured in the image of a bead."""
    task = settings.task.model_dump(exclude_defaults=True) | {"kind": settings.task.kind}
    voxel = "" if settings.voxel is None else f", voxel={settings.voxel}"
    return [
        f"settings = Settings(task={task}, ndim={settings.ndim}{voxel})",
        f"psf = read_psf(Path({str(bead)!r}), read_image({str(image)!r}), settings)",
    ]


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


def _input_files(record: Mapping[str, Any], name: str) -> _Files:
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
        image, bead = (Path(_file_name(one["layer"]) + ".tif") for one in (origin, origin["bead"]))
        bead_layer = f"viewer.layers[{origin['bead']['layer']!r}]"
        imports += SAVE_BEAD_IMPORTS
        save_lines = [
            f"write_image({str(image)!r}, stored_layer({layer}, {axes!r}))",
            f"write_image({str(bead)!r}, read_bead({bead_layer}).stored)",
        ]
    elif image is None:
        image = Path(_file_name(origin["layer"]) + ".tif")
        save_lines.append(_save_line(image, f"read_layer({layer}).data", axes))
    if mask_origin := origin.get("mask"):
        mask = _file_of(mask_origin, origin, _holds_mask)
        if mask is None:
            mask = Path(_file_name(mask_origin["layer"]) + ", missing.tif")
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
    return _Files(image, mask, bead, save_lines)


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
        image = image[_part(origin)]
    same_form = list(image.shape) == origin["shape"] and str(image.dtype) == origin["dtype"]
    if not same_form or math.prod(image.shape) > MAX_READ_VALUES:
        return bool(same_form)
    return bool(pixel_digest(np.asarray(image), origin["axes"]) == origin["pixels"])


def _holds_mask(path: Path, origin: Mapping[str, Any]) -> bool:
    from napari_dip.files.image_io import read_mask

    mask = origin["mask"]
    missing = read_mask(path).missing[_part(origin, mask["ndim"])]
    axes = origin["axes"].replace("S", "")[-missing.ndim :]
    return bool(len(axes) == missing.ndim and pixel_digest(missing, axes) == mask["pixels"])


def _comments(record: Mapping[str, Any], name: str, save_lines: list[str]) -> list[str]:
    """Write comments: versions, manual steps that are not reproduced, and how to save the input."""
    versions = record["versions"]
    lines = [
        f"# {name}: napari-dip {record['napari-dip']}, torch "
        f"{versions['torch']}, on {record['device']}{_precision(record)}.",
        "# The pixels are identical on the same machine with the same versions and threads.",
    ]
    picture = record.get("picture", {})
    manual_steps = {
        "stopped by the user": record["stopped_by_user"],
        "continued": record["continued_at"],
        f"set to iteration {picture.get('iteration')}": "iteration" in picture,
        f"set to a strength of {picture.get('strength_percent')} %": "strength_percent" in picture,
    }
    if any(manual_steps.values()):
        done = ", ".join(step for step, was_done in manual_steps.items() if was_done)
        lines.append(f"# The layer was {done}; this code does not repeat it.")
    if save_lines:
        lines.append(f"# {SAVE_COMMENT}")
        lines += [f"#   {line}" for line in save_lines]
    return list(map(plain, lines))  # a line break in a name would end the comment


def _precision(record: Mapping[str, Any]) -> str:
    """Name the precision of the run, which may be the fastest one of a measurement."""
    names = dict.fromkeys(unit["arithmetic"] for unit in record["units"] if unit.get("arithmetic"))
    return f" in {' and '.join(names)}" if names else ""


def _file_name(name: str) -> str:
    return " ".join(file_name(name, " ").split()) or "image"
