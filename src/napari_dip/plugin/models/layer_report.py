"""Report on a result layer with its input layer, without Qt."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from napari_dip.assess.methods_text import methods_text
from napari_dip.assess.report import Labels, RestorationReport, make_report
from napari_dip.errors import BadImage
from napari_dip.plugin.models.layer_input import is_unfinished
from napari_dip.plugin.models.mask_pixels import finest
from napari_dip.plugin.models.provenance import record_of, recorded_settings
from napari_dip.plugin.models.target import stored_image
from napari_dip.plugin.models.trial import crop

if TYPE_CHECKING:
    from napari.layers import Image
    from numpy.typing import ArrayLike

    from napari_dip.plugin.models.layer_input import LayerInput

__all__ = ["layer_methods", "layer_report"]


def layer_methods(layer: Image) -> str:
    """Return the paragraph for the methods section and its references, to paste.

    Raises
    ------
    BadImage
        If no run made the layer.
    BadSettings
        If this version does not know its settings.
    """
    record = record_of(layer)
    if record is None:
        raise BadImage(f"'{layer.name}' is not a result: select the layer of a result.")
    recorded_settings(record)
    return str(methods_text(record))


def layer_report(
    layer: Image,
    source: LayerInput,
    *,
    psf: ArrayLike | None = None,
    uncertainty: bool = False,
    resolution: bool = False,
    invented: bool = False,
) -> RestorationReport:
    """Make the report of a result layer; it reads and surveys the input, so call it in a thread.

    Parameters
    ----------
    layer
        The layer of a result.
    source
        Its input, with its mask: :func:`read_layer` of the input layer, or that of the run. If a
        part was restored, it may be the whole.
    psf
        The point spread function, if there was one.
    uncertainty, resolution, invented
        Further sections, as in :func:`~napari_dip.assess.assessment.assess`.

    Raises
    ------
    BadImage
        If no run made the layer, its run has not ended, or the input is not that of the record.
    """
    from napari_dip.image.problem import make_problem

    record = record_of(layer)
    if record is None or is_unfinished(layer):
        raise BadImage(f"'{layer.name}' is not a finished result: select the layer of a result.")
    settings = recorded_settings(record)
    if settings.axes is not None and len(settings.axes) == len(source.axes):
        source = replace(source, axes=settings.axes)
    part = tuple(slice(*ends) for ends in record["input"].get("part", ()))
    source = crop(source, part) if part and not source.part else source
    problem = make_problem(source.data, settings, source.whole_mask, psf, record.get("device"))
    now, then = problem.input_record(), record["input"]
    if any((now[key] or None) != (then.get(key) or None) for key in ("pixels", "known")):
        raise BadImage(
            f"'{source.name}' or its mask is not what '{layer.name}' was made from: their pixels "
            "differ. Select the layers of that run."
        )
    stored = stored_image(source)
    labels = Labels(
        source.name,
        layer.name,
        stored.pixel_size,
        stored.unit,
        tuple(channel.name for channel in source.channels),
    )
    return make_report(
        problem,
        finest(layer),
        record,
        labels=labels,
        uncertainty=uncertainty,
        resolution=resolution,
        invented=invented,
    )
