"""Describe the microscope whose point spread function is to be computed."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, model_validator

from napari_dip.errors import BadSettings
from napari_dip.settings.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ABERRATIONS", "PIXEL_SIZES", "Modality", "Optics", "is_possible"]

PIXEL_SIZES = ("pixel_size", "z_step")  # the fields that describe the image, not the microscope

ABERRATIONS = ("spherical", "astigmatism", "astigmatism_angle")

Modality = Literal["widefield", "confocal", "two-photon", "light-sheet"]

SHORTEST_NM, LONGEST_NM = 150, 3000  # light that a light microscope can use
SMALLEST_UM, LARGEST_UM = 0.001, 20  # a pixel or a step between planes
STOKES_SHIFT = 30.0  # nm: of common dyes; the assumed excitation of a confocal microscope


def _checked_wavelengths(value: Any) -> Any:
    """Read one wavelength, or one for each channel, which may be a text such as ``"461,520"``."""
    if value is None:
        return None
    if isinstance(value, str):
        value = value.split(",")
    several = value if isinstance(value, list | tuple) else [value]
    try:
        numbers = tuple(float(each) for each in several)
    except (TypeError, ValueError):
        numbers = ()
    checked = tuple(_checked_wavelength(number) for number in numbers)
    if not checked:
        raise ValueError("give a number of nanometres, or one for each channel: 461,520")
    return checked if len(checked) > 1 else checked[0]


def _checked_wavelength(value: float) -> float:
    if SHORTEST_NM <= value <= LONGEST_NM:
        return value
    meant = 1000 * value
    hint = f"; for {value:g} µm give {meant:g}" if SHORTEST_NM <= meant <= LONGEST_NM else ""
    raise ValueError(f"give nanometres, from {SHORTEST_NM} to {LONGEST_NM}{hint}")


def _checked_length(value: float | None) -> float | None:
    if value is None or SMALLEST_UM <= value <= LARGEST_UM:
        return value
    nanometres = LARGEST_UM < value <= 1000 * LARGEST_UM
    hint = f"; for {value:g} nm give {value / 1000:g}" if nanometres else ""
    raise ValueError(f"give micrometres, from {SMALLEST_UM} to {LARGEST_UM}{hint}")


def is_possible(name: str, value: Any) -> bool:
    """Return whether a number of the optics is possible, whatever the others are."""
    try:
        Optics(**{name: value})
    except BadSettings:
        return False
    return True


Wavelength = Annotated[float | tuple[float, ...] | None, BeforeValidator(_checked_wavelengths)]
Length = Annotated[float | None, AfterValidator(_checked_length)]


class Optics(Frozen):
    """The numbers of a microscope that determine its point spread function.

    ``None`` takes a number from the metadata of the file.

    Raises
    ------
    BadSettings
        If a number is out of range, or the numerical aperture is above the refractive index.

    Examples
    --------
    >>> Optics(na=1.4, ri=1.518, wavelength=520, pixel_size=0.065).axial_cutoff
    1.7907...
    """

    model_config = ConfigDict(use_attribute_docstrings=True)

    modality: Modality | None = None
    """Kind of microscope; widefield if unknown."""

    na: float | None = Field(None, gt=0, le=2)
    """Numerical aperture of the objective."""

    wavelength: Wavelength = None
    """Wavelength of the emitted light, in nm; or one for each channel: 461,520,600."""

    excitation: Wavelength = None
    """Wavelength of the excitation, in nm, or one for each channel; of a confocal microscope 30 nm
    below the emission if unknown."""

    ri: float | None = Field(None, ge=1, le=2)
    """Refractive index of the immersion: air 1, water 1.33, glycerol 1.47, oil 1.518."""

    sample_ri: float | None = Field(None, ge=1, le=2)
    """Refractive index of the sample; that of the immersion if unknown."""

    depth: float = Field(0.0, ge=0, le=2000)
    """Depth of the structure below the cover slip, in µm; it matters if both indices differ."""

    spherical: float = Field(0.0, ge=-0.5, le=0.5)
    """Spherical aberration, in waves (the Zernike coefficient, root mean square over the pupil)."""

    astigmatism: float = Field(0.0, ge=0, le=0.5)
    """Astigmatism, in waves (the Zernike coefficient, root mean square over the pupil)."""

    astigmatism_angle: float = Field(0.0, ge=-180, le=180)
    """Angle of the astigmatism in degrees, from the X axis to the Y axis."""

    pinhole: float = Field(1.0, gt=0, le=20)
    """Diameter of the pinhole of a confocal microscope, in Airy units."""

    sheet: float | None = Field(None, gt=0, le=200)
    """Full width at half maximum of the light sheet along Z, in µm."""

    pixel_size: Length = None
    """Size of a pixel of the image along Y and X, in µm."""

    z_step: Length = None
    """Distance of two planes, in µm."""

    @model_validator(mode="after")
    def _aperture_fits_index(self) -> Self:
        if self.na is not None and self.ri is not None and self.na >= self.ri:
            raise ValueError(
                f"na={self.na:g} is not below ri={self.ri:g}, the refractive index of the "
                "immersion; correct one of them (air 1, water 1.33, glycerol 1.47, oil 1.518)"
            )
        return self

    @model_validator(mode="after")
    def _as_many_excitations(self) -> Self:
        counts = {len(each) for each in self._wavelengths if isinstance(each, tuple)}
        if len(counts) > 1:
            raise ValueError(
                f"wavelength={self.wavelength} and excitation={self.excitation} have different "
                "numbers of channels; give one for each channel, in the same order"
            )
        return self

    @model_validator(mode="after")
    def _excited_by_shorter_light(self) -> Self:
        emission, excitation = self._wavelengths
        if self.modality != "confocal" or emission is None or excitation is None:
            return self
        for number in range(self.channels):
            emitted, excited = (
                each[number] if isinstance(each, tuple) else each for each in (emission, excitation)
            )
            if excited > emitted:
                raise ValueError(
                    f"excitation={excited:g} is longer than wavelength={emitted:g}, the emission; "
                    "exchange them, or give modality='two-photon'"
                )
        return self

    @property
    def _wavelengths(self) -> tuple[float | tuple[float, ...] | None, ...]:
        return self.wavelength, self.excitation

    @property
    def channels(self) -> int:
        """Number of channels whose wavelengths are given; 1 if all channels have the same."""
        return max(len(each) if isinstance(each, tuple) else 1 for each in self._wavelengths)

    def of_channel(self, number: int) -> Optics:
        """Return the numbers of one channel, from 0.

        Examples
        --------
        >>> Optics(na=1.4, ri=1.518, wavelength=(461, 520)).of_channel(1).wavelength
        520.0
        """
        known = {name: getattr(self, name) for name in Optics.model_fields}
        for name in ("wavelength", "excitation"):
            if isinstance(known[name], tuple):
                known[name] = known[name][number]
        return Optics(**known)

    @property
    def emitted_at(self) -> float:
        """Wavelength of the emitted light of a single channel in nm."""
        assert isinstance(self.wavelength, float)
        return self.wavelength

    @property
    def microscopy(self) -> Modality:
        """The kind of microscope, known or assumed."""
        return self.modality or "widefield"

    @property
    def lacking(self) -> tuple[str, ...]:
        """Names of the numbers that are needed and unknown, but for the pixel sizes."""
        light = "excitation" if self.microscopy == "two-photon" else "wavelength"
        needed = ["na", light, "ri", *(["sheet"] if self.microscopy == "light-sheet" else [])]
        return tuple(name for name in needed if getattr(self, name) is None)

    @property
    def given(self) -> bool:
        """Whether any number but a pixel size is given."""
        defaults = Optics()
        return any(
            getattr(self, name) != getattr(defaults, name)
            for name in Optics.model_fields
            if name not in PIXEL_SIZES
        )

    @property
    def excited_at(self) -> float:
        """Wavelength of the excitation in nm, known or assumed."""
        if self.excitation is None:
            return self.emitted_at - STOKES_SHIFT
        assert isinstance(self.excitation, float)
        return self.excitation

    @property
    def aperture(self) -> float:
        """The numerical aperture that the light can use: that of the sample may be smaller."""
        assert self.na is not None
        return min(self.na, 0.999 * (self.sample_ri or math.inf))

    @property
    def cutoff(self) -> float:
        """Highest spatial frequency in the plane that the image can show, in 1/µm."""
        twice = 4 if self.microscopy == "two-photon" else 2
        excited = self.microscopy in ("confocal", "two-photon")
        light = self.excited_at if excited else self.emitted_at
        return 1000 * twice * self.aperture / light

    @property
    def axial_cutoff(self) -> float:
        """Highest spatial frequency along Z, in 1/µm; a light sheet is taken for widefield."""
        assert self.ri is not None
        cosine = math.sqrt(1 - (self.aperture / self.ri) ** 2)
        return self.cutoff * self.ri / (2 * self.aperture) * (1 - cosine)

    def checked(self) -> Self:
        """Return the optics if all needed numbers are known.

        Raises
        ------
        BadSettings
            If one is unknown.
        """
        if not self.lacking:
            return self
        examples = {
            "na": "na=1.4 (--na 1.4)",
            "wavelength": "wavelength=520 (--wavelength 520, in nm)",
            "excitation": "excitation=800 (--excitation 800, in nm)",
            "ri": "ri=1.518 (--ri 1.518; air 1, water 1.33, glycerol 1.47, oil 1.518)",
            "sheet": "sheet=3 (--sheet 3, in µm)",
        }
        wanted = " and ".join(examples[name] for name in self.lacking)
        raise BadSettings(
            f"the point spread function of a {self.microscopy} microscope needs "
            f"{', '.join(self.lacking)}; give {wanted}"
        )

    def with_metadata(self, found: Mapping[str, Any]) -> Self:
        """Return optics in which unknown numbers are those found in a file, if they are possible.

        A resolution in dots per inch, for example, is no size of a pixel in the sample.
        """
        fields = type(self).model_fields
        new = {
            name: value
            for name, value in found.items()
            if getattr(self, name) == fields[name].default and is_possible(name, value)
        }
        return type(self)(**(dict(self) | new)) if new else self

    def describe(self) -> str:
        """Name the numbers, such as ``"widefield, NA 1.4, 520 nm, refractive index 1.518"``."""
        each = [self.of_channel(number) for number in range(self.channels)]
        two = self.microscopy == "two-photon"
        light = ", ".join(f"{one.excited_at if two else one.emitted_at:g}" for one in each)
        said = [
            self.microscopy,
            f"NA {self.na:g}",
            f"{light} nm",
            f"refractive index {self.ri:g}",
        ]
        if self.microscopy == "confocal":
            assumed = "" if self.excitation else " (assumed)"
            excited = ", ".join(f"{one.excited_at:g}" for one in each)
            said[2] += f" excited at {excited} nm{assumed}"
            said.append(f"pinhole {self.pinhole:g} Airy units")
        if self.microscopy == "light-sheet":
            said.append(f"sheet of {self.sheet:g} µm")
        if self.sample_ri not in (None, self.ri):
            said.append(f"{self.depth:g} µm deep in a sample of {self.sample_ri:g}")
        return ", ".join(filter(None, (*said, self.describe_aberrations())))

    def describe_aberrations(self) -> str:
        """Name the aberrations, such as ``"astigmatism 0.1 waves at 30°"``; empty without any."""
        said = []
        if self.spherical:
            said.append(f"spherical aberration {self.spherical:.2g} waves")
        if self.astigmatism:
            said.append(
                f"astigmatism {self.astigmatism:.2g} waves at {self.astigmatism_angle:.3g}°"
            )
        return ", ".join(said)
