"""Make the layers of a result, with the placement and the display of their input layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.utils.transforms import Affine

from napari_dip.plugin.models.canvas import Canvas, SectionCanvas
from napari_dip.plugin.models.layer_file import FILE, channel_metadata

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_dip.image.problem import Problem
    from napari_dip.image.restore import Result
    from napari_dip.image.sink import Sink
    from napari_dip.plugin.models.layer_input import LayerInput
    from napari_dip.settings import Settings

    LayerData = tuple[Any, dict[str, Any], str]

__all__ = [
    "own_transform",
    "preview_layer_data",
    "provenance_of",
    "result_name",
    "shifted_placement",
    "to_layer_data",
    "to_uncertainty_data",
]


BRIGHT_PERCENT = 99.9  # of the values of a deconvolved image: brighter ones are drawn alike

MOST_VALUES = 2**22  # values: as many are enough to choose contrast limits, in 0.1 s


def to_layer_data(result: Result, source: LayerInput) -> LayerData:
    """Make the layer of a result.

    Returns
    -------
    tuple
        The pixels, the keywords for :class:`napari.layers.Image`, and ``"image"``. The settings,
        the versions and the reason why the run stopped are in ``metadata["napari-dip"]``.
    """
    factors = _factors(result.axes, result.settings)
    keywords = _keywords(source, result.settings, factors)
    keywords["contrast_limits"] = _limits_of_result(result, source)
    keywords["metadata"] = {
        "napari-dip": provenance_of(result, source),
        **channel_metadata(source.channels),
        **({FILE: source.file} if source.file else {}),
    }
    return result.image, keywords, "image"


def to_uncertainty_data(result: Result, source: LayerInput) -> LayerData:
    """Make the layer of the uncertainty, in the units of the image; it is hidden at first.

    Raises
    ------
    ValueError
        If it was not computed.
    """
    if result.uncertainty is None:
        raise ValueError("the uncertainty was not computed")
    factors = _factors(result.axes, result.settings)
    placed = _keywords(source, result.settings, factors)
    widths: Any = result.uncertainty
    widths = widths[..., :3].mean(axis=-1) if source.rgb else widths
    kept = (*source.placement, "scale", "translate")
    keywords = {name: value for name, value in placed.items() if name in kept}
    if result.coverage is not None and not result.coverage.complete:
        # napari would compute the limits from planes that may be empty.
        keywords["contrast_limits"] = 0.0, _largest(widths, result) or 1.0
    keywords |= {
        "name": f"{placed['name']}, uncertainty",
        "rgb": False,
        "colormap": "magma",
        "visible": False,
        "metadata": {"napari-dip": provenance_of(result, source, uncertainty=True)},
    }
    return widths, keywords, "image"


def preview_layer_data(source: LayerInput, problem: Problem, output: Sink) -> LayerData:
    """Make the layer of a run that starts: empty, with the size of the result.

    Previews are written into its pixels.
    """
    factors = _factors(source.axes, problem.settings)
    in_planes = not problem.layout.is_section
    canvas = Canvas(problem, output) if in_planes else SectionCanvas(problem, output)
    return canvas, _keywords(source, problem.settings, factors), "image"


def provenance_of(
    result: Result, source: LayerInput, *, uncertainty: bool = False
) -> dict[str, Any]:
    """Return how and from what a result was made, as JSON values."""
    record = result.provenance(uncertainty=uncertainty)
    return {**record, "input": {**record["input"], **source.origin}}


def shifted_placement(placement: dict[str, Any], start: NDArray[np.float64]) -> dict[str, Any]:
    """Return the placement of a part of a layer whose first pixel is ``start``."""
    return placement | {"translate": own_transform(placement)(start)}


def own_transform(placement: dict[str, Any]) -> Affine:
    """Return the transform of a layer without its additional affine."""
    return Affine(**{name: placement[name] for name in ("scale", "translate", "rotate", "shear")})


def result_name(source: LayerInput, settings: Settings) -> str:
    """Name the layer of a result.

    Along Z alone, the name says so, such as ``"cells (×4 along Z)"``.
    """
    part = ", part" if source.part else ""
    return settings.task.spec.result_name(source.name, settings.factors, part)


def _limits_of_result(result: Result, source: LayerInput) -> tuple[float, float]:
    """Return the contrast limits of the input; sharp points are brighter than their blur."""
    low, high = source.display["contrast_limits"]
    pixels = result.image
    if result.psf is None or source.rgb or not isinstance(pixels, np.ndarray):
        return low, high
    values = pixels.ravel()[:: max(1, pixels.size // MOST_VALUES)]
    finite = values[np.isfinite(values)]
    bright = float(np.percentile(finite, BRIGHT_PERCENT)) if finite.size else high
    return low, max(high, bright)


def _largest(widths: Any, result: Result) -> float:
    """Return the largest value of about eight of the restored planes."""
    axes = result.axes.replace("S", "")
    restored = [] if result.coverage is None else [*result.coverage.indices("restored", axes)]
    planes = [np.asarray(widths[index]) for index in restored[:: len(restored) // 8 + 1]]
    return float(max((plane[np.isfinite(plane)].max(initial=0) for plane in planes), default=0))


def _factors(axes: str, settings: Settings) -> tuple[int, ...]:
    return tuple(settings.factors.get(axis, 1) for axis in axes)


def _keywords(source: LayerInput, settings: Settings, factors: tuple[int, ...]) -> dict[str, Any]:
    spatial = factors[: len(factors) - source.rgb]
    return {
        "name": result_name(source, settings),
        "rgb": source.rgb,
        **source.display,
        **source.placement,
        **_upsampled(source.placement, np.array(spatial, float)),
    }


def _upsampled(
    placement: dict[str, Any], factors: NDArray[np.float64]
) -> dict[str, NDArray[np.float64]]:
    """Divide the scale, and move the origin so that the new pixels lie within the input pixels.

    With a factor f, the centre of pixel 0 of the result lies (f - 1) / 2f input pixels before the
    centre of pixel 0 of the input, along the axes of the layer, which may be rotated and sheared.
    """
    moved = shifted_placement(placement, (1 - factors) / (2 * factors))
    return {"scale": placement["scale"] / factors, "translate": moved["translate"]}
