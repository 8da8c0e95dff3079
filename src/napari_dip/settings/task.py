"""Define the tasks, as frozen values."""

from __future__ import annotations

from numbers import Integral
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from napari_dip.settings.frozen import Frozen
from napari_dip.settings.voxel import LARGEST_FACTOR

__all__ = ["Denoise", "Downsampler", "Hole", "Inpaint", "SuperResolve", "Task"]

Hole = Literal["scratches", "hole", "large-hole", "pixels"]
Downsampler = Literal["lanczos2", "lanczos3", "box", "gaussian"]


def _checked_factor(factor: Any) -> Any:
    whole = isinstance(factor, Integral) and not isinstance(factor, bool)
    if factor != "isotropic" and not (whole and 2 <= int(factor) <= LARGEST_FACTOR):
        raise ValueError(
            f"choose a whole number from 2 to {LARGEST_FACTOR}, or 'isotropic' for isotropic voxels"
        )
    return int(factor) if whole else factor


class _Task(Frozen):
    """Properties that all tasks have."""

    @property
    def kernel(self) -> Downsampler | None:
        """The low-pass filter of the decimation; ``None`` without a decimation."""
        return None

    @property
    def decimates(self) -> bool:
        """Whether one pixel of the image covers several of the result."""
        return self.kernel is not None

    @property
    def fills_gaps(self) -> bool:
        """Whether the task fills missing pixels, and needs some."""
        return False


class Denoise(_Task):
    """Remove noise, or the blocks of JPEG compression: y = x + n.

    With ``artefact="jpeg"``, the presets ``fast`` and ``best`` estimate the error of the
    compression in place of the noise. The image must have values from 0 to 255 and its original
    blocks. ``paper`` uses the network of the paper for JPEG.

    Examples
    --------
    >>> Denoise(artefact="jpeg").kind
    'denoise'
    """

    kind: Literal["denoise"] = "denoise"
    artefact: Literal["noise", "jpeg"] = "noise"


class SuperResolve(_Task):
    """Increase the resolution by an integer factor, the inverse of a decimation: y = D x + n.

    ``axis="Z"`` super-resolves Z alone, ``"YX"`` Y and X alone; ``None`` is every spatial axis: Y
    and X, and Z too with ``ndim=3``. ``factor="isotropic"`` super-resolves Z by the integer that
    makes voxels most isotropic; it needs the ``voxel`` size. ``downsampler`` is the low-pass filter
    of the decimation. ``None`` is ``"lanczos2"``; along Z alone it is ``"gaussian"``, a slice
    profile whose full width at half maximum is the distance of two planes. ``"box"`` is for cut
    sections as thick as that distance.

    Raises
    ------
    BadSettings
        If the factor is not 2 to 8 or ``"isotropic"``, or does not fit the axis.

    Examples
    --------
    >>> SuperResolve(axis="Z", factor=4).kernel
    'gaussian'
    """

    kind: Literal["super-resolve"] = "super-resolve"
    factor: Annotated[int | Literal["isotropic"], BeforeValidator(_checked_factor)] = 2
    axis: Literal["YX", "Z"] | None = None
    downsampler: Downsampler | None = None

    @model_validator(mode="after")
    def _isotropic_along_z(self) -> Self:
        if self.factor == "isotropic" and self.axis == "YX":
            raise ValueError(
                "factor='isotropic' is for Z, not for axis='YX'; choose axis='Z', or give a number"
            )
        return self

    @property
    def axial(self) -> bool:
        """Whether Z alone is super-resolved."""
        return self.axis == "Z" or self.factor == "isotropic"

    @property
    def kernel(self) -> Downsampler:
        """The low-pass filter of the decimation."""
        return self.downsampler or ("gaussian" if self.axial else "lanczos2")


class Inpaint(_Task):
    """Fill the missing pixels of a mask: y = m x.

    ``missing`` is the type of the gaps, which selects the published network; ``"auto"`` finds it
    from the mask. ``keep_known`` returns the known pixels unchanged, bit for bit.

    Examples
    --------
    >>> Inpaint(missing="hole").keep_known
    True
    """

    kind: Literal["inpaint"] = "inpaint"
    missing: Literal["auto"] | Hole = "auto"
    keep_known: bool = True

    @property
    def fills_gaps(self) -> bool:
        """Whether the task fills missing pixels, and needs some."""
        return True


Task = Annotated[Denoise | SuperResolve | Inpaint, Field(discriminator="kind")]
