"""The settings that a first-time user need not see."""

from __future__ import annotations

from magicgui.widgets import Container, Widget

from napari_dip.plugin import controls
from napari_dip.plugin.noise import NoiseControls
from napari_dip.settings import Settings, Task

__all__ = ["Advanced"]


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
