"""Check and report on the layer of a result, with the layer that it was made from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari.layers import Image

from napari_dip.errors import BadImage
from napari_dip.image.reordered import Reordered
from napari_dip.plugin.models.layer_input import is_unfinished, read_layer
from napari_dip.plugin.models.layer_record import record_of, recorded_bead, recorded_settings
from napari_dip.plugin.models.mask_layers import Mask
from napari_dip.plugin.models.point_spread import bead_in_file, problem_of, read_bead
from napari_dip.plugin.models.residual_layer import ResidualLayer, residual_layer
from napari_dip.plugin.models.target import stored_image
from napari_dip.plugin.models.trial import crop

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from napari.layers import Layer

    from napari_dip.assess.report import RestorationReport
    from napari_dip.image.lazy import LazyArray
    from napari_dip.image.problem import Problem
    from napari_dip.image.result import Result
    from napari_dip.plugin.models.bead import Bead
    from napari_dip.plugin.models.layer_input import LayerInput

__all__ = ["AssessedLayer", "input_of_result", "layer_methods"]


@dataclass(frozen=True, eq=False)
class AssessedLayer:
    """The layer of a result, and its input, as they are when they are read.

    Its methods read all pixels and may restore again: call them in a worker thread.

    Attributes
    ----------
    shown
        The pixels of the result as the layer shows them.
    record
        How it was made.
    source
        The input, with its mask: :func:`read_layer` of the input layer, or that of the run. If a
        part was restored, it may be the whole.
    result
        The result of the run, if it is at hand: then its input is not surveyed again, and its
        uncertainty is known.
    """

    shown: LayerInput
    record: Mapping[str, Any]
    source: LayerInput
    result: Result | None = None

    @classmethod
    def of(cls, layer: Image, source: LayerInput, result: Result | None = None) -> AssessedLayer:
        """Read a layer.

        Raises
        ------
        BadImage
            If no run made it, or its run has not ended.
        BadSettings
            If this version does not know its settings.
        """
        record = _require_record(layer)
        shown = read_layer(layer)
        if "Q" in shown.axes and len(record["axes"]) == len(shown.axes):
            shown = replace(shown, axes=record["axes"])
        return cls(shown, record, source, result)

    def problem(self) -> Problem:
        """Return the input of the run; without its result, it reads and surveys the image.

        Raises
        ------
        BadImage
            If the input is not that of the record.
        """
        if self.result is not None and self.result.problem is not None:
            return self.result.problem
        source, settings = self._matching_source(), recorded_settings(self.record)
        problem = problem_of(source, settings, self.record.get("device"))
        now, then = problem.input_record(), self.record["input"]
        if any((now[key] or None) != (then.get(key) or None) for key in ("pixels", "known", "psf")):
            raise BadImage(
                f"'{source.name}', its mask or its bead is not what '{self.shown.name}' was made "
                "from: their pixels differ. Select the layers of that run."
            )
        return problem

    def residual(self) -> ResidualLayer:
        """Compute and check the residual.

        Raises
        ------
        BadImage
            If the input is not that of the record.
        """
        problem = self.problem()
        return residual_layer(problem, self._restored(problem), self.shown)

    def report(
        self, *, uncertainty: bool = False, resolution: bool = False, invented: bool = False
    ) -> RestorationReport:
        """Make the report.

        Parameters
        ----------
        uncertainty, resolution, invented
            Further sections, as in :func:`~napari_dip.assess.assessment.assess`.

        Raises
        ------
        BadImage
            If the input is not that of the record.
        """
        from napari_dip.assess.report import Labels, make_report

        problem, source = self.problem(), self._matching_source()
        stored = stored_image(source)
        labels = Labels(
            source.name,
            self.shown.name,
            stored.pixel_size,
            stored.unit,
            tuple(channel.name for channel in source.channels),
        )
        return make_report(
            problem,
            self._restored(problem),
            self.record,
            labels=labels,
            half_widths=self._uncertainty,
            uncertainty=uncertainty,
            resolution=resolution,
            invented=invented,
        )

    @property
    def _uncertainty(self) -> LazyArray | None:
        """The uncertainty of the shown pixels; ``None`` if it is not known."""
        changed = "picture" in self.record  # an earlier iteration, or a mixture with the input
        return None if self.result is None or changed else self.result.uncertainty

    def _restored(self, problem: Problem) -> LazyArray:
        """Return the shown pixels with the axes of the problem."""
        return Reordered(self.shown.data, self.shown.axes, problem.layout.axes, problem.shape)

    def _matching_source(self) -> LayerInput:
        """Return the input with the axes and the part of the run."""
        source, settings = self.source, recorded_settings(self.record)
        if settings.axes is not None and len(settings.axes) == len(source.axes):
            source = replace(source, axes=settings.axes)
        part = tuple(slice(*ends) for ends in self.record["input"].get("part", ()))
        return crop(source, part) if part and not source.part else source


def input_of_result(layer: Layer, layers: Iterable[Layer]) -> LayerInput:
    """Find the layers of the input and of its mask by their recorded names, and read them.

    Parameters
    ----------
    layer
        The layer of a result.
    layers
        All layers of the viewer.

    Raises
    ------
    BadImage
        If no run made the layer, or there is no layer with such a name.
    """
    record = _require_record(layer)
    by_name = {one.name: one for one in layers}
    image = by_name.get(record["input"].get("layer"))
    if not isinstance(image, Image):
        name = record["input"].get("layer") or record["input"].get("path") or "its input"
        raise BadImage(
            f"'{layer.name}' was made from '{name}', and no Image layer has this name: open it, or "
            "rename its layer."
        )
    bead = _bead_of_result(layer, by_name)
    marked = record["input"].get("mask")
    if not marked or marked.get("layer") is None:
        return replace(read_layer(image), bead=bead)
    mask = by_name.get(marked["layer"])
    if mask is None:
        raise BadImage(
            f"'{layer.name}' was made with the mask '{marked['layer']}', and no layer has this "
            "name: open it, or rename its layer."
        )
    plane = marked.get("plane")
    source = read_layer(
        image,
        Mask(
            mask,
            marked.get("label"),
            marked.get("marks", "missing"),
            None if plane is None else tuple(plane),
        ),
    )
    return replace(source, bead=bead)


def _bead_of_result(layer: Layer, by_name: Mapping[str, Layer]) -> Bead | None:
    """Find the layer or the file of the bead of a result; ``None`` if it was made without one."""
    record = _require_record(layer)
    recorded = recorded_bead(record)
    if recorded is None:
        return None
    if isinstance(found := by_name.get(recorded["layer"]), Image):
        return read_bead(found)
    if (path := recorded["path"]) and Path(path).exists():
        return bead_in_file(Path(path))
    raise BadImage(
        f"'{layer.name}' was deconvolved with the bead '{recorded['layer'] or path}', and no Image "
        "layer has this name: open it, or rename its layer."
    )


def layer_methods(layer: Layer) -> str:
    """Return the paragraph for the methods section and its references, to paste.

    Raises
    ------
    BadImage
        If no run made the layer.
    BadSettings
        If this version does not know its settings.
    """
    from napari_dip.assess.methods_text import methods_text

    return str(methods_text(_require_record(layer)))


def _require_record(layer: Layer) -> dict[str, Any]:
    """Return how the layer of a finished run was made, with settings that this version knows."""
    record = record_of(layer)
    if record is None or is_unfinished(layer):
        raise BadImage(f"'{layer.name}' is not a finished result: select the layer of a result.")
    recorded_settings(record)
    return record
