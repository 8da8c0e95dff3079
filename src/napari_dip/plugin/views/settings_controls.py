"""The settings that a first-time user need not see."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from magicgui.widgets import Container, Widget
from napari.settings import get_plugin_settings

from napari_dip.errors import BadSettings
from napari_dip.plugin.views import controls
from napari_dip.settings import Settings, Task
from napari_dip.settings.camera import SensorNoise

if TYPE_CHECKING:
    from collections.abc import Iterable

    from magicgui.widgets.bases import ValueWidget

    from napari_dip.settings.camera import Noise

__all__ = ["Advanced", "NoiseControls", "remember"]


class Advanced(Container[Widget]):
    """Controls for all that the three tasks have in common.

    Parameters
    ----------
    own
        Controls of one task, which come first.

    Attributes
    ----------
    lasting
        Those that are seldom chosen for one image alone.
    """

    def __init__(self, own: list[Widget]) -> None:
        self.preset = controls.choice(
            "preset",
            "preset",
            "fast: a small network that stops by itself, in a minute or so. best: four of them "
            "and, of single planes, a filter that knows nothing of them, averaged; their spread "
            "becomes a layer of its own, the uncertainty. paper: the method as it was published, "
            "many times slower.",
            [("fast", "fast"), ("best", "best"), ("paper", "paper")],
        )
        self.iterations = controls.integer(
            "iterations",
            "iterations",
            "The most optimisation steps for each plane; 0 takes the preset's number.",
            0,
            controls.MOST,
            0,
            special="as in the preset",
        )
        self.stopping = controls.choice(
            "stopping",
            "stop when",
            "What ends the run before the last iteration, so that noise is not learnt as well.",
            [
                ("as in the preset", ""),
                ("two of three signs agree", "consensus"),
                ("left-out pixels get worse", "held-out"),
                ("the image settles (ES-WMV)", "es-wmv"),
                ("the image settles (ES-EMV)", "es-emv"),
                ("only noise is left over", "discrepancy"),
                ("all iterations are done", "fixed"),
            ],
        )
        self.noise = NoiseControls()
        self.seed = controls.integer(
            "seed",
            "seed",
            "Where the random numbers begin: the same seed gives the same result.",
            0,
            controls.MOST,
            0,
        )
        self.device = controls.choice(
            "device",
            "compute on",
            "Where to compute; automatic takes a graphics card if there is one.",
            controls.devices(),
        )
        self.keep_previews = controls.check(
            "keep_previews",
            "keep previews",
            "Keep each preview, at most one a second, as a hidden layer of its own. Each takes "
            "as much memory as the part that it shows: a plane, or a window of planes.",
        )
        self.lasting = [self.preset, self.device, self.keep_previews]
        super().__init__(
            widgets=[
                *own,
                self.preset,
                self.iterations,
                self.stopping,
                *self.noise.all,
                self.seed,
                self.device,
                self.keep_previews,
            ]
        )
        controls.align(self)
        self.noise.show_what_counts()

    def settings(self, task: Task) -> Settings:
        """Say what the controls ask for."""
        return Settings(
            task=task,
            preset=self.preset.value,
            iterations=int(self.iterations.value) or None,
            stopping=self.stopping.value or None,
            noise=self.noise.value,
            seed=int(self.seed.value),
            device=self.device.value,
        )

    def take(self, asked: Settings) -> list[str]:
        """Set the controls as some settings have it.

        Returns
        -------
        list of str
            The settings, but for the task, the axes and the voxel, that the controls cannot say.
        """
        rule = "" if asked.stopping is None else asked.stopping.rule
        self.preset.value = asked.preset
        self.iterations.value = min(asked.iterations or 0, controls.MOST)
        self.stopping.value = rule if rule in self.stopping.choices else ""
        self.noise.value = asked.noise
        self.seed.value = min(asked.seed, controls.MOST)
        self.device.value = asked.device if asked.device in self.device.choices else "auto"
        shown = self.settings(asked.task)
        return [
            f"{name}={value!r}"
            for name, value in asked
            if name not in ("axes", "voxel") and value != getattr(shown, name)
        ]


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


def remember(controls: Iterable[ValueWidget[Any]]) -> None:
    """Set controls as they were left, and keep what they are changed to.

    Parameters
    ----------
    controls
        Each with a property of its name in the manifest, where napari also finds it for its
        preferences. Without the manifest nothing is remembered.
    """
    try:
        kept: Any = get_plugin_settings("napari-dip")
    except KeyError:
        return
    for control in controls:
        value = getattr(kept.panels, control.name)
        # What was left on another machine need not be there on this one.
        if value in getattr(control, "choices", (value,)):
            control.value = value

        def keep(value: Any, name: str = control.name) -> None:
            setattr(kept.panels, name, value)

        control.changed.connect(keep)
