"""Read the numbers of a microscope as a user types them, and name each mistake."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

from napari_dip.errors import BadSettings
from napari_dip.settings.optics import ABERRATIONS, Modality, Optics, is_possible

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["IMMERSIONS", "LABELS", "fields_of", "number_text", "optics_values"]

LABELS = {
    "na": "NA",
    "ri": "Immersion",
    "wavelength": "Emission",
    "excitation": "Excitation",
    "pinhole": "Pinhole",
    "sheet": "Sheet",
    "sample_ri": "Sample index",
    "depth": "Depth",
    "spherical": "Spherical",
    "astigmatism": "Astigmatism",
    "astigmatism_angle": "Angle",
}
"""The names of the fields in the panel."""

IMMERSIONS = {
    "air": 1.0,
    "dry": 1.0,
    "water": 1.33,
    "silicone": 1.406,
    "glycerol": 1.47,
    "oil": 1.518,
}
"""Refractive indices that have a name."""

NEEDED = {
    "na": "the NA",
    "ri": "the immersion",
    "wavelength": "the emission wavelength",
    "excitation": "the excitation wavelength",
    "sheet": "the thickness of the sheet",
}
"""How a message names a number that is missing; it must fit into the two lines of the plan."""

UNITS = {
    "wavelength": "nm",
    "excitation": "nm",
    "pinhole": "AU",
    "sheet": "µm",
    "depth": "µm",
    "spherical": "waves",
    "astigmatism": "waves",
    "astigmatism_angle": "°",
}
"""The unit of each field; the user may leave it out."""


def fields_of(modality: Modality) -> tuple[str, ...]:
    """Return the names of the numbers that matter for a kind of microscope.

    Examples
    --------
    >>> fields_of("widefield")
    ('na', 'ri', 'wavelength', 'sample_ri', 'depth', 'spherical', 'astigmatism', ...)
    """
    light = {
        "widefield": ("wavelength",),
        "confocal": ("wavelength", "excitation", "pinhole"),
        "two-photon": ("excitation",),
        "light-sheet": ("wavelength", "sheet"),
    }
    return ("na", "ri", *light[modality], "sample_ri", "depth", *ABERRATIONS)


def optics_values(modality: Modality, texts: Mapping[str, str]) -> dict[str, Any]:
    """Return the settings of the microscope that the fields describe.

    Parameters
    ----------
    modality
        The kind of microscope.
    texts
        The text of each field; those that do not matter for this kind are left out.

    Raises
    ------
    BadSettings
        If a number is missing or not possible.

    Examples
    --------
    >>> optics_values("widefield", {"na": "1,4", "ri": "oil", "wavelength": "520"})
    {'modality': 'widefield', 'na': 1.4, 'ri': 1.518, 'wavelength': 520.0}
    """
    values = {
        name: _number(name, text)
        for name in fields_of(modality)
        if (text := texts.get(name, "").strip())
    }
    _check_aperture(values)
    if lacking := Optics(modality=modality, **values).lacking:
        *others, last = (NEEDED[name] for name in lacking)
        before = f"{', '.join(others)} and " if others else ""
        raise BadSettings(f"Type {before}{last}.")
    return {"modality": modality, **values}


def number_text(name: str, value: float | tuple[float, ...] | None) -> str:
    """Write a number as its field shows it, with its unit; empty if it is the default.

    Examples
    --------
    >>> number_text("wavelength", 520.0)
    '520 nm'
    """
    default = Optics.model_fields[name].default
    shown = name == "pinhole" or (value is not None and value != default)
    if not shown:
        return ""
    numbers = value if isinstance(value, tuple) else (value,)
    return f"{', '.join(f'{each:g}' for each in numbers)} {UNITS.get(name, '')}".rstrip()


def _number(name: str, text: str) -> float | tuple[float, ...]:
    """Read the text of a field, which may name an immersion, or have numbers of the channels."""
    if name in ("ri", "sample_ri") and text.lower() in IMMERSIONS:
        return IMMERSIONS[text.lower()]
    label = LABELS[name]
    if several := _wavelengths(name, text):
        return several
    try:
        value = float(_without_unit(name, text).replace(",", "."))
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        names = ", or oil, water, glycerol, silicone or air" if name == "ri" else ""
        raise BadSettings(f"{label}: '{text}' is not a number; type one{names}.")
    try:
        Optics(**{name: value})
    except BadSettings as error:
        reason = str(error).partition(": ")[2]
        raise BadSettings(f"{label} {value:g} is not possible: {reason}.") from None
    return value


def _wavelengths(name: str, text: str) -> tuple[float, ...]:
    """Read one wavelength for each of several channels; empty if the text is another one.

    Of a comma between the digits of one number, the second part is no wavelength.
    """
    parts = re.split(r"[,;\s]+", _without_unit(name, text))
    if name not in ("wavelength", "excitation") or len(parts) < 2:
        return ()
    try:
        numbers = tuple(map(float, parts))
    except ValueError:
        return ()
    return numbers if is_possible(name, numbers) else ()


def _without_unit(name: str, text: str) -> str:
    """Remove the unit of a field."""
    unit = UNITS.get(name, "")
    for spelling in (unit, unit.replace("µ", "u")):
        text = text.removesuffix(spelling).strip()
    return text


def _check_aperture(values: Mapping[str, Any]) -> None:
    """Check that the aperture is below the refractive index of the immersion."""
    na, ri = values.get("na", 0.0), values.get("ri", math.inf)
    if na >= ri:
        raise BadSettings(
            f"NA {na:g} is not below the index of the immersion, {ri:g}: correct one of them.\n\n"
            "Refractive indices: air 1, water 1.33, silicone 1.406, glycerol 1.47, oil 1.518."
        )
