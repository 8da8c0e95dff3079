"""Which pixels of an image a mask layer says are missing, whatever grid it was painted on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from napari.layers import Labels, Shapes

from napari_dip.errors import BadMask
from napari_dip.image.observed import affected_planes
from napari_dip.plugin.models.mask_pixels import drawn_pixels, finest, marked_pixels, nothing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.layers import Image, Layer
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["Marking", "Mask", "Missing", "has_more_planes", "plane_at"]

_QUICK = 2**24
"""Pixels of a mask that are looked at while somebody waits."""


class Missing(NamedTuple):
    """What is missing of an image, and what must be said of how it was told.

    ``pixels`` has the image's shape without its colour axis, or only the last axes of it where
    all leading ones are alike, or where but one plane of them is meant.
    """

    pixels: NDArray[np.bool_]
    note: str = ""


@dataclass(frozen=True, eq=False)
class Mask:
    """A layer in which pixels are marked, and what that means.

    Attributes
    ----------
    layer
        A Labels layer that was painted, a Shapes layer, or an Image layer, cut at half of its
        grey levels. With fewer dimensions than the image it holds for every plane.
    label
        Of a Labels layer, the label that counts; ``None`` is any but 0.
    marks
        What the marked pixels are.
    plane
        Numbers along the axes that the image has and the layer has not: the one plane that the
        mask holds for; ``None`` is every plane.

    Notes
    -----
    The axes of the layer are the last ones of the image. Where the axis labels of both layers name
    them otherwise, the labels count: a mask z, y, x holds for every channel of an image z, c, y, x.
    """

    layer: Labels | Shapes | Image
    label: int | None = None
    marks: Literal["missing", "known"] = "missing"
    plane: tuple[int, ...] | None = None

    def check(self) -> None:
        """Make sure that something is marked, if the layer is small enough to tell at once.

        Raises
        ------
        BadMask
            If nothing is.
        """
        if isinstance(self.layer, Shapes):
            if not len(self.layer.data):
                raise nothing(self.layer, None)
        elif isinstance(self.layer, Labels):
            labels = finest(self.layer)
            if isinstance(labels, np.ndarray) and labels.size <= _QUICK:
                marked_pixels(self.layer, self.label)

    def over(self, image: Image) -> NDArray[np.bool_]:
        """Tell what is missing of an image, in every plane.

        Raises
        ------
        BadMask
            As :meth:`missing`.
        """
        missing = self.missing(image).pixels
        if self.plane is None:
            return missing
        shape = np.shape(finest(image))[: image.ndim]
        numbers = dict(zip(_other_axes(image, self.layer), self.plane, strict=True))
        index = tuple(numbers.get(axis, slice(None)) for axis in range(image.ndim))
        whole = np.zeros(shape, bool)
        whole[index] = np.broadcast_to(missing, shape)[index]
        return whole

    def missing(self, image: Image) -> Missing:
        """Carry what is marked over to the pixels of an image.

        Both are looked at in world coordinates, and each pixel of the image takes the pixel of
        the mask that is nearest to its centre, or lies in a shape with it; beside a Labels or
        Image layer nothing is missing.

        Raises
        ------
        BadMask
            If nothing is marked, if it lies beside the image, or if it hides the whole image.
        """
        name, ndim = self.layer.name, self.layer.ndim
        if ndim > image.ndim:
            raise BadMask(
                f"The mask '{name}' has {ndim} dimensions but '{image.name}' only "
                f"{image.ndim}: paint the mask in a layer made for this image."
            )
        shape = np.shape(finest(image))[: image.ndim]
        axes = _common_axes(image, self.layer)
        matrix, offset = _image_to_mask(image, self.layer, axes)
        if isinstance(self.layer, Shapes):
            self.check()
            inverse = np.linalg.inv(matrix[:, axes])
            there = tuple(shape[axis] for axis in axes)
            drawn = drawn_pixels(self.layer, lambda p: (p - offset) @ inverse.T, there)
            drawn = _spread(drawn, axes, shape)
            pixels, note = drawn if self.marks == "missing" else ~drawn, ""
        else:
            marked, note = marked_pixels(self.layer, self.label)
            pixels = marked if self.marks == "missing" else ~marked
            if not pixels.any():
                raise BadMask(
                    f"All of '{name}' is painted, and 'painted are' says known: nothing is "
                    "missing; choose 'missing' there."
                )
            theirs = pixels.shape
            pixels = _nearest(pixels, matrix, offset, shape)
            if theirs != tuple(shape[axis] for axis in axes) and _same_pixels(matrix, axes):
                note = f"{note} {_unlike(name, theirs, [shape[axis] for axis in axes])}".strip()
        if not pixels.any():
            raise BadMask(
                f"What is painted in '{name}' does not overlap '{image.name}': move the mask "
                "onto the image, or make the scale and translate of the two layers agree."
            )
        if pixels.all():
            raise BadMask(
                f"The mask '{name}' hides the whole of '{image.name}': only the missing parts "
                "are to be painted, the rest is what the restoration learns from. If painted "
                "means known, say so under 'painted are'."
            )
        return Missing(pixels, note)

    def in_words(self, image: Image) -> str:
        """Say how much is missing.

        Raises
        ------
        BadMask
            As :meth:`missing`.
        """
        pixels, note = self.missing(image)
        where = " of this plane" if self.plane is not None else ""
        part = f"{100 * pixels.mean():.3g} % of the pixels{where}"
        return f"{part} are missing{affected_planes(pixels)}. {note}".strip()


@dataclass(frozen=True, eq=False)
class Marking:
    """What a layer marks in any image, as the controls say it.

    Attributes
    ----------
    layer, label, marks
        As of :class:`Mask`.
    point
        A point in the world: the mask holds for the plane through it alone. ``None`` is every
        plane.
    """

    layer: Labels | Shapes | Image
    label: int | None = None
    marks: Literal["missing", "known"] = "missing"
    point: tuple[float, ...] | None = None

    def __call__(self, image: Image) -> Mask:
        """Give the mask of an image."""
        this = self.point is not None and has_more_planes(image, self.layer)
        plane = plane_at(self.point or (), image, _other_axes(image, self.layer)) if this else None
        return Mask(self.layer, label=self.label, marks=self.marks, plane=plane)


def has_more_planes(image: Image, mask: Layer) -> bool:
    """Whether an image has several planes for one of a mask."""
    shape = np.shape(finest(image))
    return max((shape[axis] for axis in _other_axes(image, mask)), default=1) > 1


def plane_at(point: Sequence[float], image: Image, axes: Sequence[int]) -> tuple[int, ...]:
    """Give the numbers, along some axes of an image, of the plane through a point in the world."""
    place = image.world_to_data(point[-image.ndim :])[list(axes)]
    last = np.array([np.shape(finest(image))[axis] for axis in axes]) - 1
    return tuple(int(number) for number in np.rint(place).clip(0, last))


def _common_axes(image: Image, mask: Layer) -> list[int]:
    """Tell which axis of an image each axis of a mask is."""
    theirs = [str(label).lower() for label in mask.axis_labels]
    ours = [str(label).lower() for label in image.axis_labels]
    # napari's own labels count from the end, so that they name the last axes.
    if len(set(ours)) == len(ours) and len(set(theirs)) == len(theirs) and set(theirs) <= set(ours):
        return [ours.index(label) for label in theirs]
    return [*range(image.ndim - mask.ndim, image.ndim)]


def _other_axes(image: Image, mask: Layer) -> list[int]:
    """List the axes that an image has and a mask has not."""
    if mask.ndim > image.ndim:
        return []
    common = _common_axes(image, mask)
    return [axis for axis in range(image.ndim) if axis not in common]


def _spread(drawn: NDArray[np.bool_], axes: list[int], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Spread a mask over an image, without the leading axes along which it does not change."""
    ordered = drawn.transpose(np.argsort(axes))
    whole = ordered[tuple(slice(None) if axis in axes else None for axis in range(len(shape)))]
    leading = min(axes)
    return np.broadcast_to(whole.reshape(whole.shape[leading:]), shape[leading:])


def _image_to_mask(image: Image, mask: Any, axes: list[int]) -> tuple[Floats, Floats]:
    """Return the matrix (mask axes × image axes) and the offset from image to mask pixels."""
    units = [_ratio(image.units[axis], ours) for axis, ours in zip(axes, mask.units, strict=True)]

    def carried(point: Floats) -> Floats:
        world = np.asarray(image.data_to_world(point))[axes]
        return np.asarray(mask.world_to_data(world * units))

    # The map is affine, so its images of the origin and of the unit vectors say everything.
    offset = carried(np.zeros(image.ndim))
    columns = [carried(axis) - offset for axis in np.eye(image.ndim)]
    matrix = np.stack(columns, axis=1)
    matrix[np.abs(matrix) < 1e-9] = 0.0
    return matrix, offset


def _ratio(theirs: Any, ours: Any) -> float:
    """How many of the mask's units one unit of the image is; 1 where they do not compare."""
    if theirs == ours or not theirs.is_compatible_with(ours):
        return 1.0
    return float((1 * theirs).to(ours).magnitude)


def _same_pixels(matrix: Floats, axes: list[int]) -> bool:
    """Whether the pixels of a mask are as large as those of an image, and lie along them."""
    return bool(np.allclose(matrix[:, axes], np.eye(len(axes))))


def _unlike(name: str, mask: Sequence[int], image: Sequence[int]) -> str:
    """Say that a mask has another shape, as one that was made for another image has."""
    theirs, ours = (" × ".join(map(str, shape)) for shape in (mask, image))
    return (
        f"'{name}' has {theirs} pixels and the image {ours}: they are matched by the place of "
        "their layers."
    )


def _nearest(
    painted: NDArray[np.bool_], matrix: Floats, offset: Floats, shape: tuple[int, ...]
) -> NDArray[np.bool_]:
    """Look up the mask's pixel nearest to every image pixel.

    The grids stay open: an image axis on which the mask does not depend has length 1 until the
    end, so that a stack with one mask for all planes costs one plane.
    """
    grids = np.ogrid[tuple(slice(size) for size in shape)]
    inside: NDArray[np.bool_] = np.ones((1,) * len(shape), bool)
    indices = []
    for size, row, start in zip(painted.shape, matrix, offset, strict=True):
        steps = (step * grid for step, grid in zip(row, grids, strict=True) if step)
        position = sum(steps, np.full(inside.ndim * (1,), start))
        index = np.floor(position + 0.5).astype(np.intp)
        inside = inside & (index >= 0) & (index < size)
        indices.append(index.clip(0, size - 1))
    missing = painted[tuple(indices)] & inside
    wide = (axis for axis, size in enumerate(missing.shape) if size > 1)
    leading = min(next(wide, 0), len(shape) - 2)
    return np.broadcast_to(missing.reshape(missing.shape[leading:]), shape[leading:])
