"""What a person knows of the noise: nothing, its level, the camera, or that there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_dip.errors import BadSettings
from napari_dip.plugin import controls
from napari_dip.settings.camera import SensorNoise

if TYPE_CHECKING:
    from magicgui.widgets import Widget

    from napari_dip.settings.camera import Noise

__all__ = ["NoiseControls"]

_LEVEL, _CAMERA = "level", "camera"


class NoiseControls:
    """A list of what can be known, and the numbers that belong to what is chosen.

    Attributes
    ----------
    all
        The controls, to be laid one below the other.
    """

    def __init__(self) -> None:
        self.known = controls.choice(
            "noise",
            "noise",
            "What you know of the noise. Estimated: nothing, the image tells how strong it is and "
            "how it grows with the light; same everywhere: the image tells how strong. None: there "
            "is no noise, and super-resolution takes none out first.",
            [
                ("estimated", "auto"),
                ("same everywhere", "gaussian"),
                ("of a known level", _LEVEL),
                ("of a known camera", _CAMERA),
                ("none", "none"),
            ],
        )
        self.level = controls.number(
            "noise_level",
            "level",
            "Standard deviation of the noise, in the intensity units of the image.",
            special="not given",
        )
        self.gain = controls.number(
            "gain",
            "gain",
            "How many grey values a photon makes; 0 where the noise does not grow with the light.",
            special="0: no photons",
        )
        self.offset = controls.number(
            "offset", "offset", "The grey value of the dark, where no light comes.", least=-1e9
        )
        self.read = controls.number(
            "read_noise",
            "read noise",
            "Standard deviation of the noise in the dark, in grey values: electrons times gain.",
        )
        self.all: list[Widget] = [self.known, self.level, self.gain, self.offset, self.read]
        self.known.changed.connect(self.show_what_counts)

    @property
    def value(self) -> Noise:
        """Say what is known.

        Raises
        ------
        BadSettings
            If the numbers that belong to it are not given.
        """
        known = self.known.value
        if known == _LEVEL:
            if not self.level.value:
                raise BadSettings("Type the level of the noise, or choose that it is estimated.")
            return float(self.level.value)
        if known == _CAMERA:
            gain, offset, read = self.gain.value, self.offset.value, self.read.value
            if gain == read == 0:
                raise BadSettings(
                    "Type the gain or the read noise of the camera, or choose that the noise is "
                    "estimated."
                )
            return SensorNoise(gain=gain, offset=offset, read=read)
        return known  # type: ignore[no-any-return]

    @value.setter
    def value(self, noise: Noise) -> None:
        if isinstance(noise, SensorNoise):
            self.gain.value = noise.gain
            self.offset.value = noise.offset
            self.read.value = noise.read
            self.known.value = _CAMERA
        elif isinstance(noise, str):
            self.known.value = noise
        else:
            self.level.value = noise
            self.known.value = _LEVEL

    def show_what_counts(self, _value: Any = None) -> None:
        """Show the numbers that belong to what is chosen, and no others."""
        self.level.visible = self.known.value == _LEVEL
        for part in (self.gain, self.offset, self.read):
            part.visible = self.known.value == _CAMERA
