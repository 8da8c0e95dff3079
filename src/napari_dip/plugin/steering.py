"""The run of a panel: begun, held and ended as the buttons are pressed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from magicgui.widgets import Label

    from napari_dip.plugin.buttons import Buttons
    from napari_dip.plugin.session import Session

__all__ = ["Steering"]


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
