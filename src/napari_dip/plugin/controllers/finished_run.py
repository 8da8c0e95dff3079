"""Work with the result of a run: show a frame, set the strength, choose it, or keep a copy."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image
from napari.utils.transforms import Affine

from napari_dip.plugin.controllers.result_layer import add_uncertainty, insert_beside
from napari_dip.plugin.models.history import (
    Frame,
    blend,
    frame_name,
    insert_frame,
    stack_frames,
)
from napari_dip.plugin.models.layer_input import read_layer
from napari_dip.plugin.models.layer_output import provenance_of, shifted_placement

if TYPE_CHECKING:
    from napari.viewer import Viewer
    from numpy.typing import NDArray

    from napari_dip.image.restore import Result
    from napari_dip.plugin.models.history import History
    from napari_dip.plugin.models.layer_input import LayerInput
    from napari_dip.plugin.models.run_request import RunRequest

__all__ = ["FinishedRun"]

MAX_BLENDED_VALUES = 64_000_000  # values: blending more while a slider moves blocks the viewer


class FinishedRun:
    """A result in its layer, with the frames of its run.

    Showing a frame changes only the pixels and the metadata of the layer. :meth:`use` makes the
    shown frame the result; otherwise :meth:`reset` shows the result again.

    Parameters
    ----------
    viewer, layer
        The viewer, and the layer of the result.
    source
        The input layer.
    result
        The result.
    history
        The history of the run.
    rest
        The request that restores the planes that the result lacks; ``None`` if there are none.
    """

    def __init__(
        self,
        viewer: Viewer,
        layer: Image,
        source: LayerInput,
        result: Result,
        history: History,
        rest: RunRequest | None = None,
    ) -> None:
        self.viewer, self.layer = viewer, layer
        self.source, self.result, self.history, self.rest = source, result, history, rest
        iterations = sum(report.iterations for report in result.reports)
        pixels: Any = result.image  # an array, or the file of the result
        self.outcome = Frame(iterations, (), pixels, result=True)
        self.chosen = self.shown = self.outcome
        self.strength = 1.0
        self._data = layer.data

    @property
    def frames(self) -> list[Frame]:
        """All frames, the result last."""
        return [*self.history.frames, self.outcome]

    @property
    def in_viewer(self) -> bool:
        """Whether the layer is in the viewer."""
        return self.layer in self.viewer.layers

    @property
    def edited(self) -> bool:
        """Whether the user replaced the pixels of the layer, which then stay unchanged."""
        return self.layer.data is not self._data

    @property
    def left(self) -> int:
        """Number of planes that the result lacks."""
        coverage = self.result.coverage
        return 0 if coverage is None else len(coverage.empty) + len(coverage.partial)

    @property
    def has_frames(self) -> bool:
        """Whether the run has frames besides the result."""
        return bool(self.history.frames)

    @property
    def file_obstacle(self) -> str:
        """Why the pixels of the layer cannot be changed; empty if they can."""
        in_memory = isinstance(self.outcome.image, np.ndarray)
        return "" if in_memory else "the layer shows the file of the result"

    @property
    def strength_obstacle(self) -> str:
        """Why the strength cannot be changed; empty if it can."""
        if self.file_obstacle:
            return self.file_obstacle
        too_large = self.outcome.image.size > MAX_BLENDED_VALUES
        return "the image is too large" if too_large else ""

    def show(self, frame: Frame) -> None:
        """Show a frame."""
        self.shown = frame
        self._draw()

    def set_strength(self, strength: float) -> None:
        """Blend the frame with the input; strength 1 is the frame alone, 0 the input alone."""
        self.strength = strength
        self._draw()

    def use(self) -> None:
        """Make the shown frame the result."""
        self.chosen = self.shown
        self._draw()

    def reset(self) -> None:
        """Show the result again."""
        if self.shown is not self.chosen:
            self.show(self.chosen)

    def without_network(self, why: str) -> FinishedRun:
        """Return this result without its network, which a later run has changed or replaced."""
        result = replace(self.result, more=None, final=why)
        self.history.truncate(self.outcome.iteration)
        self.history.frames = [frame for frame in self.history.frames if not frame.result]
        run = FinishedRun(self.viewer, self.layer, self.source, result, self.history, self.rest)
        if self.chosen is not self.outcome:
            run.chosen = run.shown = self.chosen
        return run

    def keep_as_layer(self) -> Image:
        """Add a copy of the shown pixels as a layer under the result."""
        current = read_layer(self.layer)
        strength = "" if self.strength == 1 else f", strength {self.strength:.0%}"
        layer = Image(
            np.array(self._pixels()),
            name=f"{current.name}, {frame_name(self.shown)}{strength}",
            metadata={"napari-dip": self._provenance()},
            rgb=current.rgb,
            **current.display,
            **current.placement,
        )
        insert_beside(self.viewer, self.layer, layer)
        return layer

    def keep_history(self, *, visible: bool = True) -> Image:
        """Add all frames as one layer whose first axis is the iteration.

        Its world coordinate is the iteration, as exactly as constant steps allow. The exact numbers
        are in ``metadata["iterations"]``.
        """
        current = read_layer(self.layer)
        frames = [*self.history.frames]
        if self.outcome.image.shape == frames[-1].image.shape:
            frames.append(self.outcome)
        stack, start = stack_frames(frames, self.outcome.image.ndim)
        iterations = [frame.iteration for frame in frames]
        step = (iterations[-1] - iterations[0]) / max(1, len(iterations) - 1) or 1.0
        placement = shifted_placement(current.placement, start[: len(start) - current.rgb])
        ndim = self.viewer.dims.ndim
        layer = Image(
            stack,
            name=f"{current.name}, history",
            rgb=current.rgb,
            metadata={
                "napari-dip": provenance_of(self.result, self.source),
                "iterations": iterations,
            },
            visible=visible,
            **current.display,
            **_with_first_axis("iteration", placement, step, float(iterations[0])),
        )
        insert_beside(self.viewer, self.layer, layer, above=True)
        if self.viewer.dims.ndim > ndim:  # by the iteration: start at the last one
            self.viewer.dims.set_point(0, iterations[-1])
        return layer

    def add_layer(self) -> None:
        """Add the result to the viewer, if the user deleted its layer during the run."""
        if not self.in_viewer:
            insert_beside(self.viewer, None, self.layer)
            add_uncertainty(self.viewer, self.layer, self.result, self.source)

    def _pixels(self) -> NDArray[Any]:
        """Compute the shown pixels."""
        pixels = insert_frame(self.shown, self.outcome.image)
        if self.strength < 1:
            mixed = blend(pixels, self._input, self.strength, self.source)
            pixels = self._keep_empty_planes(mixed, pixels)
        return pixels

    def _draw(self) -> None:
        if not self.in_viewer or self.edited or self.file_obstacle:
            return
        self.layer.data = self._pixels()
        self._data = self.layer.data
        self.layer.metadata = {**self.layer.metadata, "napari-dip": self._provenance()}

    def _keep_empty_planes(self, mixed: NDArray[Any], pixels: NDArray[Any]) -> NDArray[Any]:
        """Keep planes that are not restored empty, rather than blended with the input."""
        if (coverage := self.result.coverage) is not None:
            for index in coverage.indices("empty", self.result.axes):
                mixed[index] = pixels[index]
        return mixed

    def _provenance(self) -> dict[str, Any]:
        """Return the record of the shown pixels."""
        record = provenance_of(self.result, self.source)
        picture: dict[str, Any] = {}
        if self.shown is not self.outcome:
            by_user = self.shown is self.chosen
            picture = {"iteration": self.shown.iteration, "chosen_by_user": by_user}
        if self.strength < 1:
            picture["strength_percent"] = round(100 * self.strength, 2)
        return {**record, "picture": picture} if picture else record

    @cached_property
    def _input(self) -> NDArray[Any]:
        """The input, its pixels repeated on the finer grid of the result."""
        image, factors = np.asarray(self.source.data), self.result.settings.factors
        for axis, letter in enumerate(self.result.axes):
            if factors.get(letter, 1) > 1:
                image = image.repeat(factors[letter], axis)
        return image


def _with_first_axis(
    name: str, placement: dict[str, Any], step: float, first: float
) -> dict[str, Any]:
    """Return a placement with an additional first axis."""
    ndim = len(placement["scale"])
    linear = Affine(scale=[1] * ndim, shear=placement["shear"]).linear_matrix
    return {
        "scale": [step, *placement["scale"]],
        "translate": [first, *placement["translate"]],
        "rotate": _with_first_row(placement["rotate"]),
        "shear": _with_first_row(linear),
        "affine": _with_first_row(placement["affine"]),
        "units": ("pixel", *placement["units"]),
        "axis_labels": (name, *placement["axis_labels"]),
    }


def _with_first_row(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Add a first row and column with a 1 on the diagonal."""
    larger = np.eye(len(matrix) + 1)
    larger[1:, 1:] = matrix
    return larger
