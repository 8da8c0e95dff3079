"""The size of a voxel, and by what Z is refined to make it a cube."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator

from napari_dip.errors import BadSettings

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["LARGEST_FACTOR", "Voxel", "describe_voxel_change", "format_voxel", "isotropic_factor"]


def _known_sizes(voxel: tuple[float, ...]) -> tuple[float, ...]:
    if not all(0 < size < float("inf") for size in voxel):
        raise ValueError("give three sizes above 0, along Z, Y and X")
    if not max(voxel) < MOST_UNEQUAL * min(voxel):
        raise ValueError(
            f"the sizes differ by a factor of {MOST_UNEQUAL:g} or more; give all three in one unit"
        )
    return voxel


MOST_UNEQUAL = 1e6
"""How many times as long as another a side of a voxel cannot be."""

Voxel = Annotated[tuple[float, float, float], AfterValidator(_known_sizes)]
"""Sizes along Z, Y and X, in any one unit."""

LARGEST_FACTOR = 8


def isotropic_factor(voxel: Voxel | None) -> int:
    """Return the integer by which Z is refined for voxels that are nearest to cubes.

    Parameters
    ----------
    voxel
        As it was seen; ``None`` where nobody knows.

    Raises
    ------
    BadSettings
        If the sizes are not known, or the integer is 1 or above 8.

    Examples
    --------
    >>> isotropic_factor((4, 0.83, 0.83))
    5
    """
    if voxel is None:
        raise BadSettings(
            "factor='isotropic' needs the distance of the planes and the size of a pixel, which "
            "are not known here; give voxel=(Z, Y, X), or --voxel Z,Y,X, such as 4,0.83,0.83"
        )
    step, *sides = voxel
    ratio = step / (sum(sides) / 2)
    said = f"factor='isotropic': voxels of {format_voxel(voxel)} (Z × Y × X) are {ratio:.3g}"
    if ratio < 1.5:
        raise BadSettings(
            f"{said} times as long as wide, and no factor makes better cubes of them; leave them "
            "so, or give the factor as a number"
        )
    if ratio > LARGEST_FACTOR + 0.5:
        raise BadSettings(
            f"{said} times as long as wide, and Z is refined by {LARGEST_FACTOR} at most; give "
            f"factor={LARGEST_FACTOR}, or check the voxel"
        )
    return round(ratio)


def describe_voxel_change(voxel: Voxel | None, factors: Mapping[str, int]) -> str:
    """Say by what Z alone is refined, and what the voxels are then; "" where there is no more.

    Parameters
    ----------
    voxel
        As it was seen; ``None`` where nobody knows.
    factors
        By how much each axis grows, by their letters.

    Examples
    --------
    >>> describe_voxel_change((4, 0.8, 0.8), {"Z": 5, "X": 1})
    '5 times finer along Z: voxels of 4 × 0.8 × 0.8 become 0.8 × 0.8 × 0.8'
    """
    axial = factors.get("Z", 1) > factors.get("X", 1)
    finer = f"{factors['Z']} times finer along Z" if axial else ""
    if voxel is None:
        return finer
    step, height, width = voxel
    sizes = format_voxel(voxel)
    if not axial:
        return f"voxels of {sizes}"
    fine = format_voxel((step / factors["Z"], height, width))
    return f"{finer}: voxels of {sizes} become {fine}"


def format_voxel(voxel: Voxel) -> str:
    """Write the three sizes.

    Examples
    --------
    >>> format_voxel((4, 0.8300001, 0.83))
    '4 × 0.83 × 0.83'
    """
    return " × ".join(f"{size:.4g}" for size in voxel)
