"""Make requests of runs from the controls of a panel and a layer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from napari_dip.errors import BadImage
from napari_dip.plugin.models.axis_labels import check_last_axis
from napari_dip.plugin.models.layer_input import (
    LayerInput,
    is_unfinished,
    match_settings,
    read_layer,
)
from napari_dip.plugin.models.pixel_sizes import with_pixel_sizes
from napari_dip.plugin.models.point_spread import read_bead
from napari_dip.plugin.models.run_request import ComputeOptions, RunRequest

if TYPE_CHECKING:
    from napari.layers import Layer

    from napari_dip.plugin.models.mask_layers import MaskSource
    from napari_dip.plugin.models.target import Target
    from napari_dip.settings import Settings

__all__ = ["LayerReader", "RequestTemplate"]


@dataclass(frozen=True)
class LayerReader:
    """Read a layer, and its mask and the bead of its blur if the task needs them.

    Attributes
    ----------
    mask_source
        The mask layer; ``None`` where the task needs no mask.
    bead
        The layer with the image of a bead; ``None`` where there is none.
    """

    mask_source: MaskSource | None = None
    bead: Layer | None = None

    def check(self, layer: Layer) -> LayerInput:
        """Read a layer without the pixels of its mask, and check that a run is possible.

        Raises
        ------
        BadImage, BadMask
            If the layer is not an image or shows a run that has not ended; if no pixel of the mask
            is marked.
        """
        source = read_layer(layer)
        _refuse_unfinished(layer)
        if self.mask_source is not None:
            mask = self.mask_source.mask_for(layer)
            _refuse_unfinished(mask.layer)
            mask.check()
        return source if self.bead is None else replace(source, bead=read_bead(self.bead))

    def read(self, layer: Layer) -> LayerInput:
        """Read a layer, compute its missing pixels, and copy the image of the bead."""
        source = self.check(layer)
        if self.mask_source is not None:
            source = read_layer(layer, self.mask_source.mask_for(layer))
        return (
            source if self.bead is None else replace(source, bead=read_bead(self.bead, copy=True))
        )


@dataclass(frozen=True)
class RequestTemplate:
    """The values of the controls: a run request without its layer.

    Attributes
    ----------
    reader
        How the layer is read.
    settings, target, compute
        Settings, place of the result and processes of the run.
    """

    reader: LayerReader
    settings: Settings
    target: Target
    compute: ComputeOptions

    def for_layer(self, layer: Layer, *, read_mask: bool = False) -> RunRequest:
        """Make the request for a layer; the mask is read, or only checked.

        Raises
        ------
        NapariDipError
            If the run is not possible.
        """
        read = self.reader.read if read_mask else self.reader.check
        source, settings = match_settings(read(layer), self.settings)
        settings = with_pixel_sizes(source, settings)
        check_last_axis(layer, source.axes, source.data.shape)
        return RunRequest(source, settings, self.target, self.compute)


def _refuse_unfinished(layer: Layer) -> None:
    if is_unfinished(layer):
        raise BadImage(
            f"'{layer.name}' shows a run that has not ended: wait for its end, or choose another "
            "layer."
        )
