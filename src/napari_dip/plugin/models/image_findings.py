"""Search a part of an image for what the user should know before a run."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary, ref

import numpy as np

from napari_dip.errors import NapariDipError
from napari_dip.settings import Settings

if TYPE_CHECKING:
    from napari.layers import Image
    from numpy.typing import NDArray

    from napari_dip.assess.finding import Findings
    from napari_dip.plugin.models.layer_input import LayerInput

__all__ = ["findings_in_words"]

MAX_SIDE = 512  # pixels: side of the middle of a larger image; findings() searches no more

MAX_FRAMES = 8  # frames, evenly spaced, as many as findings() compares

_earlier: WeakKeyDictionary[Image, tuple[ref[NDArray[np.generic]], str, str]] = WeakKeyDictionary()
"""Pixels, axes and text of each layer: a panel asks again after every change of a setting."""


def findings_in_words(source: LayerInput) -> str:
    """Name what was found in the middle of an image, and after a blank line tell what to do.

    Parameters
    ----------
    source
        The input of a run. Only images in memory and without a mask are searched: others may take
        long. A report searches them all.

    Returns
    -------
    str
        Empty if nothing was found.
    """
    layer, data = source.layer(), source.data
    if layer is None or not isinstance(data, np.ndarray) or source.mask is not None:
        return ""
    pixels, axes, text = _earlier.get(layer, (None, "", ""))
    if pixels is None or pixels() is not data or axes != source.axes:
        text = _text(_search(source))
        _earlier[layer] = ref(data), source.axes, text
    return text


def _search(source: LayerInput) -> Findings | None:
    """Search a small image with the middle of all axes; ``None`` if it is not possible."""
    from napari_dip.assess.findings import findings
    from napari_dip.image.problem import make_problem

    settings = Settings(axes=source.axes, device="cpu", share="none")
    try:
        return findings(make_problem(_middle(source), settings, None, None))
    except NapariDipError:
        return None  # the plan tells what prevents a run


def _middle(source: LayerInput) -> NDArray[np.generic]:
    """Return the middle of the image, frames of all times, and all channels."""
    parts = []
    for axis, size in zip(source.axes, source.data.shape, strict=True):
        match axis:
            case "Y" | "X":
                side = min(size, MAX_SIDE)
                parts.append(slice((size - side) // 2, (size + side) // 2))
            case "T":
                parts.append(slice(None, None, -(-size // MAX_FRAMES)))
            case "C" | "S":
                parts.append(slice(None))
            case _:
                parts.append(slice(size // 2, size // 2 + 1))
    middle: NDArray[np.generic] = source.data[tuple(parts)]
    return middle


def _text(found: Findings | None) -> str:
    if not found:
        return ""
    kinds = dict.fromkeys(finding.kind for finding in found.found)
    return f"Found: {', '.join(kinds)}.\n\n" + "\n".join(found.sentences())
