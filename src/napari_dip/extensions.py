"""Import the modules that other packages add to this one."""

from __future__ import annotations

from functools import cache
from importlib.metadata import entry_points

from napari_dip.errors import NapariDipError
from napari_dip.plaintext import shortened

__all__ = ["load_extensions"]


@cache
def load_extensions() -> None:
    """Import all modules of the entry point group ``napari_dip`` once.

    A module registers noise models and file formats when it is imported. Its package has, in
    ``pyproject.toml``::

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
