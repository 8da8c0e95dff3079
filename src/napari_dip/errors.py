"""Define the errors and warnings of this package.

All errors derive from :class:`NapariDipError`, which is a ``ValueError``. It is not a
``RuntimeError``, because a generator worker of superqt ignores those. Each message names the
invalid value and a remedy.
"""

from __future__ import annotations

__all__ = [
    "AxesGuessed",
    "BadImage",
    "BadMask",
    "BadSettings",
    "DeviceFailed",
    "DeviceUnavailable",
    "Diverged",
    "DoubtfulPsf",
    "FileProblem",
    "InputError",
    "MaskHasGreyLevels",
    "NapariDipError",
    "NapariDipWarning",
    "OutOfMemory",
    "OutputExists",
    "PlanesUnchanged",
    "Undersampled",
]


class NapariDipError(ValueError):
    """Any error that napari-dip raises."""


class InputError(NapariDipError):
    """An input is not valid; nothing was computed."""


class BadImage(InputError):
    """The dtype, shape, axes or values of the image are not supported."""


class BadMask(InputError):
    """The mask does not fit the image, or marks all pixels as missing."""


class BadSettings(InputError):
    """A setting is unknown, or its value is out of range."""


class DeviceUnavailable(InputError):
    """The requested device is not available."""


class FileProblem(InputError):
    """A file cannot be read, or its format cannot hold the result."""


class OutputExists(FileProblem):
    """The output exists, and overwriting was not requested."""


class DeviceFailed(NapariDipError):
    """The device reported an error during the run."""


class OutOfMemory(DeviceFailed):
    """The device has too little free memory."""


class Diverged(NapariDipError):
    """The loss kept jumping up, also after several rollbacks."""


class NapariDipWarning(UserWarning):
    """Any warning of napari-dip."""


class AxesGuessed(NapariDipWarning):
    """The axes of an array were guessed; other axes would give another result."""


class MaskHasGreyLevels(NapariDipWarning):
    """A mask seems to have grey levels; everything but 0 counts as missing."""


class PlanesUnchanged(NapariDipWarning):
    """Some planes have no known pixel, and are unchanged in the result."""


class DoubtfulPsf(NapariDipWarning):
    """A given point spread function is not in the middle of its array, or has a background."""


class Undersampled(NapariDipWarning):
    """The pixels are larger than the resolution of the optics allows (Nyquist)."""
