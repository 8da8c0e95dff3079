"""Read the record of a result, and check its form: a file may hold any JSON."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from napari_dip.errors import BadSettings, FileProblem
from napari_dip.files.image_io import read_provenance
from napari_dip.settings import Settings
from napari_dip.settings.frozen import describe_errors

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["recorded_settings", "require_record"]


class _Form(BaseModel):
    """Values that are used; others are kept unchecked."""

    model_config = ConfigDict(extra="allow", strict=True)


class _Mask(_Form):
    path: str | None = None
    layer: str | None = None
    marks: Literal["missing", "known"] = "missing"
    axes: str | None = None
    label: int | None = None
    plane: list[int] | None = None


class _Input(_Form):
    shape: list[int]
    dtype: str
    axes: str
    pixels: str
    known: str = ""
    part: list[list[int]] = []
    series: int = 0
    path: str | None = None
    layer: str | None = None
    mask: _Mask | None = None


class _Psf(_Form):
    file: str = ""


class _Tiling(_Form):
    window: int
    tile: int | None
    at_once: int


class _Machine(_Form):
    threads: int | None = None


class _Result(_Form):
    pixels: str | None = None


class _Unit(_Form):
    iterations: int
    reason: str
    arithmetic: str = ""


class _Record(_Form):
    settings: dict[str, Any]
    device: str
    input: _Input
    psf: _Psf | None = None
    units: list[_Unit]
    versions: dict[str, str]
    steps: list[str] = []
    tiling: _Tiling | None = None
    machine: _Machine = _Machine()
    result: _Result = _Result()
    picture: dict[str, Any] = {}


def require_record(path: Path) -> dict[str, Any]:
    """Return the record in a file.

    Raises
    ------
    FileProblem
        If there is none, it does not identify its input, or it is damaged.
    """
    record = read_provenance(path)
    if record is None:
        raise FileProblem(
            f"{path} has no record of how it was made; save a result with napari-dip: its command, "
            "Save result… in its panels, or its formats in napari's Save dialog"
        )
    if isinstance(channels := record.get("channels"), list):
        raise FileProblem(
            f"{path} holds {len(channels)} layers, each with a record of its own; save the layer "
            "of one channel to a file, and reproduce that"
        )
    if not isinstance(record.get("input"), dict) or "pixels" not in record["input"]:
        raise FileProblem(
            f"{path}: its record does not identify the input, as napari-dip "
            f"{record.get('napari-dip', 'of an earlier version')} wrote it; restore the image again"
        )
    _check_form(record, path)
    return record


def recorded_settings(record: Mapping[str, Any], path: Path) -> Settings:
    """Return the settings in a record.

    Raises
    ------
    BadSettings
        If this version does not know one of them.
    """
    try:
        return Settings(**record["settings"])
    except (LookupError, TypeError):
        raise BadSettings(f"{path}: the settings in its record have another form") from None
    except BadSettings as error:
        raise BadSettings(
            f"{path}: its settings are not those of this version ({error}); napari-dip "
            f"{record.get('napari-dip', '?')} wrote them, this is {version('napari-dip')}: install "
            "that one"
        ) from None


def _check_form(record: dict[str, Any], path: Path) -> None:
    """Check that the values of a record have the types that this package writes."""
    try:
        _Record.model_validate(record)
    except ValidationError as error:
        raise FileProblem(
            f"{path}: its record is damaged, or of another version ({describe_errors(error)}); "
            "restore the image again"
        ) from None
