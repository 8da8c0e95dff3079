"""Read the record of how a layer was made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_dip.errors import BadSettings
from napari_dip.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari.layers import Layer

__all__ = [
    "origin_of",
    "record_of",
    "recorded_bead",
    "recorded_settings",
    "restored_part",
    "shows_uncertainty",
]


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


def restored_part(origin: Mapping[str, Any], ndim: int | None = None) -> tuple[slice, ...]:
    """Return the restored part of the image, along its last ``ndim`` axes."""
    index = tuple(slice(*ends) for ends in origin["part"])
    return index if ndim is None else index[max(0, len(index) - ndim) :]
