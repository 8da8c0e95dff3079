"""The units that are out on the workers of a cluster: handed out, heard of, taken back."""

from __future__ import annotations

import uuid
from concurrent.futures import CancelledError
from dataclasses import replace
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

import dask
from distributed import Event
from distributed.scheduler import KilledWorker

from napari_dip.cluster.pictures import PICTURE_EVERY_S, Pictures
from napari_dip.cluster.worker import Job, give_up, restore_job
from napari_dip.errors import NapariDipError
from napari_dip.files.resumable_output import OnDisk
from napari_dip.image.plan import Plan
from napari_dip.image.unit import Done, UnitStep

if TYPE_CHECKING:
    from types import TracebackType

    from distributed import Client, Future

    from napari_dip.cluster.worker import Terms
    from napari_dip.image.plan import Unit
    from napari_dip.image.problem import Problem
    from napari_dip.image.result import UnitReport
    from napari_dip.image.sink import Output

__all__ = ["Desk"]

_IN_FLIGHT = 2
"""Units that a worker is given at once: one is restored, and the next one waits for it there."""

_TICK_S = 0.2
"""How long to wait for news before the user's wish to stop is looked at again."""

_NEVER_S = 1e9
"""Between two previews, where nobody looks at them."""


class Desk:
    """Hands units out to workers; a context in which these are listened to.

    Parameters
    ----------
    problem, output
        What is restored, and where it goes.
    client
        Of the cluster.
    terms
        On which all workers compute.
    previews
        Whether pictures are wanted before a unit is done, of one unit at a time.
    """

    def __init__(
        self,
        problem: Problem,
        output: Output,
        client: Client,
        terms: Terms,
        *,
        previews: bool = False,
    ) -> None:
        self._problem = problem
        every_s = max(problem.settings.preview_every_s, PICTURE_EVERY_S) if previews else _NEVER_S
        # All that is sent with every unit is small.
        self._sent = replace(
            problem,
            plan=Plan(problem.layout),
            survey=replace(problem.survey, breaks=frozenset()),
            settings=problem.settings.replace(preview_every_s=every_s),
        )
        self._output = output if isinstance(output, OnDisk) else None
        self._client = client
        self._terms = terms
        self._run = f"napari-dip-{uuid.uuid4().hex}"
        self._stop = Event(self._run, client)
        self._out: dict[int, tuple[Unit, Future[Any]]] = {}
        self._news: SimpleQueue[tuple[int, UnitStep | None]] = SimpleQueue()
        show = self._news.put
        self._pictures = Pictures(client, self._run, lambda *news: show(news)) if previews else None

    def __enter__(self) -> Desk:
        self._client.subscribe_topic(self._run, self._hear)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._client.unsubscribe_topic(self._run)
        if self._out:  # nobody waits for them any more
            give_up(self._run, self._client)
            self.stop()
            self._client.cancel([future for _, future in self._out.values()])
        else:
            self._stop.clear()

    @property
    def busy(self) -> bool:
        """Whether any unit is out."""
        return bool(self._out)

    @property
    def has_room(self) -> bool:
        """Whether another unit may be handed out; workers come and go."""
        return len(self._out) < _IN_FLIGHT * max(1, len(self._client.nthreads()))

    def submit(self, unit: Unit) -> None:
        """Hand out a unit, with its part of an image that is in memory."""
        problem = replace(self._sent, observed=self._problem.observed.only(unit.reach))
        job = Job(self._run, problem, unit, self._output, self._terms)
        # The part stays with the scheduler, so that it outlives the worker that is given it. As
        # few units are out, that is no large graph, as dask warns.
        with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1 PB"}):
            future = self._client.submit(
                restore_job, job, key=f"{self._run}-{unit.number}", pure=False
            )
        self._out[unit.number] = unit, future
        future.add_done_callback(lambda _: self._news.put((unit.number, None)))

    def stop(self) -> None:
        """Let no unit begin any more, and have those that are restored keep their best."""
        self._stop.set()

    def next_news(self) -> tuple[Unit, UnitStep | Done | UnitReport | NapariDipError | None] | None:
        """Wait a moment for word from the workers.

        Returns
        -------
        tuple or None
            A unit, and where it stands; or it itself, or its report if the worker has put it
            away, or ``None`` if it was not begun, or why it failed. Nothing if there is no word.
        """
        try:
            number, step = self._news.get(timeout=_TICK_S)
        except Empty:
            return None
        if number not in self._out:
            return None  # an old word
        if step is not None:
            return self._out[number][0], step
        unit, future = self._out.pop(number)
        if self._pictures:
            self._pictures.let_go(number)
        try:
            return unit, self._taken(unit, future)
        except NapariDipError as error:
            return unit, error

    def _hear(self, event: tuple[float, dict[str, Any]]) -> None:
        """Take a message of :func:`~napari_dip.cluster.worker.restore_job`; the client's thread."""
        _, said = event
        number = said.pop("unit")
        if self._pictures and number in self._out:
            self._pictures.heard(number, said["worker"])
        self._news.put((number, UnitStep(**{key: said[key] for key in UnitStep.__annotations__})))

    def _taken(self, unit: Unit, future: Future[Any]) -> Done | UnitReport | None:
        """Get what became of a unit, or an error of our own."""
        name = self._named(unit)
        try:
            taken: Done | UnitReport | None = future.result()
            return taken
        except NapariDipError as error:
            raise type(error)(f"{name}: {error}") from error
        except KilledWorker as error:
            raise NapariDipError(
                f"{name} killed {error.allowed_failures + 1} workers, one after another: see their "
                "logs; most often it is the memory, so give each worker more, or crop the image"
            ) from error
        except CancelledError as error:
            raise NapariDipError(
                f"{name} was lost with the cluster's scheduler ({error}); start it again, and go "
                "on with what is done"
            ) from error
        except Exception as error:
            raise NapariDipError(
                f"{name} failed on its worker ({type(error).__name__}: {error}); try again, and "
                "tell us if it stays"
            ) from error

    def _named(self, unit: Unit) -> str:
        """Say which unit it is, as ``part 3 of 12 (T 0, Z 4-7)``."""
        places = [
            f"{letter} {part.start}-{part.stop - 1}"
            if isinstance(part, slice)
            else f"{letter} {part}"
            for letter, part in zip(self._problem.layout.axes, unit.index, strict=False)
            if part != slice(None)
        ]
        where = f" ({', '.join(places)})" if places else ""
        return f"part {unit.number + 1} of {len(self._problem.plan.units)}{where}"
