"""Read and write the coordinate transformations of OME-Zarr 0.6 as matrices.

A matrix is homogeneous: it maps the coordinates of all axes and a last 1. Transformations that no
matrix can hold, such as displacement fields, are reported and ignored.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from napari_dip.files.tolerant_parsing import TolerantParser

__all__ = ["flattened", "matrix_of", "spatial_rows", "with_parameters", "written_transformation"]

_NUMBERS = ("scale", "translation", "rotation", "affine")
"""Types of transformations whose numbers may be in an array."""

_FIELDS = ("displacements", "coordinates")
"""Types of transformations that are an array of positions."""


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
        byDimension, bijection and sequence.
    axes
        One letter for each axis.
    parser
        Learns of those that are ignored.
    """
    product = np.eye(len(axes) + 1)
    for one in flattened(listed):
        matrix = _matrix(one, axes)
        if matrix is not None:
            product = matrix @ product
        elif fields := _fields(one):
            parser.lose(
                f"The coordinate transformation {fields[0]} is not used and not kept: its values "
                "are in an array, and only a matrix can be kept."
            )
        else:
            parser.ignore("coordinateTransformations", one)
    return product


def with_parameters(transformation: Any, load: Callable[[str], Any]) -> Any:
    """Return a transformation, or a list of some, with the numbers that arrays hold.

    Parameters
    ----------
    transformation
        JSON values.
    load
        Returns the numbers in the array with a name; ``None`` if there is no small array.
    """
    if isinstance(transformation, list):
        return [with_parameters(one, load) for one in transformation]
    if not isinstance(transformation, dict):
        return transformation
    found = {
        key: with_parameters(value, load)
        if key in ("transformations", "transformation", "forward")
        else value
        for key, value in transformation.items()
    }
    kind, name = str(found.get("type")), found.get("path")
    if isinstance(name, str) and kind in _NUMBERS and kind not in found:
        numbers = load(name)
        return found if numbers is None else found | {kind: numbers}
    return found


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


def _matrix(one: object, axes: str) -> NDArray[np.float64] | None:
    """Return the matrix of a transformation; ``None`` if it has none, or is not valid."""
    if not isinstance(one, dict):
        return None
    kind, count = str(one.get("type")), len(axes)
    if kind == "bijection":
        forward = one.get("forward")
        return _product(forward, axes) if isinstance(forward, dict) else None
    if kind == "byDimension":
        return _by_dimension(one.get("transformations"), axes)
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


def _fields(one: object) -> list[str]:
    """Return the types of fields in a transformation, also of those within it."""
    if isinstance(one, list):
        return [kind for inner in one for kind in _fields(inner)]
    if not isinstance(one, dict):
        return []
    kind = one.get("type")
    inside = [one.get(key) for key in ("transformations", "transformation", "forward")]
    return [kind, *_fields(inside)] if kind in _FIELDS else _fields(inside)


def _product(one: object, axes: str) -> NDArray[np.float64] | None:
    """Return the matrix of a transformation that may be a sequence."""
    product = np.eye(len(axes) + 1)
    for step in flattened(one):
        matrix = _matrix(step, axes)
        if matrix is None:
            return None
        product = matrix @ product
    return product


def _by_dimension(parts: object, axes: str) -> NDArray[np.float64] | None:
    """Return the matrix of transformations that each map some of the axes.

    An axis that none of them gives is unchanged.
    """
    if not isinstance(parts, list):
        return None
    count = len(axes)
    matrix = np.eye(count + 1)
    given: list[int] = []
    for part in parts:
        if not isinstance(part, dict):
            return None
        inputs = _places(part, "input", axes)
        outputs = _places(part, "output", axes)
        # Drafts of 0.6 have the type and the numbers beside the axes.
        inner = _product(part.get("transformation", part), "".join(axes[n] for n in inputs))
        if inner is None or not inputs or len(inputs) != len(outputs):
            return None
        given += outputs
        matrix[outputs] = 0.0
        matrix[np.ix_(outputs, [*inputs, count])] = inner[:-1]
    return matrix if len(set(given)) == len(given) else None


def _places(part: dict[str, Any], end: str, axes: str) -> list[int]:
    """Return the axes that a part of byDimension maps; empty if they are not valid.

    The text of the specification spells ``input_axes``, its schema ``inputAxes``; drafts name them.
    """
    listed = part.get(f"{end}_axes", part.get(f"{end}Axes"))
    if not isinstance(listed, list):
        return []
    named = [axes.find(one.upper()) if isinstance(one, str) and one else one for one in listed]
    valid = all(type(one) is int and 0 <= one < len(axes) for one in named)
    return named if valid and len(set(named)) == len(named) else []


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
