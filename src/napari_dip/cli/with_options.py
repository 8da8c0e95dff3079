"""Give several commands the same options."""

from __future__ import annotations

import functools
import inspect
from dataclasses import fields
from typing import TYPE_CHECKING, Any, get_type_hints

from napari_dip.cli.options import RunOptions
from napari_dip.cli.settings_options import settings_parameters

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["with_options", "with_settings_options"]


def with_options(
    command: Callable[..., None], own: Sequence[inspect.Parameter]
) -> Callable[..., None]:
    """Add the options of all restoring commands to a command.

    Parameters
    ----------
    command
        A function with the keyword ``options``, a
        :class:`~napari_dip.cli.options.RunOptions`, beside its own arguments.
    own
        The parameters of its own arguments.

    Returns
    -------
    callable
        A function whose signature has one parameter for each option, as typer needs it.
    """
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

    @functools.wraps(command)
    def run(*, changes: Mapping[str, Any], **given: Any) -> None:
        options = {parameter.name: given.pop(parameter.name) for parameter in of_run}
        command(**given, options=RunOptions(**options, changes=changes))

    return with_settings_options(run, own, of_run)


def with_settings_options(
    command: Callable[..., None],
    own: Sequence[inspect.Parameter],
    others: Sequence[inspect.Parameter] = (),
) -> Callable[..., None]:
    """Add the options of all settings to a command with the keyword ``changes``, a mapping.

    They stand between the parameters ``own`` and ``others`` of the command.
    """
    of_settings = settings_parameters()

    @functools.wraps(command)
    def run(**given: Any) -> None:
        changes = {parameter.name: given.pop(parameter.name) for parameter in of_settings}
        command(**given, changes=changes)

    signature = inspect.Signature([*own, *of_settings, *others])
    run.__signature__ = signature  # type: ignore[attr-defined]
    run.__annotations__ = {name: one.annotation for name, one in signature.parameters.items()}
    return run
