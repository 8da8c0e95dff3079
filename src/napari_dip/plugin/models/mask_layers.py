"""Map the marked pixels of a mask layer to the pixels of an image, whatever their grids."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from napari.layers import Labels, Shapes

from napari_dip.errors import BadMask
from napari_dip.image.observed import affected_planes
from napari_dip.plugin.models.mask_pixels import (
    finest,
    marked_pixels,
    nothing_marked,
    shape_pixels,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.layers import Image, Layer
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["Mask", "MaskSource", "Missing", "has_more_planes", "plane_at"]

MAX_CHECKED_PIXELS = 2**24  # pixels: the check runs in the main thread, so it must be fast


class Missing(NamedTuple):
    """Missing pixels of an image, and a note for the user on how they were found.

    ``pixels`` has the shape of the image without its colour axis. Leading axes are left out where
    all of their planes have the same mask, or where the mask applies to one plane only.
    """

    pixels: NDArray[np.bool_]
    note: str = ""


@dataclass(frozen=True, eq=False)
class Mask:
    """A mask layer, and the meaning of its marked pixels.

    Attributes
    ----------
    layer
        A Labels layer, a Shapes layer, or an Image layer that is thresholded at half of its grey
        levels. A layer with fewer dimensions than the image applies to every plane.
    label
        The label that counts in a Labels layer; ``None`` is any label except 0.
    marks
        Whether marked pixels are missing or known.
    plane
        Indices along the axes that only the image has: the one plane to which the mask applies;
        ``None`` is every plane.

    Notes
    -----
    The axes of the layer are the last axes of the image, unless the axis labels of both layers
    name them: a mask z, y, x applies to every channel of an image z, c, y, x.
    """

    layer: Labels | Shapes | Image
    label: int | None = None
    marks: Literal["missing", "known"] = "missing"
    plane: tuple[int, ...] | None = None

    def check(self) -> None:
        """Check that something is marked, if the layer is small enough to check quickly.

        Raises
        ------
        BadMask
            If nothing is marked.
        """
        if isinstance(self.layer, Shapes):
            if not len(self.layer.data):
                raise nothing_marked(self.layer, None)
        elif isinstance(self.layer, Labels):
            labels = finest(self.layer)
            if isinstance(labels, np.ndarray) and labels.size <= MAX_CHECKED_PIXELS:
                marked_pixels(self.layer, self.label)

    def for_all_planes(self, image: Image) -> NDArray[np.bool_]:
        """Return the missing pixels of an image, in every plane.

        Raises
        ------
        BadMask
            As :meth:`project`.
        """
        missing = self.project(image).pixels
        if self.plane is None:
            return missing
        shape = np.shape(finest(image))[: image.ndim]
        numbers = dict(zip(_other_axes(image, self.layer), self.plane, strict=True))
        index = tuple(numbers.get(axis, slice(None)) for axis in range(image.ndim))
        whole = np.zeros(shape, bool)
        whole[index] = np.broadcast_to(missing, shape)[index]
        return whole

    def project(self, image: Image) -> Missing:
        """Resample the mask on the pixels of an image, in world coordinates.

        Each pixel of the image takes the value of the nearest pixel of a Labels or Image layer, or
        tests whether its centre lies in a shape. Outside the mask layer, nothing is missing.

        Raises
        ------
        BadMask
            If nothing is marked, the marked pixels lie outside the image, or all of it is missing.
        """
        name, ndim = self.layer.name, self.layer.ndim
        if ndim > image.ndim:
            raise BadMask(
                f"The mask '{name}' has {ndim} dimensions and '{image.name}' only "
                f"{image.ndim}: paint the mask in a layer made for this image."
            )
        shape = np.shape(finest(image))[: image.ndim]
        axes = _common_axes(image, self.layer)
        matrix, offset = _image_to_mask(image, self.layer, axes)
        if isinstance(self.layer, Shapes):
            self.check()
            inverse = np.linalg.inv(matrix[:, axes])
            raster_shape = tuple(shape[axis] for axis in axes)
            drawn = shape_pixels(self.layer, lambda p: (p - offset) @ inverse.T, raster_shape)
            drawn = _broadcast(drawn, axes, shape)
            pixels, note = drawn if self.marks == "missing" else ~drawn, ""
        else:
            marked, note = marked_pixels(self.layer, self.label)
            pixels = marked if self.marks == "missing" else ~marked
            if not pixels.any():
                raise BadMask(
                    f"All of '{name}' is painted, and painted pixels are known: no pixel is left "
                    "to fill. Set 'Painted pixels' to 'to fill'."
                )
            mask_shape = pixels.shape
            pixels = _nearest(pixels, matrix, offset, shape)
            image_shape = [shape[axis] for axis in axes]
            if list(mask_shape) != image_shape and _same_pixel_size(matrix, axes):
                note = f"{note} {_shape_note(name, mask_shape, image_shape)}".strip()
        if not pixels.any():
            raise BadMask(
                f"The painted pixels of '{name}' do not overlap '{image.name}': move the mask onto "
                "the image, or give both layers the same scale and translate."
            )
        if pixels.all():
            raise BadMask(
                f"The mask '{name}' covers all of '{image.name}': paint only the pixels to fill. "
                "If painted pixels are the known ones, set 'Painted pixels' to 'known'."
            )
        return Missing(pixels, note)

    def describe(self, image: Image) -> str:
        """Say which part of the pixels is missing.

        Raises
        ------
        BadMask
            As :meth:`project`.
        """
        pixels, note = self.project(image)
        where = " of this plane" if self.plane is not None else ""
        part = f"{100 * pixels.mean():.3g} % of the pixels{where}"
        return f"{part} are missing{affected_planes(pixels)}. {note}".strip()


@dataclass(frozen=True, eq=False)
class MaskSource:
    """The mask layer that the controls choose, for any image.

    Attributes
    ----------
    layer, label, marks
        As in :class:`Mask`.
    point
        A point in world coordinates: the mask applies only to the plane through it. ``None`` is
        every plane.
    """

    layer: Labels | Shapes | Image
    label: int | None = None
    marks: Literal["missing", "known"] = "missing"
    point: tuple[float, ...] | None = None

    def mask_for(self, image: Image) -> Mask:
        """Return the mask of an image."""
        one_plane = self.point is not None and has_more_planes(image, self.layer)
        axes = _other_axes(image, self.layer)
        plane = plane_at(self.point or (), image, axes) if one_plane else None
        return Mask(self.layer, label=self.label, marks=self.marks, plane=plane)


def has_more_planes(image: Image, mask: Layer) -> bool:
    """Return whether an image has several planes for one plane of a mask."""
    shape = np.shape(finest(image))
    return max((shape[axis] for axis in _other_axes(image, mask)), default=1) > 1


def plane_at(point: Sequence[float], image: Image, axes: Sequence[int]) -> tuple[int, ...]:
    """Return the indices, along some axes of an image, of the plane through a world point."""
    position = image.world_to_data(point[-image.ndim :])[list(axes)]
    last = np.array([np.shape(finest(image))[axis] for axis in axes]) - 1
    return tuple(int(number) for number in np.rint(position).clip(0, last))


def _common_axes(image: Image, mask: Layer) -> list[int]:
    """Return the axis of an image that corresponds to each axis of a mask."""
    theirs = [str(label).lower() for label in mask.axis_labels]
    ours = [str(label).lower() for label in image.axis_labels]
    # napari's default labels count from the last axis, so they match the last axes.
    if len(set(ours)) == len(ours) and len(set(theirs)) == len(theirs) and set(theirs) <= set(ours):
        return [ours.index(label) for label in theirs]
    return [*range(image.ndim - mask.ndim, image.ndim)]


def _other_axes(image: Image, mask: Layer) -> list[int]:
    """Return the axes of an image that a mask does not have."""
    if mask.ndim > image.ndim:
        return []
    common = _common_axes(image, mask)
    return [axis for axis in range(image.ndim) if axis not in common]


def _broadcast(
    raster: NDArray[np.bool_], axes: list[int], shape: tuple[int, ...]
) -> NDArray[np.bool_]:
    """Broadcast a mask to an image, without the leading axes along which it is constant."""
    ordered = raster.transpose(np.argsort(axes))
    whole = ordered[tuple(slice(None) if axis in axes else None for axis in range(len(shape)))]
    leading = min(axes)
    return np.broadcast_to(whole.reshape(whole.shape[leading:]), shape[leading:])


def _image_to_mask(image: Image, mask: Any, axes: list[int]) -> tuple[Floats, Floats]:
    """Return the matrix (mask axes × image axes) and the offset from image to mask pixels."""
    units = [
        _unit_ratio(image.units[axis], ours) for axis, ours in zip(axes, mask.units, strict=True)
    ]

    def to_mask(point: Floats) -> Floats:
        world = np.asarray(image.data_to_world(point))[axes]
        return np.asarray(mask.world_to_data(world * units))

    # The map is affine: the origin and the unit vectors define it.
    offset = to_mask(np.zeros(image.ndim))
    columns = [to_mask(axis) - offset for axis in np.eye(image.ndim)]
    matrix = np.stack(columns, axis=1)
    matrix[np.abs(matrix) < 1e-9] = 0.0
    return matrix, offset


def _unit_ratio(image_unit: Any, mask_unit: Any) -> float:
    """Return how many mask units one image unit is; 1 where the units are not comparable."""
    if image_unit == mask_unit or not image_unit.is_compatible_with(mask_unit):
        return 1.0
    return float((1 * image_unit).to(mask_unit).magnitude)


def _same_pixel_size(matrix: Floats, axes: list[int]) -> bool:
    """Return whether mask and image pixels have the same size and orientation."""
    return bool(np.allclose(matrix[:, axes], np.eye(len(axes))))


def _shape_note(name: str, mask: Sequence[int], image: Sequence[int]) -> str:
    """Say that mask and image differ in shape, as with a mask made for another image."""
    theirs, ours = (" × ".join(map(str, shape)) for shape in (mask, image))
    return (
        f"'{name}' has {theirs} pixels and the image {ours}: they are matched by their world "
        "coordinates."
    )


def _nearest(
    marked: NDArray[np.bool_], matrix: Floats, offset: Floats, shape: tuple[int, ...]
) -> NDArray[np.bool_]:
    """Look up the mask pixel that is nearest to each image pixel.

    Image axes on which the mask does not depend have length 1 until the end, so a stack with one
    mask for all planes costs as much as one plane.
    """
    grids = np.ogrid[tuple(slice(size) for size in shape)]
    inside: NDArray[np.bool_] = np.ones((1,) * len(shape), bool)
    indices = []
    for size, row, start in zip(marked.shape, matrix, offset, strict=True):
        steps = (step * grid for step, grid in zip(row, grids, strict=True) if step)
        position = sum(steps, np.full(inside.ndim * (1,), start))
        index = np.floor(position + 0.5).astype(np.intp)
        inside = inside & (index >= 0) & (index < size)
        indices.append(index.clip(0, size - 1))
    missing = marked[tuple(indices)] & inside
    wide = (axis for axis, size in enumerate(missing.shape) if size > 1)
    leading = min(next(wide, 0), len(shape) - 2)
    return np.broadcast_to(missing.reshape(missing.shape[leading:]), shape[leading:])
