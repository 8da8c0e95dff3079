"""What a restoration tells on the way, and what it gives in the end."""

from __future__ import annotations

import platform
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_dip.settings import Settings
    from napari_dip.stack.stored import Lazy

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


@dataclass(frozen=True)
class UnitReport:
    """How one unit ended; without any iteration if there was nothing to restore.

    ``index`` are its numbers along the leading axes, first and last but one of a window.
    ``noise`` is what was known of it, in the units of the image, of each channel where several
    were restored jointly. ``iterations`` are those of all
    ``members``; the best iteration is that of the first, and so is ``metric``, the rule's curve as
    (iteration, number), thinned.
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
    arithmetic: str = ""
    metric: tuple[tuple[int, float], ...] = ()
    stopped_by_user: bool = False


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
        If so, the units that had not begun are as they were.
    spread
        Standard deviation of the fits about their mean, in the units of the image and of its
        shape: where it is large, the result was invented. ``None`` for a single fit.
    plan
        How the image was cut into units, in words.
    """

    image: Lazy
    axes: str
    settings: Settings
    reports: tuple[UnitReport, ...]
    device: str
    elapsed_s: float
    stopped_by_user: bool
    spread: Lazy | None = None
    plan: str = ""

    @property
    def factor(self) -> int:
        """By how much the image grew along :attr:`scaled_axes`."""
        return self.settings.factor

    @property
    def scaled_axes(self) -> str:
        """The axes that super-resolution refines."""
        return "ZYX" if self.settings.ndim == 3 else "YX"

    def provenance(self) -> dict[str, Any]:
        """Say how the image was made, as values that JSON can hold."""
        return {
            "napari-dip": version("napari-dip"),
            "settings": self.settings.model_dump(mode="json"),
            "seed": self.settings.seed,
            "axes": self.axes,
            "device": self.device,
            "elapsed_s": round(self.elapsed_s, 3),
            "plan": self.plan,
            "stopped_by_user": self.stopped_by_user,
            "stop_reason": "; ".join(dict.fromkeys(report.reason for report in self.reports)),
            "units": [asdict(report) for report in self.reports],
            "versions": {
                "python": platform.python_version(),
                **{name: version(name) for name in ("torch", "numpy", "scipy")},
            },
        }
