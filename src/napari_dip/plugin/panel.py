"""What the three panels share: the image, the run, and the settings that each task has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from magicgui.widgets import Container, Widget
from napari.layers import Image
from napari.utils.notifications import show_error, show_info

from napari_dip.errors import BadImage, NapariDipError
from napari_dip.plugin import controls
from napari_dip.plugin.advanced import Advanced
from napari_dip.plugin.buttons import Buttons, bind
from napari_dip.plugin.estimate import Answer, Asked, Estimate
from napari_dip.plugin.layers import LayerInput, matched, read_layer
from napari_dip.plugin.placing import Placing, settle_target
from napari_dip.plugin.session import Session
from napari_dip.plugin.target import proposed_path
from napari_dip.plugin.view import RunView
from napari_dip.plugin.window import Docking, Watch, unwrapped

if TYPE_CHECKING:
    from napari.layers import Layer
    from napari.viewer import Viewer

    from napari_dip import settings

__all__ = ["Panel"]

_WIDTH = 340
"""The most that a panel takes from the picture, in screen pixels."""


class Panel(Container[Widget]):
    """What the three panels share: the image, the run, and the settings that each task has.

    Parameters
    ----------
    viewer
        Where the layers are.
    own
        The controls of the task itself, under the image.
    folded
        The controls of the task that only few will want to change.
    """

    def __init__(self, viewer: Viewer, own: list[Widget], folded: list[Widget]) -> None:
        self._viewer = unwrapped(viewer)
        self._session: Session | None = None
        self._reason = ""
        self.image = controls.layer_choice(
            "image",
            "image",
            "The Image layer to restore. It is not changed.",
            self._viewer,
            Image,
        )
        self._buttons = Buttons()
        self.run = self._buttons.run
        self.estimate = controls.words("estimate")
        self.status = controls.words("status")
        self._advanced = Advanced(folded)
        self._placing = Placing()
        self._view = RunView(self._viewer)
        super().__init__(widgets=[self.image, *own])
        controls.align(self)
        self._fold = controls.folded("placing", "Output and machines", self._placing)
        advanced = controls.folded("advanced", "Advanced settings", self._advanced)
        words, buttons = self.estimate.native, self._buttons.native
        for part in (words, buttons, self.status.native, self._view, self._fold, advanced):
            self.native.layout().addWidget(part)
        bind(self.native, [*self._buttons.all, self._view.tools.onward])
        self.native.setMaximumWidth(_WIDTH)
        Docking(self.native).undocked.connect(self._undocked)
        self.native.destroyed.connect(self._abandon)
        self.run.changed.connect(self._run)
        self._buttons.stop.changed.connect(self._stop)
        self._buttons.discard.changed.connect(self._discard)
        self._buttons.pause.changed.connect(self._pause)
        self._buttons.resume.changed.connect(self._resume)
        self._view.continued.connect(self._continue)
        self._view.said.connect(self._say)
        self._estimate = Estimate(self.native)
        self._estimate.answered.connect(self._take_estimate)
        self._watch = Watch(self._look_again)
        for part in (self, self._advanced, self._placing):
            part.changed.connect(self._look_again)
        self.reset_choices()
        self._choose_likely_image()
        self._look_again()

    def task(self) -> settings.Task:
        """Say what the controls of the task ask for."""
        raise NotImplementedError

    def read(self, layer: Layer) -> LayerInput:
        """Read the layers that are chosen."""
        return read_layer(layer)

    def _choose_likely_image(self) -> None:
        """Of the images that can be seen, choose the selected one or else the topmost."""
        layers = self._viewer.layers
        seen = [layer for layer in layers if isinstance(layer, Image) and layer.visible]
        if seen:
            active = layers.selection.active
            self.image.value = active if active in seen else seen[-1]

    def watched(self) -> list[Layer]:
        """List the layers whose changes may make a run possible or impossible."""
        return [self.image.value]

    def check(self, layer: Layer) -> LayerInput:
        """Read of the layers what can be read at once, or say why a run is impossible."""
        return read_layer(layer)

    def _asked(self) -> Asked:
        """Say what would be run now.

        Raises
        ------
        NapariDipError
            If it cannot work.
        """
        if self.image.value is None:
            raise BadImage("There is no image yet: open one, then press Run.")
        source, asked = matched(self.check(self.image.value), self._advanced.settings(self.task()))
        return Asked(source, asked, self._placing.target(), self._placing.who())

    def _look_again(self) -> None:
        """Find out whether a run can work now, and what it would take."""
        self._watch.only([layer for layer in self.watched() if layer is not None])
        asked = None
        try:
            asked = self._asked()
            proposed = proposed_path(asked.source, asked.settings)
            if self._placing.suggest(proposed, too_large=asked.too_large):
                self._fold.expand(animate=False)
                asked = self._asked()
        except NapariDipError as error:
            self._hinder(str(error))
        else:
            self._hinder("")
        self._estimate.ask(None if self._reason else asked)
        if self._fold.isExpanded():  # it does not notice that there are more controls in it
            self._fold.expand(animate=False)

    def _take_estimate(self, answer: Answer) -> None:
        if answer.possible:
            self.estimate.value = answer.words
        else:
            self._hinder(answer.words)

    def _hinder(self, reason: str) -> None:
        """Let Run be pressed only where nothing speaks against it."""
        if reason or self._reason:  # what is mended is no longer said
            self.estimate.value = reason
        self._reason = reason
        if self._session is None:
            self._rest()

    def _run(self) -> None:
        if self._session is not None:
            return
        try:
            asked = self._asked()
            source, _ = matched(self.read(self.image.value), asked.settings)
            target = settle_target(asked.target, self.native)
        except NapariDipError as error:
            self._say(str(error))
            show_error(str(error))
            return
        if target is None:
            return
        self._view.let_go()
        self._start(
            Session(
                self._viewer,
                source,
                asked.settings,
                target=target,
                machines=asked.machines,
                keep_previews=self._advanced.keep_previews.value,
            )
        )
        self._say(f"Getting ready to restore '{source.name}' …")

    def _continue(self, more: int) -> None:
        ended = self._view.afterwards
        if self._session is not None or ended is None:
            return
        asked = ended.result.settings
        self._start(Session(self._viewer, ended.source, asked, earlier=ended, more=more))
        self._say(f"Going on with '{ended.layer.name}' …")

    def _start(self, session: Session) -> None:
        self._session = session
        session.progressed.connect(self._say)
        session.ended.connect(self._ended)
        self._view.follow(session)
        self._buttons.allow("pause", "stop", "discard")
        session.start()

    def _pause(self) -> None:
        if self._session is not None:
            self._session.pause()
            self._buttons.allow("resume", "stop", "discard")
            self._say(f"Paused. Resume goes on. {self.status.value}")

    def _resume(self) -> None:
        if self._session is not None:
            self._buttons.allow("pause", "stop", "discard")
            self._session.resume()

    def _stop(self) -> None:
        if self._session is not None:
            self._buttons.allow("discard")
            self._say("Stopping: the best result so far is kept …")
            self._session.stop()

    def _discard(self) -> None:
        if self._session is not None:
            self._buttons.allow()
            self._say("Discarding …")
            self._session.discard()

    def _ended(self, words: str) -> None:
        outcome = None if self._session is None else self._session.outcome
        self._session = None
        self._rest()
        self._view.end(outcome)
        self._say(words)

    def _undocked(self) -> None:
        """Stop when the panel is closed, as Stop can no longer be pressed; nothing is lost."""
        if self._session is not None:
            show_info("The panel was closed: the run stops, and its best result so far is kept.")
            self._session.stop()
        self._view.let_go()

    def _abandon(self) -> None:
        if self._session is not None:
            self._session.abandon()

    def _rest(self) -> None:
        """Let Run be pressed, where nothing speaks against it."""
        self._buttons.allow(*([] if self._reason else ["run"]))

    def _say(self, words: str) -> None:
        self.status.value = words
