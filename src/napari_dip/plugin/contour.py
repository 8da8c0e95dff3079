"""A Labels layer drawn as an outline for a while."""

from __future__ import annotations

from napari.layers import Labels, Layer

__all__ = ["Contour"]


class Contour:
    """Draws at most one Labels layer as an outline, and gives it back as it was."""

    def __init__(self) -> None:
        self._layer: Labels | None = None
        self._before = 0

    def only(self, layer: Layer | None) -> None:
        """Draw this layer as an outline and no other; with ``None``, none."""
        if layer is self._layer:
            return
        drawn, before = self._layer, self._before
        self._layer = layer if isinstance(layer, Labels) else None
        # Drawn anew, a layer tells of it: whoever comes back here from there finds all done.
        if drawn is not None:
            drawn.contour = before
        if self._layer is not None:
            self._before = self._layer.contour
            self._layer.contour = max(1, self._before)
