"""The two buttons of a trial: run on a part, then on the whole in the same way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from magicgui.widgets import Container, Widget

from napari_dip.plugin import controls
from napari_dip.plugin.trial import Trial
from napari_dip.plugin.wanted import Reader

if TYPE_CHECKING:
    from napari.layers import Image

    from napari_dip.plugin.afterwards import Afterwards

__all__ = ["Trying"]


class Trying(Container[Widget]):
    """Tries on a part, and remembers the last trial that came to an end.

    Attributes
    ----------
    trial
        The last that was not discarded, or ``None``.
    """

    def __init__(self) -> None:
        self.trial: Trial | None = None
        self._layer: Image | None = None
        self._reader = Reader()
        self.try_here = controls.button("try_here", "Try here first", _TRY)
        self.apply_to_stack = controls.button(
            "apply_to_stack", "Apply to the whole", _APPLY, enabled=False
        )
        buttons = [self.try_here, self.apply_to_stack]
        super().__init__(widgets=buttons, layout="horizontal", labels=False)
        self.margins = (0, 0, 0, 0)

    def begin(self, layer: Image | None = None, reader: Reader | None = None) -> None:
        """Remember that a part of this layer is being restored, or no part, and how it was read."""
        self._layer, self._reader = layer, reader or Reader()

    def end(self, ended: Afterwards | None) -> None:
        """Take down how a run ended, if it was a trial."""
        layer, self._layer = self._layer, None
        if layer is not None and ended is not None and ended.result.reports:
            self.trial = Trial(layer, ended.layer, self._reader)

    def hold(self, *, busy: bool) -> None:
        """Let the buttons be pressed only where a run could begin."""
        self.try_here.enabled = not busy
        self.apply_to_stack.enabled = not busy and self.trial is not None


_TRY = (
    "Restore only what the canvas shows, of the current plane, or the rectangle in a selected "
    "Shapes layer. The result lies in its place."
)
_APPLY = (
    "Restore all of the image, or stack, as in the last trial: the same settings, plane by plane, "
    "and as many iterations as gave its result."
)
