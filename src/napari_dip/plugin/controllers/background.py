"""Do slow work for a widget in a worker thread."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from qtpy.compat import isalive
from superqt.utils import create_worker

from napari_dip.errors import NapariDipError

if TYPE_CHECKING:
    from collections.abc import Callable

    from qtpy.QtWidgets import QWidget

__all__ = ["in_background"]

logger = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True)
class _Outcome(Generic[T]):
    """What the work returned, or why it failed."""

    value: T | None = None
    failure: str = ""


def in_background(
    widget: QWidget,
    work: Callable[[], T],
    done: Callable[[T], None],
    failed: Callable[[str], None],
) -> None:
    """Do work in a worker thread, and call back in the thread of the widget.

    If the widget was closed meanwhile, nothing is called.

    Parameters
    ----------
    widget
        The widget that waits.
    work
        The work; it must not touch widgets or layers.
    done, failed
        Called with what it returned, or with the message of its error.
    """

    def guarded() -> _Outcome[T]:
        # An exception in the thread would emit no signal if it is a RuntimeError.
        try:
            return _Outcome(work())
        except NapariDipError as error:
            return _Outcome(failure=str(error))
        except Exception as error:
            logger.exception("work in the background failed")
            return _Outcome(failure=f"Unexpected error ({type(error).__name__}: {error}).")

    def finish(outcome: _Outcome[Any]) -> None:
        if not isalive(widget):  # type: ignore[no-untyped-call]
            return
        if outcome.failure:
            failed(outcome.failure)
        else:
            done(outcome.value)  # type: ignore[arg-type]

    worker: Any = create_worker(guarded)
    worker.returned.connect(finish)
    worker.start()
