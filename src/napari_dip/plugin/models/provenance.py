"""How a layer was made, told as text that makes it again: Python, or a command line."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_dip.errors import BadImage, BadSettings, NapariDipError
from napari_dip.plaintext import plain
from napari_dip.plugin.models.layer_input import checksum
from napari_dip.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from napari.layers import Layer


__all__ = ["as_command", "as_python", "made_with", "record_of"]

# On one line, so that it can be pasted.
_SAVING = (
    "from napari_dip.files.image_io import StoredImage, write_image; "
    "from napari_dip.plugin.models.layer_input import read_layer"
)


_SAVING_MASK = "; from napari_dip.plugin.models.masks import Mask"


_FUNCTIONS = {"denoise": "denoise", "super-resolve": "super_resolve", "inpaint": "inpaint"}


_FLAGS = ("preset", "iterations", "noise", "voxel", "share", "axes", "seed", "device")


def record_of(layer: Layer | None) -> dict[str, Any] | None:
    """Take from a layer how it was made; ``None`` where we did not make it."""
    record = None if layer is None else layer.metadata.get("napari-dip")
    made = isinstance(record, dict) and isinstance(record.get("input"), dict)
    return record if made else None


def made_with(record: Mapping[str, Any]) -> Settings:
    """Take the settings from a record.

    Raises
    ------
    BadSettings
        If one of them is not known here: another version may have written it.
    """
    try:
        return Settings(**record["settings"])
    except (LookupError, TypeError):
        raise BadSettings("its settings are not there, or in another form") from None


def as_python(record: Mapping[str, Any], name: str) -> str:
    """Write Python that makes a layer again.

    Parameters
    ----------
    record
        From :func:`record_of`.
    name
        Of the layer.

    Returns
    -------
    str
        Lines that leave the pixels in ``restored``. An input that is in no file as it was is read
        from one that the user saves first, by a line that is given.
    """
    settings = made_with(record)
    function = _FUNCTIONS[settings.task.kind]
    image, mask, saving = _files(record)
    of_mask = _subscript(record, record["input"].get("mask", {}).get("ndim"))
    lacks = len(record["axes"].replace("S", "")) - record["input"].get("mask", {}).get("ndim", 0)
    lacking = f"[{', '.join(['None'] * lacks)}]" if lacks else ""
    readers = ["read_image", *(["read_mask"] if mask else [])]
    given = ["image", *(["mask"] if mask else [])]
    given += [f"{name}={value!r}" for name, value in _changed(settings).items()]
    return "\n".join(
        [
            *_comments(record, name, saving),
            f"from napari_dip import {function}",
            f"from napari_dip.files.image_io import {', '.join(readers)}",
            "",
            f"image = read_image({str(image)!r}).image{_subscript(record)}",
            *([f"mask = read_mask({str(mask)!r}).missing{of_mask}{lacking}"] if mask else []),
            f"restored = {function}({', '.join(given)})",
            "",
        ]
    )


def as_command(record: Mapping[str, Any], name: str) -> str:
    """Write a command line that makes a layer again, in a file beside the input.

    Parameters
    ----------
    record
        From :func:`record_of`.
    name
        Of the layer, and of the file to write.

    Raises
    ------
    BadImage, BadSettings
        If the layer shows a part of an image; if there is no option for one of the settings.
    """
    settings = made_with(record)
    if record["input"]["part"]:
        raise BadImage(
            f"'{name}' shows a part, and the command line takes whole files: copy it as Python, or "
            "copy the command of the whole"
        )
    image, mask, saving = _files(record)
    folder = image.parent if image.exists() else Path()
    output = folder / (_as_file_name(name) + ".tif")
    words = ["napari-dip", settings.task.kind, str(image), *([str(mask)] if mask else [])]
    words.append(str(output))
    for setting, value in _changed(settings).items():
        words += _option(setting, value)
    line = subprocess.list2cmdline(words) if sys.platform == "win32" else shlex.join(words)
    return "\n".join([*_comments(record, name, saving), line, ""])


def _part(came: Mapping[str, Any], ndim: int | None = None) -> tuple[slice, ...]:
    """Tell which part of the image was restored, of its last axes if it has more."""
    index = tuple(slice(*ends) for ends in came["part"])
    return index if ndim is None else index[max(0, len(index) - ndim) :]


def _subscript(record: Mapping[str, Any], ndim: int | None = None) -> str:
    """Write the part as a subscript; nothing where it was the whole."""
    parts = [f"{part.start}:{part.stop}" for part in _part(record["input"], ndim)]
    return f"[{', '.join(parts)}]" if parts else ""


def _changed(settings: Settings) -> dict[str, Any]:
    """List what is not as it is by default, the task's own first, as keywords take it."""
    task, usual = settings.task, type(settings.task)()
    of_task = {name: value for name, value in task if value != getattr(usual, name)}
    default = Settings()
    changed = {
        name: value
        for name, value in settings
        if name != "task" and value != getattr(default, name)
    }
    if settings.stopping is not None and settings.stopping == type(settings.stopping)():
        changed["stopping"] = settings.stopping.rule
    return of_task | {
        name: value.model_dump() if hasattr(value, "model_dump") else value
        for name, value in changed.items()
    }


def _option(name: str, value: Any) -> list[str]:
    """Write a setting as the command line takes it."""
    if name == "keep_known":
        return ["--smooth-known"]
    if isinstance(value, dict) and name == "noise":
        value = (value["gain"], value["offset"], value["read"])
    if isinstance(value, tuple):
        value = ",".join(map(str, value))
    if isinstance(value, dict) or name in ("averaging", "precision", "preview_every_s"):
        raise BadSettings(
            f"{name}={value!r}: the command line has no option for it; copy it as Python"
        )
    return [f"--{name.replace('_', '-')}", str(value)]


def _files(record: Mapping[str, Any]) -> tuple[Path, Path | None, list[str]]:
    """Name the file of the image and that of the mask, and say how to save what is in none."""
    came = record["input"]
    image, mask = _file_of(came, came, _same_image), None
    imports, saving = _SAVING, []
    layer = f"viewer.layers[{came['layer']!r}]"
    axes = record["settings"]["axes"]
    if image is None:
        image = Path(_as_file_name(came["layer"]) + ".tif")
        saving.append(_saved(image, f"read_layer({layer}).data", axes))
    if hidden := came.get("mask"):
        mask = _file_of(hidden, came, _same_mask)
        if mask is None:
            mask = Path(_as_file_name(hidden["layer"]) + ", missing.tif")
            painted = f"viewer.layers[{hidden['layer']!r}]"
            said = ", ".join(f"{name}={hidden[name]!r}" for name in ("label", "marks", "plane"))
            missing = f"read_layer({layer}, Mask({painted}, {said})).mask.astype('uint8')"
            imports += _SAVING_MASK
            saving.append(_saved(mask, missing, axes.replace("S", "")[-hidden["ndim"] :]))
    if saving:
        saving = [imports, *saving]
    return image, mask, saving


def _saved(path: Path, pixels: str, axes: str) -> str:
    return f"write_image({str(path)!r}, StoredImage({pixels}, {axes!r}))"


def _file_of(
    kept: Mapping[str, Any],
    came: Mapping[str, Any],
    same: Callable[[Path, Mapping[str, Any]], bool],
) -> Path | None:
    """Name the file that still holds what was restored, if there is one."""
    path = kept.get("path")
    try:
        return Path(path) if path and same(Path(path), came) else None
    except (NapariDipError, OSError):
        return None


def _same_image(path: Path, came: Mapping[str, Any]) -> bool:
    from napari_dip.files.image_io import read_image

    image = read_image(path, lazy=True).image
    if came["part"] and image.ndim == len(came["shape"]):
        image = image[_part(came)]
    alike = list(image.shape) == came["shape"] and str(image.dtype) == came["dtype"]
    return alike and (came["crc32"] is None or checksum(np.asarray(image)) == came["crc32"])


def _same_mask(path: Path, came: Mapping[str, Any]) -> bool:
    from napari_dip.files.image_io import read_mask

    kept = came["mask"]
    missing = read_mask(path).missing[_part(came, kept["ndim"])]
    return kept["crc32"] is not None and checksum(missing) == kept["crc32"]


def _comments(record: Mapping[str, Any], name: str, saving: list[str]) -> list[str]:
    """Say what the pixels depend on, what the text cannot repeat, and what is to be saved."""
    versions = record["versions"]
    lines = [
        f"# {name}: napari-dip {record['napari-dip']}, torch "
        f"{versions['torch']}, on {record['device']}{_arithmetic(record)}.",
        "# The same pixels on the same machine, with these versions and as many threads.",
    ]
    picture = record.get("picture", {})
    by_hand = {
        "stopped by hand": record["stopped_by_user"],
        "continued": record["continued_at"],
        f"taken back to iteration {picture.get('iteration')}": "iteration" in picture,
        "blended with the image": "blend" in picture,
    }
    if any(by_hand.values()):
        done = ", ".join(words for words, it_was in by_hand.items() if it_was)
        lines.append(f"# The layer was {done}, which is not repeated here.")
    if saving:
        lines.append("# Its input is in no file as it was. Save it first, in napari's console:")
        lines += [f"#   {line}" for line in saving]
    return list(map(plain, lines))  # a line break in a name would end the comment


def _arithmetic(record: Mapping[str, Any]) -> str:
    """Say in which precision it was computed, which may have been measured to be the fastest."""
    kinds = dict.fromkeys(unit["arithmetic"] for unit in record["units"] if unit.get("arithmetic"))
    return f" in {' and '.join(kinds)}" if kinds else ""


_LONGEST = 200  # bytes of a name, for file systems take 255


def _as_file_name(name: str) -> str:
    plain = re.sub(r'[\\/:*?"<>|\x00-\x1f\s]+', " ", name).strip() or "image"
    return plain.encode(errors="ignore")[:_LONGEST].decode(errors="ignore")
