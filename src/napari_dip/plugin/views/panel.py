"""What the three panels share: the image, the run, and the settings that each task has."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from magicgui.widgets import Container, Widget
from napari.layers import Image
from napari.utils.notifications import show_error, show_info

from napari_dip.errors import BadImage, NapariDipError
from napari_dip.plaintext import as_html
from napari_dip.plugin.controllers.run_control import Readiness, Steering
from napari_dip.plugin.controllers.session import Session
from napari_dip.plugin.controllers.viewer_layers import Watch, unwrapped
from napari_dip.plugin.models.layer_input import matched, read_layer
from napari_dip.plugin.models.output_folder import queued
from napari_dip.plugin.models.provenance import made_with
from napari_dip.plugin.models.run_request import Reader, Wanted, held
from napari_dip.plugin.models.target import proposed_path
from napari_dip.plugin.models.trial import part_of
from napari_dip.plugin.views import controls
from napari_dip.plugin.views.batch_list import Queue
from napari_dip.plugin.views.output_controls import Placing, settle
from napari_dip.plugin.views.panel_frame import (
    Docking,
    HelpLink,
    Icons,
    choose_likely,
    make_scrollable,
    no_image,
    sample_button,
    with_help,
)
from napari_dip.plugin.views.run_buttons import Again, Buttons, Trying, bind, reapplied
from napari_dip.plugin.views.run_view import RunView
from napari_dip.plugin.views.settings_controls import Advanced, remember

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from napari.layers import Layer
    from napari.viewer import Viewer

    from napari_dip import settings
    from napari_dip.plugin.models.run_request import Asked
    from napari_dip.settings import Settings

__all__ = ["Panel"]

_WIDTH = 350
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

    Attributes
    ----------
    page
        The page of the documentation about the task.
    sample
        The sample that suits the task.
    """

    page: ClassVar[str]
    sample: ClassVar[str]

    def __init__(self, viewer: Viewer, own: list[Widget], folded: list[Widget]) -> None:
        self._viewer = unwrapped(viewer)
        self.image = controls.layer_choice(
            "image",
            "image",
            "The Image layer to restore. It is not changed.",
            self._viewer,
            Image,
        )
        self._buttons = Buttons()
        self.run = self._buttons.run
        self._sample = sample_button()
        self.estimate = controls.words("estimate")
        self.status = controls.words("status")
        self._steering = Steering(self._buttons, self.status)
        self._advanced = Advanced(folded)
        remember(self._advanced.lasting)
        self._placing = Placing()
        self._view = RunView(self._viewer)
        self._again = Again(self._viewer)
        self._trying = Trying()
        self._queue = Queue(self._viewer, self._wanted)
        super().__init__(widgets=[self.image, *own])
        controls.align(self)
        self._fold = controls.folded("placing", "Output and machines", self._placing)
        advanced = controls.folded("advanced", "Advanced settings", self._advanced)
        queue = controls.folded("queueing", "Several layers", self._queue)
        words = self.estimate.native, self._sample.native
        status = with_help(self.status.native, HelpLink(self.page, self._viewer))
        buttons = self._buttons.native, self._trying.native
        folds = self._fold, advanced, queue
        for part in (*words, *buttons, status, self._view, self._again, *folds):
            self.native.layout().addWidget(part)
        make_scrollable(self.native)
        bind(self.native, [*self._buttons.all, self._view.tools.onward])
        Icons(self.native, self._viewer)
        self.native.setMaximumWidth(_WIDTH)
        Docking(self.native).undocked.connect(self._undocked)
        self.native.destroyed.connect(self._steering.abandon)
        self.run.changed.connect(self._run)
        self._sample.changed.connect(self._open_sample)
        self._view.continued.connect(self._continue)
        self._view.said.connect(self._steering.say)
        self._again.reapplied.connect(self._reapply)
        self._again.said.connect(self._steering.say)
        self._trying.try_here.changed.connect(self._try)
        self._trying.apply_to_stack.changed.connect(self._apply)
        self._queue.wanted.connect(self._run_queued)
        self._queue.said.connect(self._steering.say)
        begun_by = self._buttons, self._trying, self._queue
        self._readiness = Readiness(self.native, self.estimate, self._steering, *begun_by)
        self._watch = Watch(self._look_again)
        self._viewer.layers.events.inserted.connect(self._look_for_image)
        self._viewer.layers.events.removed.connect(self._look_for_image)
        for part in (self, self._advanced, self._placing):
            part.changed.connect(self._look_again)
        self.reset_choices()
        choose_likely(self.image, self._viewer)
        self._look_again()

    def task(self) -> settings.Task:
        """Say what the controls of the task ask for."""
        raise NotImplementedError

    def reader(self) -> Reader:
        """Say how layers are read, as the controls stand now."""
        return Reader()

    def take(self, task: Any, came: Mapping[str, Any]) -> None:
        """Set the controls of the task as the record of a layer has it."""
        raise NotImplementedError

    def _look_for_image(self) -> None:
        """Where there is none, say what there is instead."""
        if self.image.value is None:
            self._look_again()

    def _open_sample(self) -> None:
        self._viewer.open_sample("napari-dip", self.sample)
        choose_likely(self.image, self._viewer)

    def watched(self) -> list[Layer]:
        """List the layers whose changes may make a run possible or impossible."""
        return [self.image.value]

    def _wanted(self) -> Wanted:
        """Say what would be run now.

        Raises
        ------
        NapariDipError
            If the controls ask for what cannot work.
        """
        return Wanted(
            self.reader(),
            self._advanced.settings(self.task()),
            self._placing.target(),
            self._placing.who(),
        )

    def _layer(self) -> Layer:
        if self.image.value is None:
            raise BadImage(no_image(self._viewer))
        layer: Layer = self.image.value
        return layer

    def _look_again(self) -> None:
        """Find out whether a run can work now, and what it would take."""
        self._watch.only([layer for layer in self.watched() if layer is not None])
        self._sample.native.setVisible(self.image.value is None)
        try:
            layer = self._layer()
            self._propose(layer)
            asked = self._wanted().of(layer)
            if self._placing.choose(too_large=asked.too_large):
                self._fold.expand(animate=False)
                asked = self._wanted().of(layer)
        except NapariDipError as error:
            self._readiness.hinder(str(error))
        else:
            self._readiness.allow(asked)

    def _propose(self, layer: Layer) -> None:
        """Let the folder follow the image and the task, whatever else speaks against a run."""
        source, settings = matched(read_layer(layer), self._advanced.settings(self.task()))
        self._placing.propose(proposed_path(source, settings))

    def _run(self) -> None:
        self._attempt(lambda: self._wanted().of(self._layer(), pixels=True))

    def _try(self) -> None:
        """Run on a part, whose result stays in memory."""

        def prepare() -> Asked:
            layer, wanted = self._layer(), self._wanted()
            mask = None if wanted.reader.marked is None else wanted.reader.marked.layer
            return part_of(wanted.of(layer, pixels=True), layer, self._viewer, mask)

        self._attempt(prepare)

    def _apply(self) -> None:
        """Run on all of what the last trial was a part of, with its settings."""
        trial = self._trying.trial
        if trial is None:
            return
        if trial.layer not in self._viewer.layers:
            self._steering.say(f"The layer '{trial.layer.name}' was deleted: try on another.")
            return
        self.image.value = trial.layer
        self._attempt(
            lambda: replace(self._wanted(), reader=trial.reader, settings=trial.for_the_whole()).of(
                trial.layer, pixels=True
            )
        )

    def _run_queued(self, layer: Layer, wanted: Wanted) -> None:
        try:
            problem = self._attempt(partial(queued, wanted, layer), ask=False)
        except Exception as error:
            # Whatever it is, the layers that wait must get their turn.
            self._queue.take("failed", f"{type(error).__name__}: {error}")
            raise
        if problem:
            self._queue.take("failed", problem)

    def _attempt(self, prepare: Callable[[], Asked], *, ask: bool = True) -> str:
        """Begin a run, or say why there is none; what lies in its folder may be asked about."""
        if self._steering.session is not None:
            return "Another run is going on."
        try:
            asked = prepare()
            settled = settle(asked, self._viewer, self.native) if ask else asked
        except NapariDipError as error:
            self._steering.say(str(error))
            show_error(as_html(error))
            return str(error)
        if settled is None:
            return "It was not started."
        self._begin(settled)
        return ""

    def _begin(self, asked: Asked) -> None:
        self._view.let_go()
        self._start(
            Session(
                self._viewer,
                held(asked.source),
                asked.settings,
                target=asked.target,
                machines=asked.machines,
                keep_previews=self._advanced.keep_previews.value,
            )
        )
        self._trying.begin(*((self.image.value, self.reader()) if asked.source.part else ()))
        words = f"Getting ready to restore '{asked.source.name}' … {asked.target.note}"
        if asked.target.resume:
            _, rest = self._set_controls(asked.settings, {})
            words = f"Resuming '{asked.source.name}' with the settings that it was started with …"
            words += f" There is no control for {', '.join(rest)}." if rest else ""
        self._steering.say(words.strip())

    def _continue(self, more: int) -> None:
        ended = self._view.afterwards
        if self._steering.session is not None or ended is None:
            return
        asked = ended.result.settings
        self._start(Session(self._viewer, ended.source, asked, earlier=ended, more=more))
        self._steering.say(f"Going on with '{ended.layer.name}' …")

    def _start(self, session: Session) -> None:
        session.ended.connect(self._ended)
        self._view.follow(session)
        self._readiness.hold()
        self._steering.start(session)

    def _ended(self, words: str) -> None:
        if (session := self._steering.let_go()) is None:
            return
        self._trying.end(session.outcome)
        self._readiness.release()
        self._view.end(session.outcome)
        self._again.made(session.layer)
        self._steering.say(words)
        self._queue.take(session.ending, words)

    def _set_controls(self, asked: Settings, came: Mapping[str, Any]) -> tuple[bool, list[str]]:
        """Set the controls to settings; tell if the task is theirs, and what has no control."""
        rest = self._advanced.take(asked)
        if own := asked.task.kind == self.task().kind:
            self.take(asked.task, came)
        return own, rest

    def _reapply(self, record: Mapping[str, Any], name: str) -> None:
        try:
            asked = made_with(record)
        except NapariDipError as error:
            self._steering.say(f"'{name}' was made by another version: {error}")
            return
        own, rest = self._set_controls(asked, record["input"])
        self._steering.say(reapplied(name, "" if own else asked.task.kind, rest))

    def _undocked(self) -> None:
        """Stop when the panel is closed, as Stop can no longer be pressed; nothing is lost."""
        if self._steering.session is not None:
            show_info("The panel was closed: the run stops, and its best result so far is kept.")
            self._queue.take("discarded", "The panel was closed.")
            self._steering.session.stop()
        self._view.let_go()
