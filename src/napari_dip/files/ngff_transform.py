"""Read and write the coordinate transformations of OME-Zarr 0.6 as matrices.

A matrix is homogeneous: it maps the coordinates of all axes and a last 1. Transformations that no
matrix can hold, such as displacement fields, are reported and ignored.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_dip.files.tolerant_parsing import TolerantParser

__all__ = ["flattened", "matrix_of", "spatial_rows", "written_transformation"]


def flattened(listed: object) -> list[Any]:
    """Return transformations with those of each sequence in its place."""
    found: list[Any] = listed if isinstance(listed, list) else [] if listed is None else [listed]
    flat: list[Any] = []
    for one in found:
        nested = one.get("transformations") if isinstance(one, dict) else None
        is_sequence = isinstance(nested, list) and one.get("type") == "sequence"
        flat += flattened(nested) if is_sequence else [one]
    return flat


def matrix_of(listed: object, axes: str, parser: TolerantParser) -> NDArray[np.float64]:
    """Return the product of transformations, the first of which is applied first.

    Parameters
    ----------
    listed
        Transformations, of the types identity, scale, translation, rotation, affine, mapAxis,
        bijection and sequence.
    axes
        One letter for each axis.
    parser
        Learns of those that are ignored.
    """
    product = np.eye(len(axes) + 1)
    for one in flattened(listed):
        matrix = _matrix(one, len(axes))
        if matrix is None:
            parser.ignore("coordinateTransformations", one)
        else:
            product = matrix @ product
    return product


def spatial_rows(matrix: NDArray[np.float64], axes: str) -> tuple[tuple[float, ...], ...] | None:
    """Return the rows of the spatial axes, with their offsets last; ``None`` if others mix in."""
    places = [place for place, letter in enumerate(axes) if letter in "ZYX"]
    others = [place for place in range(len(axes)) if place not in places]
    if not np.allclose(matrix[np.ix_(others, range(len(axes) + 1))], np.eye(len(matrix))[others]):
        return None
    if others and matrix[np.ix_(places, others)].any():
        return None
    rows = matrix[np.ix_(places, [*places, len(axes)])]
    return tuple(tuple(row) for row in rows.tolist())


def written_transformation(rows: Sequence[Sequence[float]], axes: str) -> dict[str, Any]:
    """Return the transformation of :func:`spatial_rows`: a rotation if it is one, else an affine.

    Examples
    --------
    >>> written_transformation(((0.0, -1.0, 0.0), (1.0, 0.0, 0.0)), "YX")
    {'type': 'rotation', 'rotation': [[0.0, -1.0], [1.0, 0.0]]}
    """
    places = [place for place, letter in enumerate(axes) if letter in "ZYX"]
    matrix = np.eye(len(axes), len(axes) + 1)
    matrix[np.ix_(places, [*places, len(axes)])] = rows
    linear = matrix[:, :-1]
    if not matrix[:, -1].any() and _is_rotation(linear):
        return {"type": "rotation", "rotation": linear.tolist()}
    return {"type": "affine", "affine": matrix.tolist()}


def _is_rotation(linear: NDArray[np.float64]) -> bool:
    orthogonal = np.allclose(linear @ linear.T, np.eye(len(linear)), atol=1e-12)
    return orthogonal and math.isclose(np.linalg.det(linear), 1.0, rel_tol=1e-9)


def _matrix(one: object, count: int) -> NDArray[np.float64] | None:
    """Return the matrix of a transformation; ``None`` if it has none, or is not valid."""
    if not isinstance(one, dict):
        return None
    kind = str(one.get("type"))
    if kind == "bijection":
        forward = one.get("forward")
        return _matrix(forward, count) if isinstance(forward, dict) else None
    matrix = np.eye(count + 1)
    if kind == "identity":
        return matrix
    try:
        values = np.asarray(one[kind], np.float64)
    except (LookupError, TypeError, ValueError):
        return None
    shape = {
        "scale": (count,),
        "translation": (count,),
        "rotation": (count, count),
        "affine": (count, count + 1),
        "mapAxis": (count,),
    }.get(kind)
    if values.shape != shape or not np.isfinite(values).all():
        return None
    return _filled(kind, values, matrix)


def _filled(
    kind: str, values: NDArray[np.float64], matrix: NDArray[np.float64]
) -> NDArray[np.float64] | None:
    """Write the numbers of a transformation into an identity matrix."""
    count = len(matrix) - 1
    if kind == "scale":
        if (values <= 0).any():
            return None
        matrix[:count, :count] = np.diag(values)
    elif kind == "translation":
        matrix[:count, count] = values
    elif kind == "rotation":
        matrix[:count, :count] = values
    elif kind == "affine":
        matrix[:count] = values
    else:
        if sorted(values.tolist()) != [*range(count)]:
            return None
        matrix[:count] = matrix[values.astype(int)]
    return matrix
