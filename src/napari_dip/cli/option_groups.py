"""Name the groups of options in the help, and show switches without a type.

The options that matter first are in the unnamed group, which typer prints first.
"""

from __future__ import annotations

from typing import Any

from typer.core import TyperCommand, TyperGroup

__all__ = ["INPUT", "MACHINE", "METHOD", "OUTPUT", "STACK", "SWITCHES", "Command", "Group"]

INPUT = "Input"
OUTPUT = "Output"
STACK = "Stacks and channels"
MACHINE = "Machine"
METHOD = "Details of the method"
SWITCHES = "Switches"  # two names each, which would leave other options little room


class _SwitchesWithoutType:
    """Show options without a value by their name alone; typer adds ``<bool>``."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the options, with an empty placeholder for switches."""
        parameters: list[Any] = super().get_params(ctx)  # type: ignore[misc]
        for parameter in parameters:
            if getattr(parameter, "is_flag", False) and parameter.metavar is None:
                parameter.metavar = ""
        return parameters


class Command(_SwitchesWithoutType, TyperCommand):
    """A subcommand."""


class Group(_SwitchesWithoutType, TyperGroup):
    """The command with its subcommands."""
