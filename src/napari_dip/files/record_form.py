"""Check the form of a record before its values are used: a file may hold any JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from napari_dip.errors import FileProblem
from napari_dip.settings.frozen import describe_errors

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["check_record"]


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


def check_record(record: dict[str, Any], path: Path) -> None:
    """Check that the values of a record have the types that this package writes.

    Raises
    ------
    FileProblem
        If one is missing or of another type.
    """
    try:
        _Record.model_validate(record)
    except ValidationError as error:
        raise FileProblem(
            f"{path}: its record is damaged, or of another version ({describe_errors(error)}); "
            "restore the image again"
        ) from None
