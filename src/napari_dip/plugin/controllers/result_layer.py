"""The layer that a run refines in place, and those it leaves behind on request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari.layers import Image

from napari_dip.plugin.models.layer_input import unfinished_layers
from napari_dip.plugin.models.layer_output import to_layer_data, to_uncertainty_data

if TYPE_CHECKING:
    from napari.viewer import Viewer

    from napari_dip.image.restore import Result, Snapshot
    from napari_dip.plugin.models.history import Frame
    from napari_dip.plugin.models.layer_input import LayerInput
    from napari_dip.plugin.models.layer_output import LayerData

__all__ = ["Output", "add_uncertainty", "insert_beside"]


class Output:
    """One run's output in a viewer.

    The layer is held as an object, never by its name: it may be renamed, and another may bear its
    name. What the user does with it during the run is left unchanged: a layer that was deleted
    does not come back, and pixels that were replaced stay.

    Parameters
    ----------
    viewer
        Where the layers go.
    keep_previews
        Whether each preview also stays as a layer of its own.
    earlier
        The layer of a result that is continued; where nothing comes of it, that stays.
    """

    def __init__(
        self, viewer: Viewer, *, keep_previews: bool = False, earlier: Image | None = None
    ) -> None:
        self._viewer = viewer
        self._keep_previews = keep_previews
        self._earlier = None if earlier is None else (earlier.data, earlier.metadata)
        self._pixels: Any = None
        self._latest: Snapshot | None = None
        self._looked_at: Frame | None = None
        self.layer = earlier
        self._data = None if earlier is None else earlier.data
        if earlier is not None:
            unfinished_layers.add(earlier)

    @property
    def shown(self) -> bool:
        """Whether the layer is in the viewer."""
        return self.layer is not None and self.layer in self._viewer.layers

    @property
    def deleted(self) -> bool:
        """Whether the user has deleted the layer."""
        return self.layer is not None and not self.shown

    @property
    def edited(self) -> bool:
        """Whether the user has replaced the pixels of the layer."""
        return self.layer is not None and self.layer.data is not self._data

    def refine(self, begun: LayerData, snapshot: Snapshot) -> None:
        """Show how things stand, in a layer that begins as ``begun``; with a picture, if any."""
        pixels, keywords, _ = begun
        new = snapshot.image is not None
        if new:
            self._latest = snapshot
        if new and (self._looked_at is None or self._looked_at.index != snapshot.index):
            pixels[snapshot.index] = snapshot.image
        self._pixels, before = pixels, self._pixels
        if self.layer is None:
            self.layer = Image(pixels, **keywords)
            self._data = self.layer.data
            unfinished_layers.add(self.layer)
            insert_beside(self._viewer, None, self.layer)
        elif self.deleted or self.edited:
            return
        elif before is None:
            self._set(pixels)
        else:
            self.layer.refresh(extent=False, highlight=False)  # but the pixels nothing is new
        if self._keep_previews and new:
            self._keep(begun, snapshot)

    def look_back(self, frame: Frame | None) -> None:
        """Show an earlier picture, and none that is new, until ``None`` is asked for."""
        self._looked_at = frame
        picture = frame or self._latest
        if self.layer is None or self._pixels is None or picture is None:
            return
        self._pixels[picture.index] = picture.image
        if self.shown and not self.edited:
            self.layer.refresh()

    def complete(self, result: Result, source: LayerInput) -> Image:
        """Give the layer of the result: the refined one, with the result in it.

        Where the user has replaced its pixels, that layer is left unchanged and the result is a
        new layer. Where the user has deleted it, the result is not shown.
        """
        pixels, keywords, _ = to_layer_data(result, source)
        if self.layer is None or (self.edited and not self.deleted):
            self.let_go()
            self.layer = Image(pixels, **keywords)
            insert_beside(self._viewer, None, self.layer)
        else:
            self.let_go()
            self._set(pixels)
            self.layer.metadata = {**self.layer.metadata, **keywords["metadata"]}
        if self.shown:
            add_uncertainty(self._viewer, self.layer, result, source)
        return self.layer

    def remove(self) -> None:
        """Take the layer away again, or put back what it showed.

        Kept previews stay, and so does a layer whose pixels the user has replaced.
        """
        self.let_go()
        if self.layer is not None and not self.edited:
            if self._earlier is not None:
                data, self.layer.metadata = self._earlier
                self._set(data)
            elif self.shown:
                self._viewer.layers.remove(self.layer)
        self.layer = None

    def let_go(self) -> None:
        """Let the layer be the input of other runs."""
        if self.layer is not None:
            unfinished_layers.discard(self.layer)

    def _set(self, pixels: Any) -> None:
        if self.layer is not None:
            self.layer.data = pixels
            self._data = self.layer.data

    def _keep(self, begun: LayerData, snapshot: Snapshot) -> None:
        pixels, keywords, _ = begun
        where = f"{snapshot.part}, " if snapshot.part else ""
        name = f"{keywords['name']}, {where}iteration {snapshot.iteration}"
        preview = Image(pixels.copy(), **{**keywords, "name": name, "visible": False})
        insert_beside(self._viewer, self.layer, preview)


def add_uncertainty(viewer: Viewer, layer: Image, result: Result, source: LayerInput) -> None:
    """Add the spread of several fits as a hidden layer under their result, if there is one."""
    if result.spread is not None:
        spread, look, _ = to_uncertainty_data(result, source)
        insert_beside(viewer, layer, Image(spread, **look))


def insert_beside(viewer: Viewer, layer: Image | None, new: Image, *, above: bool = False) -> None:
    """Put a new layer under another or above it, without taking the user's selection away.

    Where the other is not there any more, the new one goes to the top.
    """
    layers = viewer.layers
    selection = set(layers.selection)
    there = layer is not None and layer in layers
    layers.insert(layers.index(layer) + above if there else len(layers), new)
    layers.selection = selection
