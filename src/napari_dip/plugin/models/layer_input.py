"""Read an Image layer: its pixels, axes, placement and missing pixels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakSet, ref

import numpy as np
from napari.layers import Image, Labels
from pint import DimensionalityError

from napari_dip.errors import BadImage, BadSettings
from napari_dip.image.pixel_digest import pixel_digest
from napari_dip.plaintext import as_utf8
from napari_dip.plugin.models.axis_labels import axes_of
from napari_dip.plugin.models.layer_file import FILE, channels_of
from napari_dip.plugin.models.mask_pixels import finest

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.layers import Layer
    from numpy.typing import NDArray

    from napari_dip.image.metadata import Channel
    from napari_dip.plugin.models.bead import Bead
    from napari_dip.plugin.models.mask_layers import Mask
    from napari_dip.settings import Settings
    from napari_dip.settings.voxel import Voxel

__all__ = [
    "LayerInput",
    "is_unfinished",
    "match_settings",
    "read_layer",
    "unfinished_layers",
]

unfinished_layers: WeakSet[Layer] = WeakSet()  # layers of runs that have not ended

DISPLAY_ATTRIBUTES = (
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


def _no_layer() -> None:
    return None


@dataclass(frozen=True, eq=False)
class LayerInput:
    """An Image layer as it is when a run starts; later changes of the layer have no effect.

    Attributes
    ----------
    data
        The pixels at full resolution, as the layer holds them; they may be lazy.
    axes
        One letter for each axis of ``data``, ``"S"`` for colours.
    rgb
        Whether the last axis of ``data`` holds colours.
    name
        The name of the layer.
    mask
        True where a pixel is missing; ``None`` where no pixel is.
    placement
        Position in world coordinates: scale, translate, rotate, shear, affine, units and axis
        labels.
    display
        How the layer is drawn: colormap, contrast limits and the like.
    path
        The file that the layer was read from, if napari knows it.
    mask_record
        The mask layer, its file if napari knows it, and the meaning of its marked pixels.
    part
        The part of the layer to restore; empty for all of it.
    mask_files
        Files and folders that the mask layer reads from, as far as they are known.
    layer
        Returns the layer, or ``None`` once it is gone.
    channels
        Names and colours of the channels; empty if they are not known.
    bead
        The image of a bead whose blur the image has; ``None`` without one.
    file
        The file of the layer and the number of the image in it, if a panel opened it.
    """

    data: Any
    axes: str
    rgb: bool
    name: str
    mask: NDArray[np.bool_] | None
    placement: dict[str, Any]
    display: dict[str, Any]
    path: Path | None = None
    mask_record: dict[str, Any] | None = None
    part: tuple[slice, ...] = ()
    mask_files: tuple[Path, ...] = ()
    layer: Callable[[], Image | None] = _no_layer
    channels: tuple[Channel, ...] = ()
    bead: Bead | None = None
    file: dict[str, Any] | None = None

    @property
    def whole_mask(self) -> NDArray[np.bool_] | None:
        """The mask with all axes of ``data`` except colours; some have length 1."""
        if self.mask is None:
            return None
        lacking = len(self.axes) - self.rgb - self.mask.ndim
        return self.mask[(np.newaxis,) * lacking]

    @cached_property
    def origin(self) -> dict[str, Any]:
        """Where the pixels, the mask and the bead came from, as JSON values."""
        record: dict[str, Any] = {
            "layer": self.name,
            "path": None if self.path is None else as_utf8(self.path.absolute()),
            "part": [[part.start, part.stop] for part in self.part],
        }
        if self.mask is not None and self.mask_record is not None:
            record["mask"] = {
                **self.mask_record,
                "ndim": self.mask.ndim,
                "pixels": pixel_digest(self.mask, self.axes.replace("S", "")[-self.mask.ndim :]),
            }
        if self.bead is not None:
            record["bead"] = self.bead.record
        return record

    @cached_property
    def voxel(self) -> Voxel | None:
        """Spacing of the pixels along Z, Y and X, in one unit; ``None`` if it is not known."""
        sizes = dict(zip(self.axes, self.placement["scale"], strict=False))
        units = dict(zip(self.axes, self.placement["units"], strict=False))
        if "Z" not in sizes or all(
            sizes[axis] == 1 and str(units[axis]) == "pixel" for axis in "ZYX"
        ):
            return None  # napari's default is a scale of 1 pixel
        try:
            z, y, x = (abs((sizes[axis] * units[axis]).to(units["X"]).m) for axis in "ZYX")
        except DimensionalityError:
            return None
        return float(z), float(y), float(x)


def read_layer(layer: Layer, mask: Mask | None = None) -> LayerInput:
    """Read everything from a layer that a restoration and its result need.

    Parameters
    ----------
    layer
        The Image layer to restore; of a multiscale layer, the full resolution is read.
    mask
        The mask of missing pixels.

    Raises
    ------
    BadImage
        If the layer is not an Image layer, or planes are missing in its file.
    BadMask
        If no pixel is marked, the mask does not overlap the image, or it covers all of it.
    """
    if not isinstance(layer, Image):
        raise BadImage(
            f"'{layer.name}' is a {type(layer).__name__} layer: choose an Image layer, or convert "
            "it to one (right-click it in the layer list)."
        )
    if layer.source.path and (reason := _missing_planes(Path(layer.source.path))):
        raise BadImage(f"'{layer.name}' shows missing planes as black: {reason}.")
    data = finest(layer)
    axes = axes_of(layer, data.shape)
    return LayerInput(
        data=data,
        axes=axes,
        rgb=bool(layer.rgb),
        name=layer.name,
        mask=None if mask is None else mask.for_all_planes(layer),
        placement={
            "scale": np.array(layer.scale),
            "translate": np.array(layer.translate),
            "rotate": np.array(layer.rotate),
            "shear": np.array(layer.shear),
            "affine": np.array(layer.affine.affine_matrix),
            "units": tuple(layer.units),
            "axis_labels": tuple(layer.axis_labels),
        },
        display={name: getattr(layer, name) for name in DISPLAY_ATTRIBUTES},
        path=Path(layer.source.path) if layer.source.path else None,
        mask_record=None if mask is None else _record_of_mask(mask),
        mask_files=() if mask is None else _files_of_mask(mask),
        layer=ref(layer),
        channels=channels_of(layer, axes),
        file=layer.metadata.get(FILE),
    )


def match_settings(source: LayerInput, settings: Settings) -> tuple[LayerInput, Settings]:
    """Add the axes and the voxel spacing of a layer to the settings.

    Where the settings need Z and the layer does not name it, its one axis of unknown meaning is Z:
    napari seldom names it.

    Raises
    ------
    BadImage
        If the settings need Z, and the image has several axes that it could be, or none.
    BadSettings
        If the voxels are to become cubes, and their size is not known.
    """
    unnamed = source.axes.count("Q") == 1 and "Z" not in source.axes
    if "Z" in settings.spatial and unnamed:
        source = replace(source, axes=source.axes.replace("Q", "Z"))
    if "Z" in settings.spatial and "Z" not in source.axes:
        raise BadImage(
            f"'{source.name}' has no axis Z: its axes are {source.axes.replace('Q', '?')}. Name Z "
            "under Axes, or choose Y and X."
        )
    settings = settings.replace(axes=source.axes).with_voxel(source.voxel)
    if settings.voxel is None:
        try:
            _ = settings.factors
        except BadSettings:
            raise BadSettings(
                f"The voxel size of '{source.name}' is not known, and cubes need it: type it under "
                "Axes, or choose Z and a factor."
            ) from None
    return source, settings


def is_unfinished(layer: Layer) -> bool:
    """Return whether the layer shows a run that has not ended."""
    return layer in unfinished_layers


def _missing_planes(path: Path) -> str:
    """Name the missing planes of a file; it is read again only after a change."""
    try:
        changed = path.stat().st_mtime_ns, path.parent.stat().st_mtime_ns
    except OSError:
        return ""
    return _missing_planes_cached(path, changed)


@lru_cache(maxsize=64)
def _missing_planes_cached(path: Path, _changed: tuple[int, int]) -> str:
    from napari_dip.files.tiff_header import missing_planes

    return missing_planes(path)


def _files_of_mask(mask: Mask) -> tuple[Path, ...]:
    from napari_dip.files.file_conflicts import files_behind

    has_pixels = isinstance(mask.layer, Image | Labels)
    return tuple(files_behind(finest(mask.layer))) if has_pixels else ()


def _record_of_mask(mask: Mask) -> dict[str, Any]:
    path = mask.layer.source.path
    absolute = as_utf8(Path(path).absolute()) if path else None
    meaning = {"label": mask.label, "marks": mask.marks, "plane": mask.plane}
    return {"layer": mask.layer.name, "path": absolute, **meaning}
