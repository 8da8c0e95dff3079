"""Define the tasks of this package: the settings of each as a frozen value, and its words."""

from __future__ import annotations

from numbers import Integral
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, model_validator

from napari_dip.settings.deconvolve import Deconvolve
from napari_dip.settings.task import Hole, Task, TaskSpec, register_task
from napari_dip.settings.voxel import LARGEST_FACTOR, isotropic_factor

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_dip.settings.voxel import Voxel

__all__ = ["Deconvolve", "Denoise", "Downsampler", "Inpaint", "SuperResolve"]

Downsampler = Literal["lanczos2", "lanczos3", "box", "gaussian"]


def _checked_factor(factor: Any) -> Any:
    whole = isinstance(factor, Integral) and not isinstance(factor, bool)
    if factor != "isotropic" and not (whole and 2 <= int(factor) <= LARGEST_FACTOR):
        raise ValueError(
            f"choose a whole number from 2 to {LARGEST_FACTOR}, or 'isotropic' for isotropic voxels"
        )
    return int(factor) if whole else factor


class Denoise(Task):
    """Remove noise, or the blocks of JPEG compression: y = x + n.

    With ``artefact="jpeg"``, the presets ``fast`` and ``best`` estimate the error of the
    compression in place of the noise. The image must have values from 0 to 255 and its original
    blocks. ``paper`` uses the network of the paper for JPEG.

    Examples
    --------
    >>> Denoise(artefact="jpeg").kind
    'denoise'
    """

    needs_network: ClassVar[bool] = False
    kind: Literal["denoise"] = "denoise"
    artefact: Literal["noise", "jpeg"] = "noise"
    """What to remove: noise, or the blocks of JPEG compression."""

    @property
    def removes_jpeg(self) -> bool:
        """Whether the error of JPEG compression is estimated in place of the noise."""
        return self.artefact == "jpeg"

    def details(self, factors: Mapping[str, int]) -> str:
        """Name the artefact, if it is not noise."""
        return f"(artefact: {self.artefact})" if self.removes_jpeg else ""


class SuperResolve(Task):
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

    decimates: ClassVar[bool] = True
    mixes_pixels: ClassVar[bool] = True
    kind: Literal["super-resolve"] = "super-resolve"
    factor: Annotated[int | Literal["isotropic"], BeforeValidator(_checked_factor)] = 2
    """New pixels along the side of an old pixel, 2 to 8; isotropic refines Z until the voxels are
    closest to cubes."""

    axis: Literal["YX", "Z"] | None = None
    """Axes to refine: Y and X, or Z of a z-stack."""

    downsampler: Downsampler | None = None
    """How the image was downsampled: lanczos2, lanczos3, gaussian, or box, which is camera binning.
    Along Z it is the slice profile; box is for physical sections."""

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

    def factors(self, spatial: str, voxel: Voxel | None) -> dict[str, int]:
        """Return the factor for each axis that is refined, and 1 for the others."""
        factor = isotropic_factor(voxel) if self.factor == "isotropic" else self.factor
        refined = "Z" if self.axial else self.axis or spatial
        return {letter: factor if letter in refined else 1 for letter in spatial}

    def details(self, factors: Mapping[str, int]) -> str:
        """Name the factor and the filter."""
        if self.axial:
            return f"by {factors['Z']} along Z (slice profile {self.kernel})"
        return f"by {self.factor} (downsampler {self.kernel})"

    def observation(self, factors: tuple[int, ...]) -> str:
        """Describe the decimation."""
        return f"decimated by {' × '.join(map(str, factors))} ({self.kernel})"


class Inpaint(Task):
    """Fill the missing pixels of a mask: y = m x.

    ``missing`` is the type of the gaps, which selects the published network; ``"auto"`` finds it
    from the mask. ``keep_known`` returns the known pixels unchanged, bit for bit. ``match_noise``
    adds noise like that of the image to the filled pixels, which are smooth otherwise.

    Raises
    ------
    BadSettings
        If the noise is to be matched, and the known pixels are to be denoised.

    Examples
    --------
    >>> Inpaint(missing="hole").keep_known
    True
    """

    kind: Literal["inpaint"] = "inpaint"
    missing: Literal["auto"] | Hole = "auto"
    """Gap type: scratches, hole, large-hole or pixels; auto chooses from the mask."""

    keep_known: bool = True
    """Leave the pixels outside the mask unchanged, or denoise them."""

    match_noise: bool = False
    """Add noise like that of the image to the filled pixels; for display, not for measurements."""

    @model_validator(mode="after")
    def _noise_like_known_pixels(self) -> Self:
        if self.match_noise and not self.keep_known:
            raise ValueError(
                "match_noise adds the noise of the known pixels, which keep_known=False removes; "
                "choose one of them"
            )
        return self

    @property
    def matches_noise(self) -> bool:
        """Whether filled pixels get noise like that of the image."""
        return self.match_noise

    @property
    def keeps_known(self) -> bool:
        """Whether the known pixels are returned unchanged."""
        return self.keep_known

    @property
    def hole(self) -> Hole | None:
        """The given type of the gaps; ``None`` finds it from the mask."""
        return None if self.missing == "auto" else self.missing

    def details(self, factors: Mapping[str, int]) -> str:
        """Name the type of the gaps, and the noise."""
        noise = ", with noise like that of the image" if self.match_noise else ""
        return f"(missing: {self.missing}{noise})"


for _spec in (
    TaskSpec(
        Denoise,
        summary="Remove noise from an image.",
        doing="denoising",
        done="denoised",
        panel="Denoise",
        function="napari_dip.denoise",
        page="denoise",
        sample="noisy",
    ),
    TaskSpec(
        SuperResolve,
        summary="Refine the pixels of an image by an integer factor.",
        doing="super-resolving",
        done="super-resolved",
        panel="Super-resolution",
        function="napari_dip.super_resolve",
        suffix="×{factor}{along}",
        page="super-resolution",
        sample="low_resolution",
    ),
    TaskSpec(
        Inpaint,
        summary="Fill the missing pixels that a mask marks: scratches, holes, single pixels.",
        doing="inpainting",
        done="inpainted",
        panel="Inpaint",
        function="napari_dip.inpaint",
        page="inpaint",
        sample="scratched",
        needs_mask=True,
    ),
    TaskSpec(
        Deconvolve,
        summary="Remove the blur of a microscope, and the noise.",
        doing="deconvolving",
        done="deconvolved",
        panel="Deconvolve",
        function="napari_dip.deconvolve",
        page="deconvolve",
        sample="blurred",
        needs_psf=True,
    ),
):
    register_task(_spec)
