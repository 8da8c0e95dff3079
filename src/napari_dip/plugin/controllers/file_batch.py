"""Restore image files one after another, and follow what becomes of each."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from napari.qt.threading import thread_worker
from psygnal import Signal
from qtpy.QtCore import QTimer

from napari_dip.errors import NapariDipError
from napari_dip.image.plan_text import duration
from napari_dip.plugin.controllers.file_worker import FileChannel, deep_image_prior_of_files
from napari_dip.plugin.models.stage_progress import Progress

if TYPE_CHECKING:
    from pathlib import Path

    from napari_dip.files.folder_plan import FolderPlan
    from napari_dip.plugin.models.file_job import FileChoice, FileJob

    FileState = Literal["waiting", "running", "done", "done before", "stopped", "failed"]

    class MakeJob(Protocol):
        """Return the job for a plan with the values of the controls."""

        def __call__(self, plan: FolderPlan, /, *, overwrite: bool) -> FileJob:
            """Raise a NapariDipError if the controls are not valid."""


__all__ = ["FileBatch", "FileEntry"]

POLL_INTERVAL_MS = 250  # milliseconds, as for the run of a layer

MOST_REASONS = 3  # failed images that the last message names; the list has all

STATES: dict[str, FileState] = {"restored": "done", "skipped": "done before", "failed": "failed"}

STATES_IN_ORDER: tuple[FileState, ...] = (
    "done",
    "done before",
    "failed",
    "stopped",
    "waiting",
)

# Qt holds methods of plain objects weakly: without this, a run would end with its panel.
running_batches: set[FileBatch] = set()


@dataclass(eq=False)
class FileEntry:
    """An image of a batch.

    Attributes
    ----------
    name, source, output
        Its name, its file, and the file of its result.
    state
        How far it is.
    percent
        How much of it is restored, while it is running.
    text
        Why it failed, or what was noticed.
    """

    name: str
    source: Path
    output: Path
    state: FileState = "waiting"
    percent: int = 0
    text: str = ""

    @property
    def details(self) -> str:
        """What is known of the image, as a sentence; its folders are shown above the list."""
        if not self.text:
            return f"{self.name}: {self.in_words()}. Its result: {self.output.name}."
        text = self.text.replace(str(self.source), self.name)
        text = text.replace(str(self.output), self.output.name).rstrip(".") + "."
        return text if text.startswith(self.name) else f"{self.name}: {text}"

    def in_words(self) -> str:
        """Return the state, with the percents of a running one."""
        return f"running {self.percent} %" if self.state == "running" else self.state


class FileBatch:
    """The image files that a user chose, and the run that restores them.

    All methods are called in the main thread.

    Parameters
    ----------
    make_job
        Return the job for a plan with the values of the controls, or raise a NapariDipError.

    Attributes
    ----------
    entries
        The images.
    problem
        Why they cannot be listed, as a sentence; empty if they can.
    status
        What is going on, or how the last run ended; empty before.
    running
        Whether they are being restored.
    """

    changed = Signal()
    message = Signal(str)
    reported = Signal(Progress)
    started = Signal()
    ended = Signal()

    def __init__(self, make_job: MakeJob) -> None:
        self._make_job = make_job
        self._choice: FileChoice | None = None
        self._channel: FileChannel | None = None
        self._taken = 0
        self._began = self._restored_s = 0.0
        self._abandoned = False
        self.entries: list[FileEntry] = []
        self.problem = self.status = ""
        self.allowed = True
        self._timer = QTimer()
        self._timer.setInterval(POLL_INTERVAL_MS)
        self._timer.timeout.connect(self._poll)

    @property
    def running(self) -> bool:
        """Whether images are being restored."""
        return self._channel is not None

    @property
    def can_run(self) -> bool:
        """Whether there are images, and no run is in progress."""
        return bool(self.entries) and self.allowed and not self.running

    @property
    def can_stop(self) -> bool:
        """Whether a run is in progress that was not stopped."""
        return self._channel is not None and not self._channel.stopping.is_set()

    def allow(self, *, allowed: bool) -> None:
        """Allow a start only while no layer is restored."""
        self.allowed = allowed
        self.changed.emit()

    def choose(self, choice: FileChoice) -> None:
        """List the images of a choice."""
        if self.running:
            return
        self._choice = choice
        self._list()
        self.changed.emit()

    def _list(self) -> FolderPlan | None:
        self.entries, self.problem, self.status = [], "", ""
        plan = None
        try:
            plan = None if self._choice is None else self._choice.plan()
        except NapariDipError as error:
            self.problem = str(error)
        if plan is not None:
            self.entries = [FileEntry(item.name, item.source, item.output) for item in plan.items]
        return plan

    def run(self) -> None:
        """Restore the images that are not done, with the current values of the controls."""
        if not self.can_run or self._choice is None:
            return
        plan = self._list()  # the folder may have changed
        self.changed.emit()
        if plan is None:
            self._say(self.problem)
            return
        try:
            job = self._make_job(plan, overwrite=self._choice.overwrite)
        except NapariDipError as error:
            self._say(str(error))
            self.changed.emit()
            return
        self._channel, self._taken = FileChannel(), 0
        self._began, self._restored_s = time.monotonic(), 0.0
        worker = thread_worker(deep_image_prior_of_files)(job, self._channel)
        self._channel.closing_napari = lambda: bool(worker.abort_requested)
        worker.finished.connect(self._finish)
        running_batches.add(self)
        self.started.emit()
        self._say("Looking for results that are done …")
        self.changed.emit()
        worker.start()
        self._timer.start()

    def pause(self) -> None:
        """Pause at the next iteration."""
        if self._channel is not None:
            self._channel.running.clear()

    def resume(self) -> None:
        """Continue after a pause."""
        if self._channel is not None:
            self._channel.running.set()

    def stop(self) -> None:
        """End the run at the next iteration; images that are done stay."""
        if self._channel is not None and self.can_stop:
            self._channel.stopping.set()
            self._say("Stopping: the results that are done stay …")
            self.changed.emit()

    def abandon(self) -> None:
        """End the run without touching widgets, because they are closed."""
        self._abandoned = True
        if self._channel is not None:
            self._channel.stopping.set()

    def _say(self, text: str) -> None:
        self.status = text
        self.message.emit(text)

    def _poll(self) -> None:
        channel = self._channel
        if channel is None or self._abandoned:
            return
        before = self._shown()
        self._take(channel)
        item, progress = channel.current, channel.progress.now()
        if item is not None:
            number = next(n for n, one in enumerate(self.entries) if one.name == item.name)
            entry = self.entries[number]
            if entry.state == "waiting":
                entry.state = "running"
                self._say(self._status(number))
            entry.percent = int(100 * progress.fraction)
            self.reported.emit(
                Progress(
                    progress.stage,
                    f"{number + 1} of {len(self.entries)}: {entry.name}",
                    (number + progress.fraction) / len(self.entries),
                    time.monotonic() - self._began,
                )
            )
        if self._shown() != before:
            self.changed.emit()

    def _take(self, channel: FileChannel) -> None:
        """Take what became of the images that have ended."""
        for status in channel.ended[self._taken :]:
            entry = self.entries[self._taken]
            entry.state = STATES[status.status]
            notes = channel.notes.get(status.name, [])
            entry.text = status.reason or " ".join(f"{note.rstrip('.')}." for note in notes)
            self._taken += 1
            if entry.state == "done":
                self._restored_s = time.monotonic() - self._began

    def _status(self, number: int) -> str:
        """Say which image is restored, and how long the others may take."""
        text = f"Restoring {self.entries[number].name} …"
        done = sum(entry.state == "done" for entry in self.entries)
        if done:
            left = (len(self.entries) - number) * self._restored_s / done
            text += f" About {duration(left)} left for all."
        return text

    def _shown(self) -> list[str]:
        return [entry.in_words() for entry in self.entries]

    def _finish(self) -> None:
        running_batches.discard(self)
        self._timer.stop()
        channel, self._channel = self._channel, None
        if channel is None or self._abandoned:
            return
        self._take(channel)
        stopped = channel.interrupted and channel.interrupted.name
        for entry in self.entries:
            if entry.name == stopped or entry.state == "running":
                entry.state, entry.text = "stopped", "Run all restores it again, or resumes it."
        text = channel.failure or self._summary()
        channel.clear()
        self.ended.emit()
        self._say(text)
        self.changed.emit()

    def _summary(self) -> str:
        """Count the images by state, and say why images failed."""
        counts = Counter(entry.state for entry in self.entries)
        text = ", ".join(f"{counts[state]} {state}" for state in STATES_IN_ORDER if counts[state])
        left = counts["waiting"] + counts["stopped"] + counts["failed"]
        cure = " Run all goes on with the others." if left else ""
        failed = [entry.details for entry in self.entries if entry.state == "failed"]
        if len(failed) > MOST_REASONS:
            failed[MOST_REASONS:] = ["…"]
        plural = "s" if len(self.entries) > 1 else ""
        return f"{len(self.entries)} image{plural}: {text}.{cure} {' '.join(failed)}".rstrip()
