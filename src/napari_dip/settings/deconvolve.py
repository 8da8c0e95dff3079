"""The settings of deconvolution."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, model_validator

from napari_dip.errors import BadSettings
from napari_dip.settings.optics import ABERRATIONS, PIXEL_SIZES, Optics
from napari_dip.settings.task import Task

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_dip.settings.voxel import Voxel

__all__ = ["Deconvolve"]

MOST_WIDTH = 200  # pixels: a wider Gaussian is taken for a mixture of units
UNITS = {"px": 0.0, "nm": 1e-3, "µm": 1.0}  # µm in one unit
NAMES = {"": "px", "pixels": "px", "pixel": "px", "um": "µm", "μm": "µm", "micron": "µm"}


def _checked_widths(value: Any) -> Any:
    """Write widths in one form, such as ``"0.8,0.25,0.25 µm"``."""
    if value is None:
        return None
    if isinstance(value, list | tuple):
        value = ",".join(map(str, value))
    match = re.fullmatch(r"([\d.,eE+\-\s]+?)\s*([a-zA-Zµμ]*)", str(value).strip())
    try:
        numbers = [float(part) for part in match[1].split(",")] if match else []
    except ValueError:
        numbers = []
    unit = NAMES.get(match[2], match[2]) if match else ""
    good = len(numbers) in (1, 2, 3) and all(0 < n < math.inf for n in numbers)
    if not good or unit not in UNITS:
        raise ValueError(
            "give a full width at half maximum in pixels, such as 3, or with a unit, such as "
            "'0.25 µm' or '250 nm'; or one for each axis: '0.8,0.25,0.25 µm' for Z, Y and X"
        )
    return f"{','.join(f'{number:g}' for number in numbers)} {unit}"


Widths = Annotated[str | None, BeforeValidator(_checked_widths)]


class Deconvolve(Optics, Task):
    """Remove the blur of the microscope, and the noise: y = H x + n.

    The point spread function H is computed from the optics, is a Gaussian of the width ``fwhm``,
    or is given as an array (``psf``).

    Examples
    --------
    >>> Deconvolve(na=1.4, ri=1.518, wavelength=520, pixel_size=0.065).details({})
    '(widefield, NA 1.4, 520 nm, refractive index 1.518)'
    >>> Deconvolve(fwhm=3).fwhm
    '3 px'
    """

    needs_network: ClassVar[bool] = True
    kind: Literal["deconvolve"] = "deconvolve"

    fwhm: Widths = None
    """Full width at half maximum of a Gaussian blur, such as 3 (pixels), 250nm, or one for each of
    Z, Y and X: 0.8,0.25,0.25um."""

    estimate_aberrations: bool = False
    """Estimate the spherical aberration and the astigmatism from the image, a widefield z-stack;
    it takes up to a minute."""

    @model_validator(mode="after")
    def _one_description(self) -> Self:
        if self.fwhm is not None and self.given:
            raise ValueError(
                f"fwhm={self.fwhm!r} is a Gaussian, which has no numbers of a microscope; leave "
                "out one of both"
            )
        told = [name for name in ABERRATIONS if self.estimate_aberrations and getattr(self, name)]
        if told:
            raise ValueError(
                f"estimate_aberrations replaces {', '.join(told)}; leave out one of both"
            )
        return self

    @property
    def describes_psf(self) -> bool:
        """Whether a width or a number of the microscope is given."""
        return self.fwhm is not None or self.given

    @property
    def estimated(self) -> tuple[str, ...]:
        """Names of the settings that are replaced by estimates from the image."""
        return ("estimate_aberrations", *ABERRATIONS) if self.estimate_aberrations else ()

    @property
    def microscope(self) -> Optics | None:
        """The microscope, if one is described."""
        if self.fwhm is not None or not self.given:
            return None
        return Optics(**{name: getattr(self, name) for name in Optics.model_fields})

    @property
    def voxel(self) -> Voxel | None:
        """The sizes of a pixel along Z, Y and X in µm, if they are known."""
        if self.pixel_size is None or self.z_step is None:
            return None
        return self.z_step, self.pixel_size, self.pixel_size

    def with_metadata(self, found: Mapping[str, Any]) -> Self:
        """Take unknown numbers from a file: a Gaussian needs those of the pixels alone."""
        if self.fwhm is not None:
            found = {name: found[name] for name in PIXEL_SIZES if name in found}
        return super().with_metadata(found)

    def gaussian_widths(self, spatial: str) -> tuple[float, ...]:
        """Return the widths along each axis in pixels.

        Raises
        ------
        BadSettings
            If their number does not fit the axes, a size of the pixels is unknown, or a width is
            out of range.
        """
        if self.fwhm is None:
            return ()
        text, unit = self.fwhm.split()
        numbers = [float(number) for number in text.split(",")]
        if len(numbers) == 1:
            numbers *= len(spatial)
        if len(numbers) != len(spatial):
            raise BadSettings(
                f"fwhm={self.fwhm!r} has {len(numbers)} widths; give one, or one for each of "
                f"{', '.join(spatial)}"
            )
        if unit != "px":
            sizes = [self.z_step if letter == "Z" else self.pixel_size for letter in spatial]
            if None in sizes:
                raise BadSettings(
                    f"fwhm={self.fwhm!r} is in {unit}, and the size of the pixels is unknown; give "
                    "pixel_size and z_step (--pixel-size, --z-step) in µm, or fwhm in pixels"
                )
            numbers = [n * UNITS[unit] / s for n, s in zip(numbers, sizes, strict=True) if s]
        if not all(number <= MOST_WIDTH for number in numbers):
            raise BadSettings(
                f"fwhm={self.fwhm!r} is {max(numbers):.3g} pixels, more than {MOST_WIDTH}; check "
                "the unit and the pixel size"
            )
        return tuple(numbers)

    def details(self, factors: Mapping[str, int]) -> str:
        """Name the source of the point spread function, if it is not an array."""
        if self.fwhm is not None:
            return f"(Gaussian, {self.fwhm} full width at half maximum)"
        known = self.given and not self.lacking
        return f"({self.describe()})" if known else ""

    def observation(self, factors: tuple[int, ...]) -> str:
        """Say that the image is blurred."""
        return "blurred by the point spread function"
