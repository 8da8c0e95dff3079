"""Frozen values that say in words what is wrong with them."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, ValidationError

from napari_dip.errors import BadSettings

__all__ = ["Frozen", "in_words"]


class Frozen(BaseModel):
    """A pydantic model that never changes, knows its fields and raises :class:`BadSettings`."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    def __init__(self, **data: Any) -> None:
        try:
            super().__init__(**data)
        except ValidationError as error:
            raise BadSettings(in_words(error)) from None


def in_words(error: ValidationError) -> str:
    """Name each offending setting, its value and what it may be."""
    words = []
    for one in error.errors(include_url=False):
        reason = one["msg"].removeprefix("Value error, ")
        nested = isinstance(one.get("ctx", {}).get("error"), BadSettings)
        name = ".".join(map(str, one["loc"])) or "settings"
        words.append(reason if nested else f"{name}={one['input']!r}: {reason}")
    return "; ".join(words)
