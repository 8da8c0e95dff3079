"""What can be done with a run that has ended: look back, choose, blend, keep."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image
from napari.utils.transforms import Affine

from napari_dip.plugin.controllers.result_layer import add_uncertainty, insert_beside
from napari_dip.plugin.models.history import Frame, blended, in_words, inserted, stacked
from napari_dip.plugin.models.layer_input import read_layer
from napari_dip.plugin.models.layer_output import made, moved

if TYPE_CHECKING:
    from napari.viewer import Viewer
    from numpy.typing import NDArray

    from napari_dip.image.restore import Result
    from napari_dip.plugin.models.history import History
    from napari_dip.plugin.models.layer_input import LayerInput

__all__ = ["Afterwards"]

_BLENDS_AT_ONCE = 64_000_000
"""Values that are blended while a slider moves; more would hold up the viewer."""


class Afterwards:
    """A result in its layer, with the pictures on the way to it.

    Looking back changes nothing but what the layer shows, and its metadata, which always say what
    that is. What is not taken by :meth:`use` goes back to the result by :meth:`settle`.

    Parameters
    ----------
    viewer, layer
        Where the result is.
    source
        The layer that was restored, as it was read.
    result
        What came out.
    history
        What the run went through.
    """

    def __init__(
        self, viewer: Viewer, layer: Image, source: LayerInput, result: Result, history: History
    ) -> None:
        self.viewer, self.layer = viewer, layer
        self.source, self.result, self.history = source, result, history
        iterations = sum(report.iterations for report in result.reports)
        self.outcome = Frame(iterations, (), np.asarray(result.image), result=True)
        self.chosen = self.shown = self.outcome
        self.share = 1.0
        self._data = layer.data

    @property
    def frames(self) -> list[Frame]:
        """All that can be shown, the result last."""
        return [*self.history.frames, self.outcome]

    @property
    def is_there(self) -> bool:
        """Whether the layer is in the viewer."""
        return self.layer in self.viewer.layers

    @property
    def edited(self) -> bool:
        """Whether the user has replaced the pixels of the layer, which are then left unchanged."""
        return self.layer.data is not self._data

    @property
    def why_not_blend(self) -> str:
        """Why it cannot be blended; empty where it can."""
        return "the image is too large" if self.outcome.image.size > _BLENDS_AT_ONCE else ""

    def show(self, frame: Frame) -> None:
        """Show one of the pictures."""
        self.shown = frame
        self._draw()

    def blend(self, share: float) -> None:
        """Mix the picture with the image as it was; 1 is the picture alone, 0 the image."""
        self.share = share
        self._draw()

    def use(self) -> None:
        """Make the picture that is shown the result."""
        self.chosen = self.shown
        self._draw()

    def settle(self) -> None:
        """Show the result again."""
        if self.shown is not self.chosen:
            self.show(self.chosen)

    def as_it_was(self) -> Afterwards:
        """Give the same for a result whose continuation was given up: the network has moved on."""
        result = replace(self.result, more=None, final="its network has gone on from there")
        self.history.forget_after(self.outcome.iteration)
        self.history.frames = [frame for frame in self.history.frames if not frame.result]
        back = Afterwards(self.viewer, self.layer, self.source, result, self.history)
        if self.chosen is not self.outcome:
            back.chosen = back.shown = self.chosen
        return back

    def keep_as_layer(self) -> Image:
        """Add what is shown as a layer of its own, under the result, which may go on changing."""
        here = read_layer(self.layer)
        blend = "" if self.share == 1 else f", {self.share:.0%}"
        name = f"{here.name}, {in_words(self.shown)}{blend}"
        pixels = np.array(self._picture())
        metadata = {"napari-dip": self._made()}
        look = {"rgb": here.rgb, **here.look, **here.placement}
        layer = Image(pixels, name=name, metadata=metadata, **look)
        insert_beside(self.viewer, self.layer, layer)
        return layer

    def keep_history(self) -> Image:
        """Add all pictures as one layer, whose first axis is the iteration.

        Its world coordinate is the iteration as nearly as even steps allow; the very numbers are in
        ``metadata["iterations"]``.
        """
        here = read_layer(self.layer)
        frames = [*self.history.frames]
        if self.outcome.image.shape == frames[-1].image.shape:
            frames.append(self.outcome)
        stack, start = stacked(frames, self.outcome.image.ndim)
        iterations = [frame.iteration for frame in frames]
        step = (iterations[-1] - iterations[0]) / max(1, len(iterations) - 1) or 1.0
        place = moved(here.placement, start[: len(start) - here.rgb])
        axes = self.viewer.dims.ndim
        layer = Image(
            stack,
            name=f"{here.name}, history",
            rgb=here.rgb,
            metadata={"napari-dip": made(self.result, self.source), "iterations": iterations},
            **here.look,
            **_under_an_axis("iteration", place, step, float(iterations[0])),
        )
        insert_beside(self.viewer, self.layer, layer, above=True)
        if self.viewer.dims.ndim > axes:  # by the iteration: begin with the picture seen so far
            self.viewer.dims.set_point(0, iterations[-1])
        return layer

    def bring_back(self) -> None:
        """Add the layer to the viewer, where the user had deleted it during the run."""
        if not self.is_there:
            insert_beside(self.viewer, None, self.layer)
            add_uncertainty(self.viewer, self.layer, self.result, self.source)

    def _picture(self) -> NDArray[Any]:
        """Compute the pixels of what is shown."""
        pixels = inserted(self.shown, self.outcome.image)
        if self.share < 1:
            mixed = blended(pixels, self._input, self.share, self.source)
            pixels = self._without_empty(mixed, pixels)
        return pixels

    def _draw(self) -> None:
        if not self.is_there or self.edited:
            return
        self.layer.data = self._picture()
        self._data = self.layer.data
        self.layer.metadata = {**self.layer.metadata, "napari-dip": self._made()}

    def _without_empty(self, mixed: NDArray[Any], picture: NDArray[Any]) -> NDArray[Any]:
        """Keep planes empty that are not restored: the image does not stand for them."""
        if (coverage := self.result.coverage) is not None:
            for index in coverage.indices("empty", self.result.axes):
                mixed[index] = picture[index]
        return mixed

    def _made(self) -> dict[str, Any]:
        """Say how what is shown was made."""
        how = made(self.result, self.source)
        picture: dict[str, Any] = {}
        if self.shown is not self.outcome:
            by_user = self.shown is self.chosen
            picture = {"iteration": self.shown.iteration, "chosen_by_user": by_user}
        if self.share < 1:
            picture["blend"] = round(self.share, 4)
        return {**how, "picture": picture} if picture else how

    @cached_property
    def _input(self) -> NDArray[Any]:
        """The image as it was, its pixels repeated where the result has finer ones."""
        image, factors = np.asarray(self.source.data), self.result.settings.factors
        for axis, letter in enumerate(self.result.axes):
            if factors.get(letter, 1) > 1:
                image = image.repeat(factors[letter], axis)
        return image


def _under_an_axis(
    name: str, placement: dict[str, Any], step: float, first: float
) -> dict[str, Any]:
    """Place a layer that has one more axis, in front."""
    ndim = len(placement["scale"])
    linear = Affine(scale=[1] * ndim, shear=placement["shear"]).linear_matrix
    return {
        "scale": [step, *placement["scale"]],
        "translate": [first, *placement["translate"]],
        "rotate": _bordered(placement["rotate"]),
        "shear": _bordered(linear),
        "affine": _bordered(placement["affine"]),
        "units": ("pixel", *placement["units"]),
        "axis_labels": (name, *placement["axis_labels"]),
    }


def _bordered(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Put a one in the corner in front."""
    larger = np.eye(len(matrix) + 1)
    larger[1:, 1:] = matrix
    return larger
