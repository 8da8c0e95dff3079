"""A run as it is asked for: the controls as they stood when a button was pressed."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import psutil

from napari_dip.errors import BadImage, BadSettings
from napari_dip.image.arrays import as_lazy
from napari_dip.image.layout_plan import choose_plan, make_layout
from napari_dip.image.masks import broadcast_mask
from napari_dip.image.plan_text import outlook
from napari_dip.plugin.models.layer_input import (
    LayerInput,
    is_unfinished,
    matched,
    read_layer,
    refuse_colours,
)
from napari_dip.plugin.models.target import Target

if TYPE_CHECKING:
    from napari.layers import Layer

    from napari_dip.image.axes import Layout
    from napari_dip.plugin.models.layer_input import LayerInput
    from napari_dip.plugin.models.masks import Marking
    from napari_dip.plugin.models.target import Target
    from napari_dip.settings import Settings

__all__ = ["Asked", "Machines", "Reader", "Wanted", "held"]


@dataclass(frozen=True)
class Machines:
    """Who restores; with neither of the two, this process.

    Attributes
    ----------
    workers
        How many processes of this computer, or ``None``.
    scheduler
        Address of a cluster of dask, such as ``"tcp://host:8786"``, or ``None``.
    """

    workers: int | None = None
    scheduler: str | None = None

    def check(self) -> None:
        """Make sure that an address was given where one is needed.

        Raises
        ------
        BadSettings
            If it is empty.
        """
        if self.scheduler == "":
            raise BadSettings("Type the address of the scheduler, such as tcp://host:8786.")


_PART = 0.5
"""Of the memory that is free, what a result may take before the disk is proposed."""


@dataclass(frozen=True)
class Asked:
    """A run that might be started, checked as far as shape and settings go; its mask alone is read.

    Parameters
    ----------
    source, settings, target, machines
        As they would be at the start.

    Raises
    ------
    NapariDipError
        If it cannot work.
    """

    source: LayerInput
    settings: Settings
    target: Target
    machines: Machines

    def __post_init__(self) -> None:
        """Check what is cheap to check."""
        as_lazy(self.source.data)
        _ = self.layout
        self.target.check(self.source, self.settings)
        self.machines.check()

    @property
    def layout(self) -> Layout:
        """Of the image."""
        return make_layout(self.source.data.shape, self.settings)

    @property
    def result_bytes(self) -> int:
        """How large the result is."""
        kept = int(self.source.data.dtype.itemsize)
        pixels = math.prod((*self.layout.shape, *self.settings.factors.values()))
        return int(pixels * (4 if self.settings.dtype == "float32" else kept))

    @property
    def too_large(self) -> bool:
        """Whether the result would hardly fit into the memory that is free."""
        return bool(self.result_bytes > _PART * psutil.virtual_memory().available)

    def outlook(self) -> str:
        """Make the plan, and say it in a sentence; torch is loaded for it.

        Raises
        ------
        NapariDipError
            If the device is not there, or its memory does not do.
        """
        settings = self.settings
        elsewhere = self.machines.scheduler is not None
        device = settings.device if elsewhere else None
        plan, device = choose_plan(self.layout, settings, device=device)
        if self.machines.workers:
            plan = replace(plan, at_once=1)
        said = outlook(
            plan,
            settings,
            None if elsewhere else device,
            result_bytes=self.result_bytes,
            too_large=self.too_large,
            on_disk=self.target.path is not None,
            workers=self.machines.workers,
            missing=broadcast_mask(self.source.whole_mask, self.layout),
        )
        return " ".join(filter(None, (said, self.target.unsaid(self.source))))


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


def held(source: LayerInput) -> LayerInput:
    """Copy an array, so that a change of its pixels during the run does not reach the run.

    What is larger than 1 GiB, or is read from a file, is not copied.
    """
    data = source.data
    plain = isinstance(data, np.ndarray) and not isinstance(data, np.memmap)
    return replace(source, data=data.copy()) if plain and data.nbytes <= _COPIED else source


def _refuse_unfinished(layer: Layer) -> None:
    if is_unfinished(layer):
        raise BadImage(
            f"'{layer.name}' is the result of a run that has not ended: wait for its end, or "
            "choose another layer."
        )
