"""Which pixels of a Labels or Image layer are marked, on the layer's own grid."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from napari.layers import Image

from napari_dip.errors import BadMask
from napari_dip.image.mask_values import marked

if TYPE_CHECKING:
    from napari.layers import Labels
    from numpy.typing import NDArray

__all__ = ["Marked", "finest", "marked_pixels", "nothing"]


class Marked(NamedTuple):
    """What is marked, and what must be said of how it was told."""

    pixels: NDArray[np.bool_]
    note: str = ""


def marked_pixels(layer: Labels | Image, label: int | None = None) -> Marked:
    """Tell which pixels are marked.

    Parameters
    ----------
    layer
        A Labels layer; or an Image layer of labels, or of grey levels, which are cut at half of
        their range. Of colours the brightest counts.
    label
        Of a Labels layer, the label that counts; ``None`` is any but 0.

    Raises
    ------
    BadMask
        If nothing is marked, or the values are no real numbers.
    """
    values: Any = np.asarray(finest(layer))
    note = ""
    if isinstance(layer, Image):
        if layer.rgb:
            values = values[..., :3].max(-1)
        found = marked(values)
        pixels, note = found.pixels, found.note(f"'{layer.name}'", "painted")
    else:
        pixels = values != 0 if label is None else values == label
    if not pixels.any():
        raise nothing(layer, label)
    return Marked(pixels, note)


def nothing(layer: Any, label: int | None) -> BadMask:
    """Say that nothing is painted."""
    what = "Nothing" if label is None else f"Label {label} is not"
    cure = "paint what is missing" if label is None else "paint with it, or choose another label"
    return BadMask(f"{what} painted in '{layer.name}': {cure}.")


def finest(layer: Image | Labels) -> Any:
    """Give the pixels at full resolution."""
    return layer.data[0] if layer.multiscale else layer.data
