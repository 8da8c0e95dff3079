"""Which pixels of an image a Labels layer marks as missing, whatever grid it was painted on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_dip.errors import BadMask

if TYPE_CHECKING:
    from napari.layers import Image, Labels
    from numpy.typing import NDArray

__all__ = ["check_painted", "missing_pixels"]

_QUICK = 2**24
"""Pixels of a mask that are looked at while somebody waits."""


def missing_pixels(mask: Labels, image: Image, label: int | None = None) -> NDArray[np.bool_]:
    """Carry what is painted in a Labels layer over to the pixels of an image.

    Both are looked at in world coordinates, and each pixel of the image takes the label nearest
    to its centre; outside the Labels layer nothing is missing.

    Parameters
    ----------
    mask
        The painted layer. With fewer dimensions than the image it holds for every plane.
    image
        The layer that is to be restored.
    label
        The label that means *missing*; ``None`` is any but 0.

    Returns
    -------
    NDArray[bool]
        True where a pixel is missing; the image's shape without its colour axis, or only the
        last axes of it where the mask is the same for all leading ones.

    Raises
    ------
    BadMask
        If nothing is painted, if it lies beside the image, or if it hides the whole image.
    """
    painted = _painted(mask, label)
    if painted.ndim > image.ndim:
        raise BadMask(
            f"The mask '{mask.name}' has {painted.ndim} dimensions but '{image.name}' only "
            f"{image.ndim}: paint the mask in a Labels layer made for this image."
        )
    shape = np.shape(_finest(image))[: image.ndim]
    missing = _nearest(painted, *_image_to_mask(image, mask, painted.ndim), shape)
    if not missing.any():
        raise BadMask(
            f"What is painted in '{mask.name}' does not overlap '{image.name}': move the mask "
            "onto the image, or make the scale and translate of the two layers agree."
        )
    if missing.all():
        raise BadMask(
            f"The mask '{mask.name}' hides the whole of '{image.name}': only the missing parts "
            "are to be painted, the rest is what the restoration learns from."
        )
    return missing


def check_painted(mask: Labels, label: int | None = None) -> None:
    """Make sure that something is painted, if the layer is small enough to tell at once.

    Raises
    ------
    BadMask
        If nothing is.
    """
    labels: Any = _finest(mask)
    if isinstance(labels, np.ndarray) and labels.size <= _QUICK:
        _painted(mask, label)


def _painted(mask: Labels, label: int | None) -> NDArray[np.bool_]:
    labels = np.asarray(_finest(mask))
    painted: NDArray[np.bool_] = labels != 0 if label is None else labels == label
    if painted.any():
        return painted
    what = "Nothing" if label is None else f"Label {label} is not"
    cure = "paint what is missing" if label is None else "paint with it, or choose another label"
    raise BadMask(f"{what} painted in '{mask.name}': {cure}.")


def _finest(layer: Image | Labels) -> NDArray[np.generic]:
    data: NDArray[np.generic] = layer.data[0] if layer.multiscale else layer.data
    return data


def _image_to_mask(
    image: Image, mask: Labels, ndim: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the matrix (mask axes × image axes) and the offset from image to mask pixels."""
    units = [
        _ratio(theirs, ours) for theirs, ours in zip(image.units[-ndim:], mask.units, strict=True)
    ]

    def carried(point: NDArray[np.float64]) -> NDArray[np.float64]:
        world = np.asarray(image.data_to_world(point))[-ndim:]
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


def _nearest(
    painted: NDArray[np.bool_],
    matrix: NDArray[np.float64],
    offset: NDArray[np.float64],
    shape: tuple[int, ...],
) -> NDArray[np.bool_]:
    """Look up the label nearest to every image pixel.

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
    leading = next((axis for axis, size in enumerate(missing.shape) if size > 1), 0)
    return np.broadcast_to(missing.reshape(missing.shape[leading:]), shape[leading:])
