"""Show the settings that all tasks share, and remember the user's choices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from magicgui.widgets import Container, Widget
from napari.settings import get_plugin_settings

from napari_dip.errors import BadSettings
from napari_dip.plugin.views import controls, tooltips
from napari_dip.settings import RULES, Settings, Task
from napari_dip.settings.camera import SensorNoise

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from magicgui.widgets.bases import ValueWidget

    from napari_dip.plugin.views.axes_controls import AxesControls
    from napari_dip.settings.camera import Noise

__all__ = ["NoiseControls", "SettingsControls", "remember_values"]

LEVEL, CAMERA = "level", "camera"

PRESETS = [("fast", "fast"), ("best", "best")]
PUBLISHED = "paper"


class SettingsControls(Container[Widget]):
    """The controls under *Advanced settings*.

    Parameters
    ----------
    task_controls
        Controls of one task, which come first.
    axes
        The controls of the axes: they say how channels are restored.

    Attributes
    ----------
    preset
        The preset, which the panel places.
    remembered
        The controls whose values napari remembers.
    """

    def __init__(self, task_controls: Sequence[Widget], axes: AxesControls) -> None:
        self._axes = axes
        self.preset = controls.combo_box(
            "preset",
            "Preset",
            tooltips.PRESET,
            PRESETS,
        )
        self.published = controls.check_box("published", "Published method", tooltips.PUBLISHED)
        self._own_preset = self.preset.value
        self.published.changed.connect(self._set_method)
        self.iterations = controls.integer_box(
            "iterations",
            "Iterations",
            tooltips.ITERATIONS,
            0,
            controls.MAX_INTEGER,
            0,
            special="default",
        )
        self.stopping = controls.combo_box(
            "stopping",
            "Stop",
            tooltips.STOP,
            [("default", ""), *((rule.label or name, name) for name, rule in RULES.items())],
        )
        self.noise = NoiseControls()
        self.bad_pixels = controls.check_box(
            "bad_pixels", "Fill hot and dead pixels", tooltips.BAD_PIXELS
        )
        self.conserve_total = controls.check_box(
            "conserve_total", "Keep total intensity", tooltips.CONSERVE_TOTAL
        )
        self.uncertainty = controls.check_box("uncertainty", "Uncertainty", tooltips.UNCERTAINTY)
        self.seed = controls.integer_box("seed", "Seed", tooltips.SEED, 0, controls.MAX_INTEGER, 0)
        self.device = controls.combo_box(
            "device", "Compute on", tooltips.DEVICE, controls.devices()
        )
        self.keep_history = controls.check_box(
            "keep_history", "Keep history", tooltips.KEEP_ALL_PREVIEWS
        )
        self.remembered = [self.preset, self.device, self.keep_history]
        super().__init__(
            widgets=[
                *task_controls,
                self.published,
                self.iterations,
                self.stopping,
                *self.noise.all,
                self.bad_pixels,
                self.conserve_total,
                self.uncertainty,
                self.seed,
                self.device,
                self.keep_history,
            ]
        )
        controls.align_labels(self)
        self.noise.update_visibility()

    def settings(self, task: Task) -> Settings:
        """Return the settings that the controls show."""
        return Settings(
            task=task,
            preset=self.preset.value,
            iterations=int(self.iterations.value) or None,
            stopping=self.stopping.value or None,
            noise=self.noise.value,
            bad_pixels="auto" if self.bad_pixels.value else "keep",
            conserve_total=bool(self.conserve_total.value),
            uncertainty=self.uncertainty.value or None,
            share="C" if self._axes.share_channels else "auto",
            seed=int(self.seed.value),
            device=self.device.value,
        )

    def set_values(self, settings: Settings, shown_by_task: Iterable[str] = ()) -> list[str]:
        """Set the controls to some settings.

        Parameters
        ----------
        settings
            The settings.
        shown_by_task
            The names of those that the controls of the task show.

        Returns
        -------
        list of str
            The settings that no control shows, except task, axes and voxel.
        """
        rule = "" if settings.stopping is None else settings.stopping.rule
        self.published.value = settings.preset == PUBLISHED
        if settings.preset != PUBLISHED:
            self.preset.value = settings.preset
        self.iterations.value = min(settings.iterations or 0, controls.MAX_INTEGER)
        self.stopping.value = rule if rule in self.stopping.choices else ""
        self.noise.value = settings.noise
        self.bad_pixels.value = settings.bad_pixels == "auto"
        self.conserve_total.value = settings.conserve_total
        self.uncertainty.value = settings.uncertainty is True
        self._axes.set_channels(together=settings.share == "C")
        self.seed.value = min(settings.seed, controls.MAX_INTEGER)
        self.device.value = settings.device if settings.device in self.device.choices else "auto"
        shown = self.settings(settings.task)
        elsewhere = {"axes", "voxel", *shown_by_task}
        if settings.task.spec.needs_psf:
            elsewhere.add("overlap")  # follows from the point spread function
        return [
            f"{name}={value!r}"
            for name, value in settings
            if name not in elsewhere and value != getattr(shown, name)
        ]

    def _set_method(self, published: bool) -> None:
        """Show the preset of the published method in place of the user's choice, or that again."""
        with self.preset.changed.blocked():  # the choice is remembered
            if published:
                self._own_preset = self.preset.value
                self.preset.choices = [(PUBLISHED, PUBLISHED)]
            else:
                self.preset.choices = PRESETS
                self.preset.value = self._own_preset
        self.preset.enabled = not published


class NoiseControls:
    """A choice of what is known about the noise, and its numbers.

    Attributes
    ----------
    all
        The controls from top to bottom.
    """

    def __init__(self) -> None:
        self.kind = controls.combo_box(
            "noise",
            "Noise",
            tooltips.NOISE,
            [
                ("estimated", "auto"),
                ("estimated, constant", "gaussian"),
                ("known level", LEVEL),
                ("known camera", CAMERA),
                ("none", "none"),
            ],
        )
        self.level = controls.number_box(
            "noise_level", "Level", tooltips.NOISE_LEVEL, special="not given"
        )
        self.gain = controls.number_box("gain", "Gain", tooltips.GAIN, special="0: no photons")
        self.offset = controls.number_box("offset", "Offset", tooltips.OFFSET, low=-1e9)
        self.read = controls.number_box("read_noise", "Read noise", tooltips.READ_NOISE)
        self.all: list[Widget] = [self.kind, self.level, self.gain, self.offset, self.read]
        self.kind.changed.connect(self.update_visibility)

    @property
    def value(self) -> Noise:
        """The noise for the settings.

        Raises
        ------
        BadSettings
            If its numbers are not given.
        """
        kind = self.kind.value
        if kind == LEVEL:
            if not self.level.value:
                raise BadSettings("Type the level of the noise, or set Noise to 'estimated'.")
            return float(self.level.value)
        if kind == CAMERA:
            gain, offset, read = self.gain.value, self.offset.value, self.read.value
            if gain == read == 0:
                raise BadSettings(
                    "Type the gain or the read noise of the camera, or set Noise to 'estimated'."
                )
            return SensorNoise(gain=gain, offset=offset, read=read)
        return kind  # type: ignore[no-any-return]

    @value.setter
    def value(self, noise: Noise) -> None:
        if isinstance(noise, SensorNoise):
            self.gain.value = noise.gain
            self.offset.value = noise.offset
            self.read.value = noise.read
            self.kind.value = CAMERA
        elif isinstance(noise, float):
            self.level.value = noise
            self.kind.value = LEVEL
        else:  # no control shows noise of a user's own
            self.kind.value = noise if isinstance(noise, str) else "auto"

    def update_visibility(self, _value: Any = None) -> None:
        """Show only the numbers of the chosen kind."""
        self.level.visible = self.kind.value == LEVEL
        for part in (self.gain, self.offset, self.read):
            part.visible = self.kind.value == CAMERA


def remember_values(widgets: Iterable[ValueWidget[Any]]) -> None:
    """Set controls to their remembered values, and remember their changes.

    Parameters
    ----------
    widgets
        Each has a property of its name in the manifest, so napari shows it in its preferences.
        Without the manifest, nothing is remembered.
    """
    try:
        kept: Any = get_plugin_settings("napari-dip")
    except KeyError:
        return
    for widget in widgets:
        value = getattr(kept.panels, widget.name)
        # A value of another computer, such as a device, may not be a choice here.
        if value in getattr(widget, "choices", (value,)):
            widget.value = value

        def remember(value: Any, name: str = widget.name) -> None:
            setattr(kept.panels, name, value)

        widget.changed.connect(remember)
