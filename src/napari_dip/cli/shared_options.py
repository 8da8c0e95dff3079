"""Options that several commands share, which typer sees as each command's own."""

from __future__ import annotations

import functools
import inspect
from dataclasses import fields
from typing import TYPE_CHECKING, Any, get_type_hints

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["with_options"]


def with_options(command: Callable[..., None]) -> Callable[..., None]:
    """Show the fields of a dataclass to typer as options of the command itself.

    Parameters
    ----------
    command
        Takes the dataclass as the keyword ``options``, beside its own arguments.
    """
    own = dict(inspect.signature(command, eval_str=True).parameters)
    kind = own.pop("options").annotation
    hints = get_type_hints(kind, include_extras=True)
    shared = [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=field.default,
            annotation=hints[field.name],
        )
        for field in fields(kind)
    ]

    @functools.wraps(command)
    def run(**given: Any) -> None:
        options = kind(**{parameter.name: given.pop(parameter.name) for parameter in shared})
        command(**given, options=options)

    signature = inspect.Signature([*own.values(), *shared])
    run.__signature__ = signature  # type: ignore[attr-defined]
    run.__annotations__ = {name: one.annotation for name, one in signature.parameters.items()}
    return run
