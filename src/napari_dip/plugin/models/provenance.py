"""Write Python code or a shell command that reproduces a layer from its record."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_dip.errors import BadImage, BadSettings
from napari_dip.plaintext import plain
from napari_dip.plugin.models.layer_record import recorded_settings, restored_part
from napari_dip.plugin.models.recorded_files import file_of_name, input_files

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_dip.settings import Settings

__all__ = ["python_code", "shell_command"]

PSF_IMPORTS = (
    "from pathlib import Path",
    "from napari_dip import Settings",
    "from napari_dip.files.psf_file import read_psf",
)

SAVE_COMMENT = "An input isn't saved in a file. Save it first, in napari's console:"


def python_code(record: Mapping[str, Any], name: str) -> str:
    """Write Python code that reproduces a layer.

    Parameters
    ----------
    record
        From :func:`~napari_dip.plugin.models.layer_record.record_of`.
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
    image, mask, bead, save_lines = input_files(record, name)
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
            *(PSF_IMPORTS if bead else []),
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
        From :func:`~napari_dip.plugin.models.layer_record.record_of`.
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
    image, mask, bead, save_lines = input_files(record, name)
    folder = image.parent if image.exists() else Path()
    output = folder / (file_of_name(name) + ".tif")
    words = ["napari-dip", settings.task.kind, str(image), *([str(mask)] if mask else [])]
    words += [str(output), *(["--psf", str(bead)] if bead else [])]
    for setting, value in settings.changes().items():
        words += _option(setting, value)
    line = subprocess.list2cmdline(words) if sys.platform == "win32" else shlex.join(words)
    return "\n".join([*_comments(record, name, save_lines), line, ""])


def _subscript(record: Mapping[str, Any], ndim: int | None = None) -> str:
    """Write the restored part as a subscript; empty for the whole image."""
    parts = [f"{part.start}:{part.stop}" for part in restored_part(record["input"], ndim)]
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


def _psf_lines(image: Path, bead: Path, settings: Settings) -> list[str]:
    """Write how the point spread function is measured in the image of a bead."""
    task = settings.task.model_dump(exclude_defaults=True) | {"kind": settings.task.kind}
    voxel = "" if settings.voxel is None else f", voxel={settings.voxel}"
    return [
        f"settings = Settings(task={task}, ndim={settings.ndim}{voxel})",
        f"psf = read_psf(Path({str(bead)!r}), read_image({str(image)!r}), settings)",
    ]


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
