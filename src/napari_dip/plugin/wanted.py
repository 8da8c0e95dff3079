"""A run as it is asked for: the controls as they stood when a button was pressed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from napari_dip.errors import BadImage, OutputExists
from napari_dip.plugin.axisnames import refuse_colours
from napari_dip.plugin.estimate import Asked
from napari_dip.plugin.existing import look_at, resumed
from napari_dip.plugin.layers import LayerInput, matched, read_layer
from napari_dip.plugin.output import is_being_computed
from napari_dip.plugin.target import Target, proposed_path

if TYPE_CHECKING:
    from napari.layers import Layer

    from napari_dip.plugin.compute import Machines
    from napari_dip.plugin.masks import Marking
    from napari_dip.settings import Settings

__all__ = ["Reader", "Wanted", "held", "queued"]

_COPIED = 2**30  # bytes: above this size, a second copy of an image is too much memory


@dataclass(frozen=True)
class Reader:
    """How a layer and its mask are read.

    Attributes
    ----------
    marked
        Gives the mask of an image; ``None`` where the task needs no mask.
    """

    marked: Marking | None = None

    def check(self, layer: Layer) -> LayerInput:
        """Read what can be read at once, or say why a run is impossible.

        Raises
        ------
        BadImage, BadMask
            If the layer is no image, or is the result of a run that has not ended; if nothing is
            painted in the mask.
        """
        source = read_layer(layer)
        _refuse_unfinished(layer)
        if self.marked is not None:
            mask = self.marked(layer)
            _refuse_unfinished(mask.layer)
            mask.check()
        return source

    def read(self, layer: Layer) -> LayerInput:
        """Read the layer, and compute which of its pixels are missing."""
        source = self.check(layer)
        return source if self.marked is None else read_layer(layer, self.marked(layer))


@dataclass(frozen=True)
class Wanted:
    """What the controls ask for, except for the layer to restore.

    Attributes
    ----------
    reader
        How the layer is read.
    settings, target, machines
        What is done, where the result goes, and who computes.
    """

    reader: Reader
    settings: Settings
    target: Target
    machines: Machines

    def of(self, layer: Layer, *, pixels: bool = False) -> Asked:
        """Ask for it of a layer, with the mask or only checked.

        Raises
        ------
        NapariDipError
            If it cannot work.
        """
        read = self.reader.read if pixels else self.reader.check
        source, settings = matched(read(layer), self.settings)
        refuse_colours(layer, source.axes, source.data.shape)
        return Asked(source, settings, self.target, self.machines)


def queued(wanted: Wanted, layer: Layer) -> Asked:
    """Ask for a run of one of several layers, whose result has a folder of its own.

    A run of the same image with the same settings that was not finished is resumed.

    Raises
    ------
    OutputExists
        If anything else lies in the folder: nobody waits to be asked what to do with it.
    NapariDipError
        If it cannot work.
    """
    asked = wanted.of(layer, pixels=True)
    if asked.target.path is None:
        return asked
    name = proposed_path(asked.source, asked.settings).name
    asked = replace(asked, target=Target(asked.target.path.with_name(name)))
    found = look_at(asked)
    if found is None:
        return asked
    if found.resumable and found.same_image and not found.changes:
        return resumed(asked, found)
    why = found.in_words() if found.unfinished else "It holds a result already."
    raise OutputExists(f"{found.path}: {why} Move it away, or run '{asked.source.name}' by itself.")


def held(source: LayerInput) -> LayerInput:
    """Copy an array, so that a change of its pixels during the run does not reach the run.

    What is larger than 1 GiB, or is read from a file, is not copied.
    """
    data = source.data
    plain = isinstance(data, np.ndarray) and not isinstance(data, np.memmap)
    return replace(source, data=data.copy()) if plain and data.nbytes <= _COPIED else source


def _refuse_unfinished(layer: Layer) -> None:
    if is_being_computed(layer):
        raise BadImage(
            f"'{layer.name}' is the result of a run that has not ended: wait for its end, or "
            "choose another layer."
        )
