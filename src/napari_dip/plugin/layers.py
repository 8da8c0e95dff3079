"""Layers in, layers out: what a napari layer says about its pixels, kept for the result."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image, Labels
from napari.utils.transforms import Affine
from pint import DimensionalityError

from napari_dip.errors import BadImage
from napari_dip.plugin.axisnames import axes_of
from napari_dip.plugin.canvas import Canvas
from napari_dip.plugin.marked import finest
from napari_dip.plugin.recall import origin
from napari_dip.plugin.upright import Upright

if TYPE_CHECKING:
    from napari.layers import Layer
    from numpy.typing import NDArray

    from napari_dip.image.problem import Problem
    from napari_dip.image.restore import Result
    from napari_dip.image.sink import Output
    from napari_dip.plugin.masks import Mask
    from napari_dip.settings import Settings
    from napari_dip.settings.voxel import Voxel

    LayerData = tuple[Any, dict[str, Any], str]

__all__ = [
    "LayerInput",
    "first_guess",
    "made",
    "matched",
    "moved",
    "own_transform",
    "read_layer",
    "result_name",
    "to_layer_data",
    "to_uncertainty_data",
]

_LOOK = (
    "colormap",
    "contrast_limits",
    "gamma",
    "blending",
    "opacity",
    "interpolation2d",
    "interpolation3d",
    "rendering",
    "attenuation",
    "iso_threshold",
    "depiction",
    "projection_mode",
)


@dataclass(frozen=True, eq=False)
class LayerInput:
    """An Image layer as it was when the run began; later changes of the layer do not reach it.

    Attributes
    ----------
    data
        The pixels at full resolution as the layer holds them, which are read part by part.
    axes
        One letter for each axis of ``data``, ``"S"`` for the colours.
    rgb
        Whether the last axis of ``data`` holds colours.
    name
        The layer's name.
    mask
        True where a pixel is missing; ``None`` where nothing is.
    placement
        Where the pixels lie in the world: scale, translate, rotate, shear, affine, units and
        axis labels.
    look
        How the layer is drawn: colormap, contrast limits and the like.
    path
        The file that the layer was read from, if napari knows it.
    hidden_by
        The layer of the mask, its file if napari knows it, and what of it marks what.
    part
        What is restored of the layer, where that is not all of it.
    mask_files
        Files and folders that the layer of the mask reads from, as far as that is known.
    """

    data: Any
    axes: str
    rgb: bool
    name: str
    mask: NDArray[np.bool_] | None
    placement: dict[str, Any]
    look: dict[str, Any]
    path: Path | None = None
    hidden_by: dict[str, Any] | None = None
    part: tuple[slice, ...] = ()
    mask_files: tuple[Path, ...] = ()

    @property
    def whole_mask(self) -> NDArray[np.bool_] | None:
        """The mask with the axes of ``data`` but for the colours, some of length 1."""
        if self.mask is None:
            return None
        lacking = len(self.axes) - self.rgb - self.mask.ndim
        return self.mask[(np.newaxis,) * lacking]

    @cached_property
    def origin(self) -> dict[str, Any]:
        """Where the pixels and the mask came from, as values that JSON can hold."""
        return origin(self)

    @cached_property
    def voxel(self) -> Voxel | None:
        """The distances of the pixels along Z, Y and X, in one unit; ``None`` if nobody said."""
        sizes = dict(zip(self.axes, self.placement["scale"], strict=False))
        units = dict(zip(self.axes, self.placement["units"], strict=False))
        if "Z" not in sizes or all(sizes[axis] == 1 for axis in "ZYX"):
            return None  # napari gives a layer that nobody has scaled pixels of 1
        try:
            z, y, x = (abs((sizes[axis] * units[axis]).to(units["X"]).m) for axis in "ZYX")
        except DimensionalityError:
            return None
        return float(z), float(y), float(x)


def read_layer(layer: Layer, mask: Mask | None = None) -> LayerInput:
    """Take from a layer all that a restoration and its result need.

    Parameters
    ----------
    layer
        The Image layer to restore; of a multiscale one the full resolution is taken.
    mask
        A layer in which is marked what is missing.

    Raises
    ------
    BadImage
        If the layer is no Image layer, or planes are missing in the file that it was read from.
    BadMask
        If the mask has nothing painted, misses the image or hides all of it.
    """
    if not isinstance(layer, Image):
        raise BadImage(
            f"'{layer.name}' is a {type(layer).__name__} layer: choose an Image layer, or turn "
            "it into one (right-click it in the layer list)."
        )
    if layer.source.path and (reason := _missing_in(Path(layer.source.path))):
        raise BadImage(f"'{layer.name}' has black planes in place of missing ones: {reason}.")
    data = finest(layer)
    return LayerInput(
        data=data,
        axes=axes_of(layer, data.shape),
        rgb=bool(layer.rgb),
        name=layer.name,
        mask=None if mask is None else mask.over(layer),
        placement={
            "scale": np.array(layer.scale),
            "translate": np.array(layer.translate),
            "rotate": np.array(layer.rotate),
            "shear": np.array(layer.shear),
            "affine": np.array(layer.affine.affine_matrix),
            "units": tuple(layer.units),
            "axis_labels": tuple(layer.axis_labels),
        },
        look={name: getattr(layer, name) for name in _LOOK},
        path=Path(layer.source.path) if layer.source.path else None,
        hidden_by=None if mask is None else _named(mask),
        mask_files=() if mask is None else _files_of_mask(mask),
    )


def _missing_in(path: Path) -> str:
    """Say which planes of a file are missing; it is opened again only if something has changed."""
    try:
        changed = path.stat().st_mtime_ns, path.parent.stat().st_mtime_ns
    except OSError:
        return ""
    return _missing_as_of(path, changed)


@lru_cache(maxsize=64)
def _missing_as_of(path: Path, _changed: tuple[int, int]) -> str:
    from napari_dip.files.tiff_header import missing_planes

    return missing_planes(path)


def matched(source: LayerInput, settings: Settings) -> tuple[LayerInput, Settings]:
    """Have the settings say what the layer's axes and voxels are.

    Its one axis of unknown meaning is taken for Z where Z is asked for: napari seldom names it.
    """
    unnamed = source.axes.count("Q") == 1 and "Z" not in source.axes
    if "Z" in settings.spatial and unnamed:
        source = replace(source, axes=source.axes.replace("Q", "Z"))
    return source, settings.replace(axes=source.axes).with_voxel(source.voxel)


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
    in_planes = "Y" in problem.layout.spatial
    canvas = Canvas(problem, output) if in_planes else Upright(problem, output)
    return canvas, _keywords(source, problem.settings, factors), "image"


def _files_of_mask(mask: Mask) -> tuple[Path, ...]:
    from napari_dip.files.file_conflicts import files_behind

    painted = isinstance(mask.layer, Image | Labels)
    return tuple(files_behind(finest(mask.layer))) if painted else ()


def _named(mask: Mask) -> dict[str, Any]:
    path = mask.layer.source.path
    where = str(Path(path).absolute()) if path else None
    said = {"label": mask.label, "marks": mask.marks, "plane": mask.plane}
    return {"layer": mask.layer.name, "path": where, **said}


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
