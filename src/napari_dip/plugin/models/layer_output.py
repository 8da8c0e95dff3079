"""Layers in, layers out: what a napari layer says about its pixels, kept for the result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.utils.transforms import Affine

from napari_dip.plugin.models.canvas import Canvas, Upright

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_dip.image.problem import Problem
    from napari_dip.image.restore import Result
    from napari_dip.image.sink import Output
    from napari_dip.plugin.models.layer_input import LayerInput
    from napari_dip.settings import Settings

    LayerData = tuple[Any, dict[str, Any], str]

__all__ = [
    "first_guess",
    "made",
    "moved",
    "own_transform",
    "result_name",
    "to_layer_data",
    "to_uncertainty_data",
]


def to_layer_data(result: Result, source: LayerInput) -> LayerData:
    """Give a result the place and the look of the layer that it was made from.

    Returns
    -------
    tuple
        The pixels, the keywords for :class:`napari.layers.Image`, and ``"image"``. What was
        asked, with which versions, and why it stopped is in ``metadata["napari-dip"]``.
    """
    factors = _factors(result.axes, result.settings)
    keywords = _keywords(source, result.settings, factors)
    keywords["metadata"] = {"napari-dip": made(result, source)}
    return result.image, keywords, "image"


def to_uncertainty_data(result: Result, source: LayerInput) -> LayerData:
    """Make the layer that shows how far the fits differ, in the image's units, hidden at first.

    Raises
    ------
    ValueError
        If there was but one fit, which has no spread.
    """
    if result.spread is None:
        raise ValueError("a single fit has no spread")
    factors = _factors(result.axes, result.settings)
    placed = _keywords(source, result.settings, factors)
    spread: Any = result.spread
    spread = spread[..., :3].mean(axis=-1) if source.rgb else spread
    kept = (*source.placement, "scale", "translate")
    keywords = {name: value for name, value in placed.items() if name in kept}
    if result.coverage is not None and not result.coverage.complete:
        # napari would look for the limits in planes that may be empty.
        keywords["contrast_limits"] = 0.0, _largest(spread, result) or 1.0
    keywords |= {
        "name": f"{placed['name']}, uncertainty",
        "rgb": False,
        "colormap": "magma",
        "visible": False,
        "metadata": {"napari-dip": made(result, source)},
    }
    return spread, keywords, "image"


def _largest(spread: Any, result: Result) -> float:
    """Give the largest value of planes that are restored; of many, some are looked at."""
    axes = result.axes.replace("S", "")
    restored = [] if result.coverage is None else [*result.coverage.indices("restored", axes)]
    planes = [np.asarray(spread[index]) for index in restored[:: len(restored) // 8 + 1]]
    return float(max((plane[np.isfinite(plane)].max(initial=0) for plane in planes), default=0))


def made(result: Result, source: LayerInput) -> dict[str, Any]:
    """Say how a layer was made and of what, as values that JSON can hold."""
    return {**result.provenance(), "input": source.origin}


def first_guess(source: LayerInput, problem: Problem, output: Output) -> LayerData:
    """Make the layer that a run begins with: empty, of the size of the result.

    Previews are written into its pixels.
    """
    factors = _factors(source.axes, problem.settings)
    in_planes = not problem.layout.is_section
    canvas = Canvas(problem, output) if in_planes else Upright(problem, output)
    return canvas, _keywords(source, problem.settings, factors), "image"


def moved(placement: dict[str, Any], start: NDArray[np.float64]) -> dict[str, Any]:
    """Place a part of a layer that begins at such a pixel."""
    return placement | {"translate": own_transform(placement)(start)}


def own_transform(placement: dict[str, Any]) -> Affine:
    """Give what a layer does to its pixels, before the affine that is laid over it."""
    return Affine(**{name: placement[name] for name in ("scale", "translate", "rotate", "shear")})


def _factors(axes: str, settings: Settings) -> tuple[int, ...]:
    return tuple(settings.factors.get(axis, 1) for axis in axes)


def result_name(source: LayerInput, settings: Settings) -> str:
    """Name the layer of a result."""
    done = {"denoise": "denoised", "inpaint": "inpainted"}
    along = " along Z" if settings.factors.get("Z", 1) > settings.factors["X"] else ""
    times = max(settings.factors.values())
    of = ", part" if source.part else ""
    return f"{source.name} ({done.get(settings.task.kind) or f'×{times}{along}'}{of})"


def _keywords(source: LayerInput, settings: Settings, factors: tuple[int, ...]) -> dict[str, Any]:
    spatial = factors[: len(factors) - source.rgb]
    return {
        "name": result_name(source, settings),
        "rgb": source.rgb,
        **source.look,
        **source.placement,
        **_refined(source.placement, np.array(spatial, float)),
    }


def _refined(
    placement: dict[str, Any], factors: NDArray[np.float64]
) -> dict[str, NDArray[np.float64]]:
    """Divide the scale, and move the origin so that each pixel's parts lie within it.

    With a factor f, pixel 0 of the result is centred (f - 1) / 2f input pixels before pixel 0 of
    the input. That step is taken along the layer's own, perhaps rotated and sheared, axes.
    """
    step = moved(placement, (1 - factors) / (2 * factors))
    return {"scale": placement["scale"] / factors, "translate": step["translate"]}
