"""Which axes a layer has, from its axis labels or else from its shape."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

import numpy as np
from napari.layers import Image, Labels
from pint import DimensionalityError

from napari_dip.errors import BadImage
from napari_dip.image.axes import SMALLEST_SIDE, guess_axes
from napari_dip.plugin.models.mask_pixels import finest

if TYPE_CHECKING:
    from napari.layers import Layer
    from numpy.typing import NDArray

    from napari_dip.plugin.models.masks import Mask
    from napari_dip.settings import Settings
    from napari_dip.settings.voxel import Voxel


__all__ = [
    "LayerInput",
    "axes_of",
    "is_unfinished",
    "matched",
    "origin",
    "read_layer",
    "refuse_colours",
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


def _files_of_mask(mask: Mask) -> tuple[Path, ...]:
    from napari_dip.files.file_conflicts import files_behind

    painted = isinstance(mask.layer, Image | Labels)
    return tuple(files_behind(finest(mask.layer))) if painted else ()


def _named(mask: Mask) -> dict[str, Any]:
    path = mask.layer.source.path
    where = str(Path(path).absolute()) if path else None
    said = {"label": mask.label, "marks": mask.marks, "plane": mask.plane}
    return {"layer": mask.layer.name, "path": where, **said}


_NAMES = {
    "t": "T",
    "time": "T",
    "frame": "T",
    "c": "C",
    "ch": "C",
    "channel": "C",
    "z": "Z",
    "depth": "Z",
    "y": "Y",
    "x": "X",
}


def axes_of(layer: Image, shape: tuple[int, ...]) -> str:
    """Give one letter for each axis.

    Parameters
    ----------
    layer
        Whose axis labels count where they name Y and X, and no known axis twice. An axis of
        another name is of unknown meaning.
    shape
        Of its pixels at full resolution.

    Examples
    --------
    >>> import numpy as np
    >>> from napari.layers import Image
    >>> stack = np.zeros((2, 3, 16, 16))
    >>> axes_of(Image(stack, axis_labels=("time", "z", "y", "x")), stack.shape)
    'TZYX'
    >>> axes_of(Image(stack), stack.shape)
    'QQYX'
    """
    letters = [_NAMES.get(str(label).strip().lower(), "Q") for label in layer.axis_labels]
    named = [letter for letter in letters if letter != "Q"]
    if {"Y", "X"} <= set(named) and len(named) == len(set(named)):
        return "".join(letters) + "S" * bool(layer.rgb)
    return guess_axes(shape, bool(layer.rgb))


def refuse_colours(layer: Image, axes: str, shape: tuple[int, ...]) -> None:
    """Say what to do about a layer whose last axis holds colours or channels, which it is not told.

    Raises
    ------
    BadImage
        If the last axis, which is taken for X, has as many pixels as colours have.
    """
    last = shape[-1]
    if axes.endswith("YX") and 1 < last < SMALLEST_SIDE <= min(shape[-3:-1], default=0):
        colours = "add it to the viewer with rgb=True, or " if last in (3, 4) else ""
        raise BadImage(
            f"The last axis of '{layer.name}' has {last} pixels, too few for an image. If it holds "
            f"colours or channels, {colours}name the axes in napari's console: "
            f"viewer.layers[{layer.name!r}].axis_labels = {tuple('tzyxc'[5 - len(shape) :])!r}."
        )


_QUICK = 2**24
"""Values of an image that are compared with its file while somebody waits."""


def origin(source: LayerInput) -> dict[str, Any]:
    """Say where the pixels and the mask came from, and enough of them to know them again."""
    came: dict[str, Any] = {
        "layer": source.name,
        "path": None if source.path is None else str(source.path.absolute()),
        "shape": list(source.data.shape),
        "dtype": str(source.data.dtype),
        "crc32": checksum(source.data),
        "part": [[part.start, part.stop] for part in source.part],
    }
    if source.mask is not None and source.hidden_by is not None:
        came["mask"] = {
            **source.hidden_by,
            "ndim": source.mask.ndim,
            "crc32": checksum(source.mask),
        }
    return came


def checksum(values: Any) -> int | None:
    """Sum up an array; one that is on the disk or large is not read for it."""
    if not isinstance(values, np.ndarray) or values.size > _QUICK:
        return None
    return zlib.crc32(np.ascontiguousarray(values).tobytes())


unfinished_layers: WeakSet[Layer] = WeakSet()


def is_unfinished(layer: Layer) -> bool:
    """Tell whether a run is still going on whose result the layer will show."""
    return layer in unfinished_layers
