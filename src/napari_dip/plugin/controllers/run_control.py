"""The run of a panel: begun, held and ended as the buttons are pressed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_dip.plugin.controllers.run_estimate import Answer, Estimate

if TYPE_CHECKING:
    from magicgui.widgets import Label
    from qtpy.QtWidgets import QWidget

    from napari_dip.plugin.controllers.session import Session
    from napari_dip.plugin.models.run_request import Asked
    from napari_dip.plugin.views.batch_list import Queue
    from napari_dip.plugin.views.run_buttons import Buttons, Trying

__all__ = ["Readiness", "Steering"]


class Steering:
    """Steers the one run that a panel may have at a time.

    Parameters
    ----------
    buttons
        By which the user steers.
    status
        Where it is said how the run comes along.

    Attributes
    ----------
    session
        The run that is on its way, or ``None``.
    """

    def __init__(self, buttons: Buttons, status: Label) -> None:
        self.session: Session | None = None
        self._buttons = buttons
        self._status = status
        buttons.stop.changed.connect(self._stop)
        buttons.discard.changed.connect(self._discard)
        buttons.pause.changed.connect(self._pause)
        buttons.resume.changed.connect(self._resume)

    def start(self, session: Session) -> None:
        """Begin a run."""
        self.session = session
        session.progressed.connect(self.say)
        self._buttons.allow("pause", "stop", "discard")
        session.start()

    def let_go(self) -> Session | None:
        """Give away the run that has ended, so that another may begin."""
        session, self.session = self.session, None
        return session

    def abandon(self) -> None:
        """End the run: nobody is there to see its result."""
        if self.session is not None:
            self.session.abandon()

    def say(self, words: str) -> None:
        """Say how the run comes along."""
        self._status.value = words

    def _pause(self) -> None:
        if self.session is not None:
            self.session.pause()
            self._buttons.allow("resume", "stop", "discard")
            self.say(f"Paused: {self._status.value}")

    def _resume(self) -> None:
        if self.session is not None:
            self._buttons.allow("pause", "stop", "discard")
            self.session.resume()

    def _stop(self) -> None:
        if self.session is not None:
            self._buttons.allow("discard")
            self.say("Stopping: the best result so far is kept …")
            self.session.stop()

    def _discard(self) -> None:
        if self.session is not None:
            self._buttons.allow()
            self.say("Discarding …")
            self.session.discard()


class Readiness:
    """Lets a run be begun where nothing speaks against it, and else says what does.

    Parameters
    ----------
    panel
        With which it ends.
    words
        Where it is said.
    steering
        Whose run, while there is one, decides about its buttons.
    buttons, trying, queue
        By which a run is begun.
    """

    def __init__(
        self,
        panel: QWidget,
        words: Label,
        steering: Steering,
        buttons: Buttons,
        trying: Trying,
        queue: Queue,
    ) -> None:
        self._words = words
        self._steering = steering
        self._buttons, self._trying, self._queue = buttons, trying, queue
        self._reason = ""
        self._estimate = Estimate(panel)
        self._estimate.answered.connect(self._take)

    def allow(self, asked: Asked) -> None:
        """Let it be begun, and find out what it would take."""
        self._settle("")
        self._estimate.ask(asked)

    def hinder(self, reason: str) -> None:
        """Say why it cannot be begun."""
        self._settle(reason)
        self._estimate.ask(None)

    def hold(self) -> None:
        """Let no other be begun beside one."""
        self._trying.hold(busy=True)
        self._queue.hold(busy=True)

    def release(self) -> None:
        """Let the next be begun, if it could work."""
        self._buttons.allow(*([] if self._reason else ["run"]))
        self._trying.hold(busy=bool(self._reason))
        self._queue.hold(busy=False)

    def _take(self, answer: Answer) -> None:
        if answer.possible:
            self._words.value = answer.words
        else:
            self._settle(answer.words)

    def _settle(self, reason: str) -> None:
        if reason or self._reason:  # what is mended is no longer said
            self._words.value = reason
        self._reason = reason
        if self._steering.session is None:
            self.release()
