"""Add the layer of a run to the viewer, update it with previews, and complete or remove it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari.layers import Image

from napari_dip.plugin.models.layer_input import unfinished_layers
from napari_dip.plugin.models.layer_output import to_layer_data, to_uncertainty_data

if TYPE_CHECKING:
    from napari.viewer import Viewer

    from napari_dip.image.restore import Result
    from napari_dip.plugin.models.history import Frame
    from napari_dip.plugin.models.layer_input import LayerInput
    from napari_dip.plugin.models.layer_output import LayerData
    from napari_dip.progress import Snapshot

__all__ = ["ResultLayer", "add_uncertainty", "insert_beside"]


class ResultLayer:
    """The layer of one run.

    It is held as an object and never looked up by its name, which the user may change. A layer
    that the user deletes during the run does not come back, and pixels that the user replaces stay.

    Parameters
    ----------
    viewer
        The viewer.
    earlier
        The layer of a result that the run continues; it stays if the run has no result.
    """

    def __init__(self, viewer: Viewer, *, earlier: Image | None = None) -> None:
        self._viewer = viewer
        # A copy: napari clears the dictionary before it takes the values of another one.
        self._earlier = None if earlier is None else (earlier.data, dict(earlier.metadata))
        self._pixels: Any = None
        self._latest: Snapshot | None = None
        self._shown_frame: Frame | None = None
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
        """Whether the user deleted the layer."""
        return self.layer is not None and not self.shown

    @property
    def edited(self) -> bool:
        """Whether the user replaced the pixels of the layer."""
        return self.layer is not None and self.layer.data is not self._data

    def update(self, initial: LayerData, snapshot: Snapshot) -> None:
        """Show the image of a snapshot, if it has one; the first call adds the layer."""
        pixels, keywords, _ = initial
        has_image = snapshot.image is not None
        if has_image:
            self._latest = snapshot
        if has_image and (self._shown_frame is None or self._shown_frame.index != snapshot.index):
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
            self._set_pixels(pixels)
        else:
            self.layer.refresh(extent=False, highlight=False)  # only the pixels have changed

    def show_frame(self, frame: Frame | None) -> None:
        """Show an earlier frame in place of new images; ``None`` shows the latest again."""
        self._shown_frame = frame
        shown = frame or self._latest
        if self.layer is None or self._pixels is None or shown is None:
            return
        self._pixels[shown.index] = shown.image
        if self.shown and not self.edited:
            self.layer.refresh()

    def complete(self, result: Result, source: LayerInput) -> Image:
        """Put the result into the layer, and return the layer.

        If the user replaced its pixels, the result is a new layer. If the user deleted the layer,
        the result is not shown.
        """
        pixels, keywords, _ = to_layer_data(result, source)
        if self.layer is None or (self.edited and not self.deleted):
            self.release()
            self.layer = Image(pixels, **keywords)
            insert_beside(self._viewer, None, self.layer)
        else:
            self.release()
            self._set_pixels(pixels)
            self.layer.metadata = {**self.layer.metadata, **keywords["metadata"]}
            if tuple(self.layer.contrast_limits) == tuple(source.display["contrast_limits"]):
                self.layer.contrast_limits = keywords["contrast_limits"]  # not set by the user
        if self.shown:
            add_uncertainty(self._viewer, self.layer, result, source)
        return self.layer

    def remove(self) -> None:
        """Remove the layer, or restore the pixels of the result that the run continued.

        Kept previews stay, and so does a layer whose pixels the user replaced.
        """
        self.release()
        if self.layer is not None and not self.edited:
            if self._earlier is not None:
                data, self.layer.metadata = self._earlier
                self._set_pixels(data)
            elif self.shown:
                self._viewer.layers.remove(self.layer)
        self.layer = None

    def release(self) -> None:
        """Allow the layer as the input of other runs."""
        if self.layer is not None:
            unfinished_layers.discard(self.layer)

    def _set_pixels(self, pixels: Any) -> None:
        if self.layer is not None:
            self.layer.data = pixels
            self._data = self.layer.data


def add_uncertainty(viewer: Viewer, layer: Image, result: Result, source: LayerInput) -> None:
    """Add the uncertainty as a hidden layer under its result, if there is one."""
    if result.uncertainty is not None:
        uncertainty, keywords, _ = to_uncertainty_data(result, source)
        insert_beside(viewer, layer, Image(uncertainty, **keywords))


def insert_beside(viewer: Viewer, layer: Image | None, new: Image, *, above: bool = False) -> None:
    """Insert a layer under or above another one, and keep the user's selection.

    If the other layer is not in the viewer, the new one goes to the top.
    """
    layers = viewer.layers
    selection = set(layers.selection)
    present = layer is not None and layer in layers
    layers.insert(layers.index(layer) + above if present else len(layers), new)
    layers.selection = selection
