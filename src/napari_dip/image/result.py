"""What a restoration tells on the way, and what it gives in the end."""

from __future__ import annotations

import platform
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from napari_dip.errors import BadSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from numpy.typing import NDArray

    from napari_dip.image.coverage import Coverage
    from napari_dip.image.lazy import LazyArray
    from napari_dip.settings import Settings

__all__ = ["Result", "Snapshot", "UnitReport"]


@dataclass(frozen=True)
class Snapshot:
    """Where a restoration stands.

    Parameters
    ----------
    unit, units
        Number of the plane (or volume) that is being fitted, from 0, and how many there are.
    index
        Where ``image`` belongs: ``output[index] = image``.
    iteration, iterations
        Of this unit, from 1, and the most that it may take.
    loss, metric
        The energy, and the number that the stopping rule watches.
    elapsed_s, remaining_s
        Seconds since the start, and until the end if no unit stops early.
    image
        The estimate in the units, dtype and order of axes of the result; there only when a
        preview is due.
    best_iteration
        The one that the stopping rule would choose now, 0 before it is known.
    part
        What is being restored, such as ``"plane 5 of 7"``; empty where it is all of the image.

    Notes
    -----
    Where several units are restored at once, ``unit`` and ``iteration`` count the work on all of
    them as though they had been restored one after another; the rest is of the unit that has told
    last.
    """

    unit: int
    units: int
    index: tuple[int | slice, ...]
    iteration: int
    iterations: int
    loss: float
    metric: float
    elapsed_s: float
    remaining_s: float
    image: NDArray[Any] | None = None
    best_iteration: int = 0
    part: str = ""


@dataclass(frozen=True)
class UnitReport:
    """How one unit ended; without any iteration if there was nothing to restore.

    ``index`` are its numbers along the leading axes, first and last but one of a window.
    ``noise`` is what was known of it, in the units of the image, of each channel where several
    were restored jointly. ``iterations`` are those of all ``members`` of all ``tiles``, and of the
    ``denoising`` that came first, if any; the best iteration is that of the first fit. ``rule`` and
    ``metric``, its curve as (iteration, number), thinned, are those of the first fit to noise.
    ``moved`` is by how many pixels planes that were aligned lay apart at most.
    ``most_iterations`` are those that it might have taken. Where the user stopped it, some of the
    ``of_tiles`` may not have begun. ``unchanged`` says that no pixel was known, so that it is as it
    was in the image. ``steps`` describe what was done, a sentence each.
    """

    index: tuple[int | tuple[int, int], ...]
    reason: str
    rule: str = ""
    iterations: int = 0
    best_iteration: int = 0
    loss: float = 0.0
    noise: dict[str, Any] | list[dict[str, Any]] = field(default_factory=dict)
    rollbacks: int = 0
    members: int = 0
    tiles: int = 1
    arithmetic: str = ""
    metric: tuple[tuple[int, float], ...] = ()
    denoising: int = 0
    moved: int = 0
    stopped_by_user: bool = False
    most_iterations: int = 0
    of_tiles: int = 1
    unchanged: bool = False
    steps: tuple[str, ...] = ()


@dataclass(frozen=True)
class Result:
    """A restored image and how it came about.

    Parameters
    ----------
    image
        In the order of axes of the input, and its dtype unless the settings say otherwise.
    axes
        One letter for each axis.
    settings
        What was asked.
    reports
        One for each unit that was fitted.
    device
        Where.
    elapsed_s
        In seconds.
    stopped_by_user
        If so, planes that had not begun are empty: NaN, or 0 where the dtype holds whole numbers.
        :attr:`restored`, :attr:`partial` and :attr:`empty` list them.
    spread
        Standard deviation of the fits about their mean, in the units of the image and of its
        shape: where it is large, the result was invented. ``None`` for a single fit. NaN in planes
        of which no more than one fit was finished.
    coverage
        Which planes are restored, partly restored, empty, or unchanged.
    plan
        How the image was cut into units, in words.
    continued_at
        The iterations at which it had ended already, and was continued.
    final
        Why it cannot be continued; empty where :meth:`continued` goes on.
    """

    image: LazyArray
    axes: str
    settings: Settings
    reports: tuple[UnitReport, ...]
    device: str
    elapsed_s: float
    stopped_by_user: bool
    spread: LazyArray | None = None
    plan: str = ""
    coverage: Coverage | None = None
    continued_at: tuple[int, ...] = ()
    final: str = "its network was not kept"
    more: Callable[..., Generator[Snapshot, None, Result]] | None = field(default=None, repr=False)

    def continued(
        self, iterations: int, *, stop_requested: Callable[[], bool] = lambda: False
    ) -> Generator[Snapshot, None, Result]:
        """Go on with the same network by so many iterations.

        Needs ``restore(..., keep_network=True)``, and an image that was restored as a whole by a
        single fit. A stopping rule that had ended the fit no longer does. The network goes along:
        continue the result that comes out, not this one again.

        Parameters
        ----------
        iterations
            How many more, at least 1.
        stop_requested
            As in :func:`~napari_dip.image.restore.restore`.

        Raises
        ------
        BadSettings
            At the call, if it cannot be continued, with the reason.
        """
        if self.more is None:
            raise BadSettings(f"this result cannot be continued: {self.final}")
        if iterations < 1:
            raise BadSettings(f"iterations={iterations}: give at least one more")
        return self.more(self, iterations, stop_requested)

    @property
    def restored(self) -> tuple[dict[str, int], ...]:
        """The planes that are restored: the number along each leading axis, from 0."""
        return () if self.coverage is None else self.coverage.restored

    @property
    def partial(self) -> tuple[dict[str, int], ...]:
        """The planes that were stopped before their end, and hold the best so far."""
        return () if self.coverage is None else self.coverage.partial

    @property
    def empty(self) -> tuple[dict[str, int], ...]:
        """The planes that had not begun when the run was stopped: NaN, or 0 in whole numbers."""
        return () if self.coverage is None else self.coverage.empty

    @property
    def unchanged(self) -> tuple[dict[str, int], ...]:
        """The planes of which no pixel is known; they are as they were in the image."""
        return () if self.coverage is None else self.coverage.unchanged

    @property
    def factors(self) -> dict[str, int]:
        """By how much the image grew along each spatial axis."""
        return self.settings.factors

    def provenance(self) -> dict[str, Any]:
        """Say how the image was made, as values that JSON can hold."""
        return {
            "napari-dip": version("napari-dip"),
            "settings": self.settings.model_dump(mode="json"),
            "seed": self.settings.seed,
            "axes": self.axes,
            "factors": self.factors,
            "device": self.device,
            "elapsed_s": round(self.elapsed_s, 3),
            "plan": self.plan,
            "steps": list(next((report.steps for report in self.reports), ())),
            "continued_at": list(self.continued_at),
            "stopped_by_user": self.stopped_by_user,
            "planes": None if self.coverage is None else self.coverage.record(),
            "stop_reason": "; ".join(dict.fromkeys(report.reason for report in self.reports)),
            "units": [asdict(report) for report in self.reports],
            "versions": {
                "python": platform.python_version(),
                **{name: version(name) for name in ("torch", "numpy", "scipy")},
            },
        }
