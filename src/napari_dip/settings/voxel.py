"""Describe the size of a voxel, and the factor along Z that makes it isotropic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator

from napari_dip.errors import BadSettings

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["LARGEST_FACTOR", "Voxel", "describe_voxel_change", "format_voxel", "isotropic_factor"]

LARGEST_FACTOR = 8
"""Largest factor of super-resolution, as in the paper."""

MAX_SIZE_RATIO = 1e6
"""Ratio of two sides of a voxel: a larger one is taken for a mixture of units."""


def _checked_sizes(voxel: tuple[float, ...]) -> tuple[float, ...]:
    if not all(0 < size < float("inf") for size in voxel):
        raise ValueError("give three sizes above 0, along Z, Y and X")
    if not max(voxel) < MAX_SIZE_RATIO * min(voxel):
        raise ValueError(
            f"the sizes differ by a factor of {MAX_SIZE_RATIO:g} or more; give all three in one "
            "unit"
        )
    return voxel


Voxel = Annotated[tuple[float, float, float], AfterValidator(_checked_sizes)]
"""Sizes along Z, Y and X, all in one unit."""


def isotropic_factor(voxel: Voxel | None) -> int:
    """Return the integer factor along Z that makes voxels most isotropic.

    Parameters
    ----------
    voxel
        Size of a voxel; ``None`` if unknown.

    Raises
    ------
    BadSettings
        If the size is unknown, or the factor is 1 or above 8.

    Examples
    --------
    >>> isotropic_factor((4, 0.83, 0.83))
    5
    """
    if voxel is None:
        raise BadSettings(
            "factor='isotropic' needs the voxel size, which is unknown; give voxel=(Z, Y, X), or "
            "--voxel Z,Y,X, such as 4,0.83,0.83"
        )
    step, *sides = voxel
    ratio = step / (sum(sides) / 2)
    found = f"factor='isotropic': voxels of {format_voxel(voxel)} (Z × Y × X)"
    if ratio < 1.5:
        raise BadSettings(
            f"{found} are {ratio:.3g} times as long as wide, and no factor makes them more "
            "isotropic; do not super-resolve Z, or give the factor as a number"
        )
    if ratio > LARGEST_FACTOR + 0.5:
        raise BadSettings(
            f"{found} are {ratio:.3g} times as long as wide, and the largest factor is "
            f"{LARGEST_FACTOR}; give factor={LARGEST_FACTOR}, or correct the voxel size"
        )
    return round(ratio)


def describe_voxel_change(voxel: Voxel | None, factors: Mapping[str, int]) -> str:
    """Describe the factor along Z and the new voxel size.

    Parameters
    ----------
    voxel
        Size of a voxel; ``None`` if unknown.
    factors
        Factor of each axis, by its letter.

    Returns
    -------
    str
        Without a factor along Z the voxel size alone; empty if that is unknown.

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
    """Write the three sizes of a voxel.

    Examples
    --------
    >>> format_voxel((4, 0.8300001, 0.83))
    '4 × 0.83 × 0.83'
    """
    return " × ".join(f"{size:.4g}" for size in voxel)
