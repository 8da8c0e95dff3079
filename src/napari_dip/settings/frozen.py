"""Check settings, and describe each invalid value and its remedy."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel, ConfigDict, ValidationError

from napari_dip.errors import BadSettings
from napari_dip.plaintext import shortened

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic_core import ErrorDetails

__all__ = ["Frozen", "describe_errors"]

MAX_REASON, MAX_VALUE = 400, 80
"""Characters of a reason and of a value in an error message."""


class Frozen(BaseModel):
    """A frozen pydantic model that refuses unknown fields and raises :class:`BadSettings`.

    Examples
    --------
    >>> class Size(Frozen):
    ...     width: int
    >>> Size(width="wide")
    Traceback (most recent call last):
        ...
    napari_dip.errors.BadSettings: width='wide': give a valid integer, ...
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False
    )

    def __init__(self, **data: Any) -> None:
        try:
            super().__init__(**data)
        except ValidationError as error:
            raise BadSettings(describe_errors(error, type(self).model_fields)) from None


def describe_errors(error: ValidationError, known: Iterable[str] = ()) -> str:
    """Name each invalid setting, its value and its allowed values.

    Parameters
    ----------
    error
        Error of a model's validation.
    known
        Names of all settings, from which a similar one is suggested.

    Examples
    --------
    >>> class Size(BaseModel, extra="forbid"):
    ...     width: int = 1
    >>> try:
    ...     Size(widht=3)
    ... except ValidationError as error:
    ...     print(describe_errors(error, ["width"]))
    widht=3: there is no such setting; did you mean 'width'?
    """
    messages = []
    for one in error.errors(include_url=False):
        reason = shortened(_reason(one), MAX_REASON)
        # The error of a nested model, or of several settings together, contains their names.
        named = isinstance(one.get("ctx", {}).get("error"), BadSettings)
        named = named or (one["type"] == "value_error" and not one["loc"])
        name = ".".join(map(str, one["loc"])) or "settings"
        if one["type"] == "missing":
            messages.append(f"{name} is missing; give a value")
            continue
        if one["type"] == "json_invalid":
            place = reason.removeprefix("Invalid JSON: ")
            messages.append(f"the text is not JSON ({place}); correct it there")
            continue
        if one["type"] == "extra_forbidden":
            reason = f"there is no such setting; {_suggestion(name, known)}"
        value = one["ctx"]["tag"] if one["type"] == "union_tag_invalid" else one["input"]
        label = f"{shortened(name, MAX_VALUE)}={_value_text(value)}"
        messages.append(reason if named else f"{label}: {reason}")
    return "; ".join(messages)


def _reason(error: ErrorDetails) -> str:
    """Return pydantic's message as an instruction."""
    context = error.get("ctx", {})
    match error["type"]:
        case "literal_error":
            return f"choose {context['expected']}"
        case "union_tag_invalid":
            return f"choose one of {context['expected_tags']}"
        case "union_tag_not_found":
            return f"give its {context['discriminator']}"
    message = error["msg"].removeprefix("Value error, ")
    for comparison in ("greater", "less"):
        message = message.replace(f"Input should be {comparison}", f"give a value {comparison}")
    return message.replace("Input should be ", "give ")


def _value_text(value: object) -> str:
    """Write a value, shortened if it is long."""
    try:
        return shortened(repr(value), MAX_VALUE)
    except ValueError:  # Python does not convert integers of more than some thousand digits
        return "a number of thousands of digits"


def _suggestion(name: str, known: Iterable[str]) -> str:
    """Suggest the most similar name, or list all."""
    near = get_close_matches(name, list(known), n=1)
    return f"did you mean {near[0]!r}?" if near else f"choose one of {', '.join(known)}"
