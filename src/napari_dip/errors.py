"""Every error a caller can meet.

All of them derive from :class:`NapariDipError`, which is also a ``ValueError`` and never a
``RuntimeError``: a generator worker of superqt swallows ``RuntimeError`` without a word.
Each message names the offending value and the cure.
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
    "FileProblem",
    "InputError",
    "MaskHasGreyLevels",
    "NapariDipError",
    "NapariDipWarning",
    "OutOfMemory",
    "OutputExists",
    "PlanesUnchanged",
]


class NapariDipError(ValueError):
    """Any error that napari-dip raises on purpose."""


class InputError(NapariDipError):
    """What the caller gave cannot be used; nothing was computed."""


class BadImage(InputError):
    """The image cannot be restored as it is: its dtype, shape, axes or values."""


class BadMask(InputError):
    """The mask does not fit the image, or leaves nothing to learn from."""


class BadSettings(InputError):
    """A setting has a value outside its range, or is not known."""


class DeviceUnavailable(InputError):
    """The device that was asked for is not on this machine."""


class FileProblem(InputError):
    """A file cannot be read, or its format cannot hold the result."""


class OutputExists(FileProblem):
    """The output is already there and overwriting was not asked for."""


class DeviceFailed(NapariDipError):
    """The device reported an error in mid-run."""


class OutOfMemory(DeviceFailed):
    """The device has too little free memory for the block."""


class Diverged(NapariDipError):
    """The optimisation kept jumping, however often it was rolled back."""


class NapariDipWarning(UserWarning):
    """Any warning that napari-dip gives."""


class AxesGuessed(NapariDipWarning):
    """The axes of an array were guessed, and another guess would give another result."""


class MaskHasGreyLevels(NapariDipWarning):
    """A mask seems to be one of grey levels, and all of it but 0 counts as missing."""


class PlanesUnchanged(NapariDipWarning):
    """Some planes have no known pixel; the result has them as they were in the image."""
