"""Give several commands the same options."""

from __future__ import annotations

import functools
import inspect
from dataclasses import fields
from typing import TYPE_CHECKING, Any, get_type_hints

from napari_dip.cli.options import RunOptions
from napari_dip.cli.settings_options import settings_parameters

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["with_options"]


def with_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options of all restoring commands to a command.

    Parameters
    ----------
    command
        A function with the keyword ``options``, a
        :class:`~napari_dip.cli.options.RunOptions`, beside its own arguments.

    Returns
    -------
    callable
        A function whose signature has one parameter for each option, as typer needs it.
    """
    own = dict(inspect.signature(command, eval_str=True).parameters)
    del own["options"]
    hints = get_type_hints(RunOptions, include_extras=True)
    of_run = [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=field.default,
            annotation=hints[field.name],
        )
        for field in fields(RunOptions)
        if field.name != "changes"
    ]
    of_settings = settings_parameters()

    @functools.wraps(command)
    def run(**given: Any) -> None:
        changes = {parameter.name: given.pop(parameter.name) for parameter in of_settings}
        options = {parameter.name: given.pop(parameter.name) for parameter in of_run}
        command(**given, options=RunOptions(**options, changes=changes))

    signature = inspect.Signature([*own.values(), *of_settings, *of_run])
    run.__signature__ = signature  # type: ignore[attr-defined]
    run.__annotations__ = {name: one.annotation for name, one in signature.parameters.items()}
    return run
