"""Send units to the workers of a cluster, and receive their progress and results."""

from __future__ import annotations

import uuid
from concurrent.futures import CancelledError
from dataclasses import replace
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

import dask
from distributed import Event
from distributed.scheduler import KilledWorker

from napari_dip.cluster.previews import PREVIEW_EVERY_S, PreviewFetcher
from napari_dip.cluster.worker_job import Job, discard_unfinished, restore_job
from napari_dip.errors import NapariDipError
from napari_dip.files.resumable_output import OnDisk
from napari_dip.image.plan import Plan
from napari_dip.progress import Snapshot

if TYPE_CHECKING:
    from types import TracebackType

    from distributed import Client, Future

    from napari_dip.cluster.worker_job import ComputeConfig
    from napari_dip.image.plan import Unit
    from napari_dip.image.problem import Problem
    from napari_dip.image.sink import Sink
    from napari_dip.image.unit import RestoredUnit
    from napari_dip.image.unit_report import UnitReport

__all__ = ["Dispatcher"]

UNITS_PER_WORKER = 2  # units: the worker restores one, and has the next one ready

POLL_S = 0.2  # seconds: longest wait for a message before the stop request is checked again

NO_PREVIEWS_S = 1e9  # seconds: preview interval of a run without previews


class Dispatcher:
    """Send units to workers; a context manager that receives their messages.

    Parameters
    ----------
    problem
        The image and what to do with it.
    output
        Where the result goes.
    client
        Client of the cluster.
    config
        Device, threads and arithmetic of all workers.
    previews
        Whether to fetch previews, of one unit at a time.
    """

    def __init__(
        self,
        problem: Problem,
        output: Sink,
        client: Client,
        config: ComputeConfig,
        *,
        previews: bool = False,
    ) -> None:
        self._problem = problem
        interval = NO_PREVIEWS_S
        if previews:
            interval = max(problem.settings.preview_every_s, PREVIEW_EVERY_S)
        # Every unit is sent with this, so it must be small.
        self._sent = replace(
            problem,
            plan=Plan(problem.layout),
            survey=replace(problem.survey, breaks=frozenset()),
            settings=problem.settings.replace(preview_every_s=interval),
        )
        self._output = output if isinstance(output, OnDisk) else None
        self._client = client
        self._config = config
        self._run = f"napari-dip-{uuid.uuid4().hex}"
        self._stop = Event(self._run, client)
        self._pending: dict[int, tuple[Unit, Future[Any]]] = {}
        self._messages: SimpleQueue[tuple[int, Snapshot | None]] = SimpleQueue()
        put = self._messages.put
        self._previews = (
            PreviewFetcher(client, self._run, lambda *message: put(message)) if previews else None
        )

    def __enter__(self) -> Dispatcher:
        self._client.subscribe_topic(self._run, self._receive)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._client.unsubscribe_topic(self._run)
        if self._pending:  # the caller has given up the run
            discard_unfinished(self._run, self._client)
            self.stop()
            self._client.cancel([future for _, future in self._pending.values()])
        else:
            self._stop.clear()

    @property
    def busy(self) -> bool:
        """Whether a worker has a unit."""
        return bool(self._pending)

    @property
    def has_room(self) -> bool:
        """Whether another unit may be sent; the number of workers can change."""
        return len(self._pending) < UNITS_PER_WORKER * max(1, len(self._client.nthreads()))

    def submit(self, unit: Unit) -> None:
        """Send a unit, with its part of an image that is in memory."""
        problem = replace(self._sent, observed=self._problem.observed.extract(unit.input_index))
        job = Job(self._run, problem, unit, self._output, self._config)
        # The scheduler keeps the unit's pixels, so that they outlive the worker. Few units are
        # pending, so dask's warning about a large graph does not apply.
        with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1 PB"}):
            future = self._client.submit(
                restore_job, job, key=f"{self._run}-{unit.number}", pure=False
            )
        self._pending[unit.number] = unit, future
        future.add_done_callback(lambda _: self._messages.put((unit.number, None)))

    def stop(self) -> None:
        """Start no more units, and end those in progress with their best result so far."""
        self._stop.set()

    def next_message(
        self,
    ) -> tuple[Unit, Snapshot | RestoredUnit | UnitReport | NapariDipError | None] | None:
        """Wait up to `POLL_S` seconds for a message from the workers.

        Returns
        -------
        tuple or None
            A unit, and one of: its progress; the unit itself; its report, if the worker has
            written it; ``None``, if it did not begin; the error that ended it. ``None`` in place
            of the tuple if there is no message.
        """
        try:
            number, step = self._messages.get(timeout=POLL_S)
        except Empty:
            return None
        if number not in self._pending:
            return None  # a late message of a unit that is done
        if step is not None:
            return self._pending[number][0], step
        unit, future = self._pending.pop(number)
        if self._previews:
            self._previews.done(number)
        try:
            return unit, self._result(unit, future)
        except NapariDipError as error:
            return unit, error

    def _receive(self, event: tuple[float, dict[str, Any]]) -> None:
        """Receive a message of :func:`~napari_dip.cluster.worker_job.restore_job`.

        The client calls this in its own thread.
        """
        _, message = event
        number, worker = message.pop("number"), message.pop("worker")
        if self._previews and number in self._pending:
            self._previews.progressed(number, worker)
        self._messages.put((number, Snapshot(**message)))

    def _result(self, unit: Unit, future: Future[Any]) -> RestoredUnit | UnitReport | None:
        """Return the result of a unit, or raise one of this package's errors."""
        name = self._name(unit)
        try:
            result: RestoredUnit | UnitReport | None = future.result()
            return result
        except NapariDipError as error:
            raise type(error)(f"{name}: {error}") from error
        except KilledWorker as error:
            raise NapariDipError(
                f"{name} ended {error.allowed_failures + 1} workers, one after another; read their "
                "logs. The usual reason is too little memory: give each worker more, or crop the "
                "image"
            ) from error
        except CancelledError as error:
            raise NapariDipError(
                f"{name} was lost with the scheduler ({error}); start the scheduler again, and "
                "resume the run"
            ) from error
        except Exception as error:
            raise NapariDipError(
                f"{name} failed on its worker ({type(error).__name__}: {error}); run again, and "
                "report this if it happens again"
            ) from error

    def _name(self, unit: Unit) -> str:
        """Name a unit, such as ``part 3 of 12 (T 0, Z 4-7)``."""
        places = [
            f"{letter} {part.start}-{part.stop - 1}"
            if isinstance(part, slice)
            else f"{letter} {part}"
            for letter, part in zip(self._problem.layout.axes, unit.index, strict=False)
            if part != slice(None)
        ]
        where = f" ({', '.join(places)})" if places else ""
        return f"part {unit.number + 1} of {len(self._problem.plan.units)}{where}"
