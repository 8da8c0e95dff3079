"""Frozen values that say in words what is wrong with them."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel, ConfigDict, ValidationError

from napari_dip.errors import BadSettings
from napari_dip.plaintext import shortened

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Frozen", "in_words"]


class Frozen(BaseModel):
    """A pydantic model that never changes, knows its fields and raises :class:`BadSettings`."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False
    )

    def __init__(self, **data: Any) -> None:
        try:
            super().__init__(**data)
        except ValidationError as error:
            raise BadSettings(in_words(error, type(self).model_fields)) from None


def in_words(error: ValidationError, known: Iterable[str] = ()) -> str:
    """Name each offending setting, its value and what it may be; ``known`` are all their names."""
    words = []
    for one in error.errors(include_url=False):
        reason = shortened(one["msg"].removeprefix("Value error, "), 400)
        nested = isinstance(one.get("ctx", {}).get("error"), BadSettings)
        # What checks several settings together names them.
        nested = nested or (one["type"] == "value_error" and not one["loc"])
        name = ".".join(map(str, one["loc"])) or "settings"
        if one["type"] == "missing":
            words.append(f"{name} is missing")
            continue
        if one["type"] == "json_invalid":
            place = reason.removeprefix("Invalid JSON: ")
            words.append(f"the text is no JSON ({place}); correct it there")
            continue
        if one["type"] == "extra_forbidden":
            reason = f"there is no such setting; {_instead(name, known)}"
        words.append(
            reason if nested else f"{shortened(name, 80)}={_shown(one['input'])}: {reason}"
        )
    return "; ".join(words)


def _shown(value: object) -> str:
    """Write a value, however long it is."""
    try:
        return shortened(repr(value), 80)
    except ValueError:  # Python refuses to write whole numbers of more than some thousand digits
        return "a number of thousands of digits"


def _instead(name: str, known: Iterable[str]) -> str:
    """Say which name may have been meant, or which there are."""
    near = get_close_matches(name, list(known), n=1)
    return f"did you mean {near[0]!r}?" if near else f"choose one of {', '.join(known)}"
