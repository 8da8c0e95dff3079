"""Shows the roles of the docstrings, such as :func:`restore`, as the code that they name."""

from __future__ import annotations

import re
from typing import Any

import griffe

_ROLE = re.compile(r":\w+:`~?(?:[\w.]*\.)?(\w+)`")


class Roles(griffe.Extension):
    """Rewrites them before the docstrings are parsed; Markdown does not know roles."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Take one docstring after another."""
        if obj.docstring:
            obj.docstring.value = _ROLE.sub(r"`\1`", obj.docstring.value)
