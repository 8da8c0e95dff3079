"""What can be done to an image, as frozen values."""

from __future__ import annotations

from numbers import Integral
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from napari_dip.settings.frozen import Frozen
from napari_dip.settings.voxel import LARGEST_FACTOR

__all__ = ["Denoise", "Downsampler", "Hole", "Inpaint", "SuperResolve", "Task"]

Hole = Literal["scratches", "hole", "large-hole", "pixels"]
Downsampler = Literal["lanczos2", "lanczos3", "box", "gaussian"]


def _known_factor(factor: Any) -> Any:
    whole = isinstance(factor, Integral) and not isinstance(factor, bool)
    if factor != "isotropic" and not (whole and 2 <= int(factor) <= LARGEST_FACTOR):
        raise ValueError(
            f"choose a whole number from 2 to {LARGEST_FACTOR}, or 'isotropic' to make voxels cubes"
        )
    return int(factor) if whole else factor


class Denoise(Frozen):
    """Remove noise, or the blocks of JPEG compression: y = x + n.

    With ``artefact="jpeg"`` the presets ``fast`` and ``best`` estimate the error of the compression
    in place of the noise, from an image with values from 0 to 255 whose blocks are as JPEG left
    them; ``paper`` uses the network of the paper for it.
    """

    kind: Literal["denoise"] = "denoise"
    artefact: Literal["noise", "jpeg"] = "noise"


class SuperResolve(Frozen):
    """Undo a decimation by an integer factor: y = D x + n.

    ``axis="Z"`` refines a z-stack along Z alone, ``"YX"`` Y and X alone; ``None`` refines every
    spatial axis: Y and X, and Z too with ``ndim=3``. ``factor="isotropic"`` refines Z by the
    integer that brings the voxel nearest to a cube; it needs to know the ``voxel``.
    ``downsampler`` is how the coarse pixels came about; ``None`` is ``"lanczos2"``, and along Z
    alone ``"gaussian"``: a slice profile whose full width at half maximum is the distance of two
    planes. ``"box"`` is for sections that were cut, each as thick as that distance.
    """

    kind: Literal["super-resolve"] = "super-resolve"
    factor: Annotated[int | Literal["isotropic"], BeforeValidator(_known_factor)] = 2
    axis: Literal["YX", "Z"] | None = None
    downsampler: Downsampler | None = None

    @model_validator(mode="after")
    def _isotropic_along_z(self) -> Self:
        if self.factor == "isotropic" and self.axis == "YX":
            raise ValueError("factor='isotropic' refines Z: choose axis='Z', or give a number")
        return self

    @property
    def axial(self) -> bool:
        """Whether Z alone is refined."""
        return self.axis == "Z" or self.factor == "isotropic"

    @property
    def kernel(self) -> Downsampler:
        """The low-pass filter of the decimation."""
        return self.downsampler or ("gaussian" if self.axial else "lanczos2")


class Inpaint(Frozen):
    """Fill in what a mask hides: y = m x.

    ``missing`` says what is missing, because the published network differs; ``auto`` tells it
    from the mask. ``keep_known`` returns the known pixels untouched, bit for bit.
    """

    kind: Literal["inpaint"] = "inpaint"
    missing: Literal["auto"] | Hole = "auto"
    keep_known: bool = True


Task = Annotated[Denoise | SuperResolve | Inpaint, Field(discriminator="kind")]
