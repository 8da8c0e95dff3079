"""Find the letters of the axes of an array, from its named dimensions or its shape."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_dip.errors import AxesGuessed
from napari_dip.image.axes import guess_axes

if TYPE_CHECKING:
    from napari_dip.settings import Settings

__all__ = ["named_axes", "with_axes"]


def named_axes(image: Any) -> str | None:
    """Return the letters of an array with named dimensions, as in xarray; else ``None``.

    Examples
    --------
    >>> import xarray
    >>> named_axes(xarray.DataArray(np.zeros((2, 8, 8)), dims=("c", "y", "x")))
    'CYX'
    """
    dims = getattr(image, "dims", None)
    if not isinstance(dims, tuple) or not all(isinstance(name, str) for name in dims):
        return None
    axes = "".join(dims).upper()
    known = len(axes) == len(dims) == len(set(axes)) and set("YX") <= set(axes) <= set("TCZYXS")
    return axes if known else None


def with_axes(image: Any, settings: Settings, stacklevel: int) -> Settings:
    """Return settings with the axes of an array, if they are not set and the array tells them.

    The axes come from named dimensions. Otherwise they are set only if the last axis looks like
    channels; later guesses need no axes in the settings.

    Warns
    -----
    AxesGuessed
        If the last axis is guessed to hold channels.
    """
    if settings.axes is not None:
        return settings
    if (named := named_axes(image)) is not None:
        return settings.replace(axes=named)
    try:
        shape = tuple(np.shape(image))
    except ValueError:  # rows of unequal length
        return settings
    if len(shape) < 3 or not (axes := guess_axes(shape)).endswith("C"):
        return settings
    rgba = f"; if they are red, green, blue and alpha, give axes={axes[:-1] + 'S'!r}"
    warnings.warn(
        f"shape {shape}: the last axis is taken for {shape[-1]} channels (axes={axes!r})"
        f"{rgba if shape[-1] == 4 else ''}; give axes to be sure",
        AxesGuessed,
        stacklevel=stacklevel,
    )
    return settings.replace(axes=axes)
