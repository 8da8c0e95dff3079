"""The layer that a run refines in place, and those it leaves behind on request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari.layers import Image

from napari_dip.plugin.layers import to_layer_data, to_uncertainty_data

if TYPE_CHECKING:
    from napari.viewer import Viewer

    from napari_dip.plugin.history import Frame
    from napari_dip.plugin.layers import LayerData, LayerInput
    from napari_dip.stack.restore import Result, Snapshot

__all__ = ["Output", "insert_beside"]


class Output:
    """One run's output in a viewer.

    The layer is held as an object, never by its name: it may be renamed, another may bear its
    name, and when it was deleted it stays so until there is a result.

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

    @property
    def shown(self) -> bool:
        """Whether the layer is in the viewer."""
        return self.layer is not None and self.layer in self._viewer.layers

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
            self._viewer.add_layer(self.layer)
        elif self.shown and before is None:
            self.layer.data = pixels
        elif self.shown:
            self.layer.refresh(extent=False, highlight=False)  # but the pixels nothing is new
        if self._keep_previews and new:
            self._keep(begun, snapshot)

    def look_back(self, frame: Frame | None) -> None:
        """Show an earlier picture, and none that is new, until ``None`` is asked for."""
        self._looked_at = frame
        picture = frame or self._latest
        if self.layer is None or not self.shown or self._pixels is None or picture is None:
            return
        self._pixels[picture.index] = picture.image
        self.layer.refresh()

    def complete(self, result: Result, source: LayerInput) -> Image:
        """Show the result in the refined layer, or in a new one where that was deleted."""
        pixels, keywords, _ = to_layer_data(result, source)
        if self.layer is None or not self.shown:
            self.layer = Image(pixels, **keywords)
            self._viewer.add_layer(self.layer)
        else:
            self.layer.data = pixels
            self.layer.metadata = {**self.layer.metadata, **keywords["metadata"]}
        if result.spread is not None:
            spread, look, _ = to_uncertainty_data(result, source)
            insert_beside(self._viewer, self.layer, Image(spread, **look))
        return self.layer

    def remove(self) -> None:
        """Take the layer away again, or put back what it showed; kept previews stay."""
        if self.layer is not None and self.shown:
            if self._earlier is None:
                self._viewer.layers.remove(self.layer)
            else:
                self.layer.data, self.layer.metadata = self._earlier
        self.layer = None

    def _keep(self, begun: LayerData, snapshot: Snapshot) -> None:
        pixels, keywords, _ = begun
        where = f"{snapshot.part}, " if snapshot.part else ""
        name = f"{keywords['name']}, {where}iteration {snapshot.iteration}"
        preview = Image(pixels.copy(), **{**keywords, "name": name, "visible": False})
        insert_beside(self._viewer, self.layer, preview)


def insert_beside(viewer: Viewer, layer: Image | None, new: Image, *, above: bool = False) -> None:
    """Put a new layer under another or above it, without taking the user's selection away.

    Where the other is not there any more, the new one goes to the top.
    """
    layers = viewer.layers
    selection = set(layers.selection)
    there = layer is not None and layer in layers
    layers.insert(layers.index(layer) + above if there else len(layers), new)
    layers.selection = selection
