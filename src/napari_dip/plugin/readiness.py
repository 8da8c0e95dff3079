"""Whether a run can work now and what it would take, said above the buttons that it holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_dip.plugin.estimate import Answer, Asked, Estimate

if TYPE_CHECKING:
    from magicgui.widgets import Label
    from qtpy.QtWidgets import QWidget

    from napari_dip.plugin.buttons import Buttons
    from napari_dip.plugin.queue import Queue
    from napari_dip.plugin.steering import Steering
    from napari_dip.plugin.trying import Trying

__all__ = ["Readiness"]


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
