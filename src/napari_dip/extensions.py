"""Import the modules that other packages add to this one."""

from __future__ import annotations

from functools import cache
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, TypeGuard

from napari_dip.errors import NapariDipError
from napari_dip.plaintext import shortened

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["is_registered", "load_extensions"]


@cache
def load_extensions() -> None:
    """Import all modules of the entry point group ``napari_dip`` once.

    A module registers tasks, networks, stopping rules, noise models and file formats when it is
    imported. Its package has, in ``pyproject.toml``::

        [project.entry-points.napari_dip]
        my-format = "my_package.my_module"

    Raises
    ------
    NapariDipError
        If a module cannot be imported.

    Examples
    --------
    >>> load_extensions()
    """
    for point in entry_points(group="napari_dip"):
        try:
            point.load()
        except Exception as error:
            raise NapariDipError(
                f"the extension {point.name!r} ({point.value}) cannot be imported "
                f"({shortened(error)}); update or uninstall its package"
            ) from error


def is_registered(name: object, table: Mapping[str, object]) -> TypeGuard[str]:
    """Return whether a table has a name; the extensions are loaded before the answer is no.

    Parameters
    ----------
    name
        The name; a value of another type is not registered.
    table
        The table that the extensions may add to.

    Examples
    --------
    >>> is_registered("fixed", {"fixed": 1}), is_registered(["fixed"], {"fixed": 1})
    (True, False)
    """
    if not isinstance(name, str):
        return False
    if name not in table:
        load_extensions()
    return name in table
