"""Compare two images on the canvas, one on each side of a line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari.layers import Image
from vispy.visuals.filters import Clipper  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from napari.layers import Layer
    from napari.viewer import Viewer
    from qtpy.QtWidgets import QWidget

__all__ = ["Comparison", "canvas_widget", "comparison_obstacle"]

EVERY_ROW = -1e6, 2e6  # pixels: first row and height of a strip that is higher than any canvas


class Comparison:
    """Draw one image to the left of a line, and another one to its right.

    Both have the same contrast limits, those of the first one at the start, and other images are
    hidden. :meth:`close` puts everything back; the pixels and the metadata never change.

    Parameters
    ----------
    viewer
        The viewer, in 2-D.
    left, right
        Two Image layers of the viewer; their pixel grids may differ.
    """

    def __init__(self, viewer: Viewer, left: Image, right: Image) -> None:
        self.viewer, self.left, self.right = viewer, left, right
        images = [layer for layer in viewer.layers if isinstance(layer, Image)]
        self._visible = {layer: layer.visible for layer in images}
        self._limits = {
            layer: (layer.contrast_limits, layer.contrast_limits_range) for layer in self._pair
        }
        for layer in images:
            layer.visible = layer in self._pair
        visuals = _qt_viewer(viewer).canvas.layer_to_visual
        self._clips = [_Clip(visuals[layer]) for layer in self._pair]
        self._copy_limits(left, right)
        left.events.contrast_limits.connect(self._follow_left)
        right.events.contrast_limits.connect(self._follow_right)

    def split(self, fraction: float) -> None:
        """Move the line to a fraction of the width of the canvas."""
        canvas = canvas_widget(self.viewer)
        width = canvas.width() * canvas.devicePixelRatioF()
        left, right = self._clips
        left.show(0.0, width * fraction)
        right.show(width * fraction, width)

    def close(self) -> None:
        """Show both images whole again, with their own contrast limits, and the other images."""
        self.left.events.contrast_limits.disconnect(self._follow_left)
        self.right.events.contrast_limits.disconnect(self._follow_right)
        for clip in self._clips:
            clip.remove()
        for layer, (limits, limits_range) in self._limits.items():
            layer.contrast_limits = limits
            layer.contrast_limits_range = limits_range
        for layer, visible in self._visible.items():
            if layer.visible is (layer in self._pair):  # else the user changed it meanwhile
                layer.visible = visible

    @property
    def _pair(self) -> tuple[Image, Image]:
        return self.left, self.right

    def _follow_left(self) -> None:
        self._copy_limits(self.left, self.right)

    def _follow_right(self) -> None:
        self._copy_limits(self.right, self.left)

    @staticmethod
    def _copy_limits(source: Image, target: Image) -> None:
        if list(target.contrast_limits) != list(source.contrast_limits):
            target.contrast_limits = source.contrast_limits


def comparison_obstacle(viewer: Viewer, left: Layer | None, right: Layer) -> str:
    """Say why two layers cannot be compared; empty if they can."""
    if left is None or left not in viewer.layers:
        return "The input layer was deleted, so there is nothing to compare with."
    if right not in viewer.layers:
        return "The layer of the result was deleted."
    if viewer.dims.ndisplay != 2:
        return "Compare needs the 2-D view: press the 2D/3D button below the layer list."
    if viewer.canvas.grid.enabled:
        return "Compare needs one view: switch off the grid below the layer list."
    return ""


def canvas_widget(viewer: Viewer) -> QWidget:
    """Return the Qt widget of the canvas."""
    widget: QWidget = _qt_viewer(viewer).canvas.native
    return widget


def _qt_viewer(viewer: Viewer) -> Any:
    # napari has no public name for its canvas and what it draws.
    return viewer.window._qt_viewer  # noqa: SLF001


class _Clip:
    """Draw a layer only between two columns of the canvas.

    Parameters
    ----------
    visual
        What napari draws for the layer.
    """

    def __init__(self, visual: Any) -> None:
        self._visual, self._clipper = visual, Clipper()
        self._node: Any = None

    def show(self, first: float, last: float) -> None:
        """Draw between two columns, in pixels of the screen."""
        if self._visual.node is not self._node:  # napari changes it with the size of the image
            self.remove()
            self._node = self._visual.node
            self._node.attach(self._clipper)
        row, height = EVERY_ROW
        self._clipper.bounds = first, row, last - first, height
        self._node.update()

    def remove(self) -> None:
        """Draw the whole layer."""
        if self._node is not None:
            self._node.detach(self._clipper)
            self._node.update()
            self._node = None
