"""The result of a restoration."""

from __future__ import annotations

import platform
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from napari_dip.errors import BadSettings
from napari_dip.progress import no_report

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping
    from pathlib import Path

    from napari_dip.assess.report import Labels, RestorationReport
    from napari_dip.image.coverage import Coverage
    from napari_dip.image.lazy import LazyArray
    from napari_dip.image.problem import Problem
    from napari_dip.image.unit_report import UnitReport
    from napari_dip.progress import Report, Snapshot
    from napari_dip.settings import Settings

__all__ = ["Result"]


@dataclass(frozen=True)
class Result:
    """A restored image, and how it was made.

    Parameters
    ----------
    image
        With the axes of the input, and its dtype unless the settings say otherwise.
    axes
        One letter for each axis.
    settings
        The settings of the run.
    reports
        One for each unit that was fitted.
    device
        The device that computed.
    elapsed_s
        The time in seconds, without pauses.
    stopped_by_user
        If true, planes that had not begun are empty: NaN, or 0 for integers.
        :attr:`restored`, :attr:`partial` and :attr:`empty` list them.
    uncertainty
        Half the width of the interval that holds the truth with a probability of 90 %, in the units
        and of the shape of the result; the standard deviation is 1.645 times smaller. Where pixels
        are missing or refined it is less sure. ``None`` if it was not computed; NaN in
        planes that were stopped before.
    coverage
        Which planes are restored, partly restored, empty, or unchanged.
    plan
        How the image was divided, in words.
    psf
        What identifies the point spread function; ``None`` without one.
    continued_at
        The iterations after which earlier runs of the same fit had ended.
    final
        Why the fit cannot be continued; empty if :meth:`continued` can.
    problem
        The input of the run: image, mask, settings and plan.
    digests
        Digests of the pixels of the ``"image"`` and of its ``"uncertainty"``; empty for a stopped
        run.
    machine
        What decides the last bits: system, processor, threads, graphics card.
    """

    image: LazyArray
    axes: str
    settings: Settings
    reports: tuple[UnitReport, ...]
    device: str
    elapsed_s: float
    stopped_by_user: bool
    uncertainty: LazyArray | None = None
    plan: str = ""
    psf: Mapping[str, Any] | None = None
    coverage: Coverage | None = None
    continued_at: tuple[int, ...] = ()
    final: str = "its network was not kept"
    problem: Problem | None = field(default=None, repr=False, compare=False)
    digests: Mapping[str, str] = field(default_factory=dict, repr=False)
    machine: Mapping[str, Any] = field(default_factory=dict, repr=False)
    more: Callable[..., Generator[Snapshot, None, Result]] | None = field(default=None, repr=False)

    def continued(
        self,
        iterations: int,
        *,
        stop_requested: Callable[[], bool] = lambda: False,
        report: Report = no_report,
    ) -> Generator[Snapshot, None, Result]:
        """Continue the fit by more iterations.

        It needs ``restore(..., keep_network=True)`` and an image that was restored as a whole by a
        single fit. The stopping rule no longer ends the fit. The new result takes the network over:
        continue that one, not this one again.

        Parameters
        ----------
        iterations
            The number of further iterations, at least 1.
        stop_requested, report
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
        return self.more(self, iterations, stop_requested, report)

    @property
    def restored(self) -> tuple[dict[str, int], ...]:
        """The planes that are restored: the number along each leading axis, from 0."""
        return () if self.coverage is None else self.coverage.restored

    @property
    def partial(self) -> tuple[dict[str, int], ...]:
        """The planes that were stopped early, and hold the best estimate so far."""
        return () if self.coverage is None else self.coverage.partial

    @property
    def empty(self) -> tuple[dict[str, int], ...]:
        """The planes that had not begun when the run was stopped: NaN, or 0 for integers."""
        return () if self.coverage is None else self.coverage.empty

    @property
    def unchanged(self) -> tuple[dict[str, int], ...]:
        """The planes without a known pixel; they are copies of the image."""
        return () if self.coverage is None else self.coverage.unchanged

    @property
    def factors(self) -> dict[str, int]:
        """How many times longer the result is along each spatial axis."""
        return self.settings.factors

    def report(
        self,
        path: str | Path | None = None,
        *,
        labels: Labels | None = None,
        uncertainty: bool = False,
        resolution: bool = False,
        invented: bool = False,
    ) -> RestorationReport:
        """Make a report: pictures, what was done, what can be said about the result, methods.

        Parameters
        ----------
        path
            A file to write, ``.html`` or ``.json``; an existing one is replaced.
        labels
            Names of input and result, and pixel sizes.
        uncertainty, resolution, invented
            Further sections, as in :func:`~napari_dip.assess.assessment.assess`.

        Returns
        -------
        Report
            Its ``html()``, its ``as_dict()`` and its ``methods``.

        Raises
        ------
        BadSettings
            If the input is not known, or the name has another suffix.

        Examples
        --------
        >>> import numpy as np
        >>> from napari_dip import Settings, restore
        >>> from napari_dip.generators import finished
        >>> noisy = np.random.default_rng(0).poisson(20, (32, 32)).astype(np.uint16)
        >>> result = finished(restore(noisy, Settings(iterations=5, device="cpu")))
        >>> result.report().methods.paragraph
        'The image (32 x 32 pixels) was denoised with napari-dip ...'
        """
        from napari_dip.assess.report import check_report_name, make_report

        if path is not None:
            check_report_name(path)
        if self.problem is None:
            raise BadSettings("this result does not know its input; make one with restore()")
        report = make_report(
            self.problem,
            self.image,
            self.provenance(),
            labels=labels,
            half_widths=self.uncertainty,
            uncertainty=uncertainty,
            resolution=resolution,
            invented=invented,
        )
        if path is not None:
            report.write(path)
        return report

    def provenance(self, *, uncertainty: bool = False) -> dict[str, Any]:
        """Return how the image was made, as values that JSON can hold.

        ``input`` and ``result`` identify the pixels by digests that do not depend on the file
        format. ``tiling`` and ``machine`` decide the last bits.

        Parameters
        ----------
        uncertainty
            Whether the record is that of the uncertainty.
        """
        shown: LazyArray | None = self.uncertainty if uncertainty else self.image
        return {
            "napari-dip": version("napari-dip"),
            "settings": self.settings.model_dump(mode="json"),
            "seed": self.settings.seed,
            "axes": self.axes,
            "factors": self.factors,
            "device": self.device,
            "elapsed_s": round(self.elapsed_s, 3),
            "plan": self.plan,
            "psf": self.psf,
            "steps": list(next((report.steps for report in self.reports), ())),
            "continued_at": list(self.continued_at),
            "stopped_by_user": self.stopped_by_user,
            "planes": None if self.coverage is None else self.coverage.record(),
            "stop_reason": "; ".join(dict.fromkeys(report.reason for report in self.reports)),
            "units": [asdict(report) for report in self.reports],
            **({} if self.problem is None else {"tiling": self.problem.tiling_record()}),
            "machine": dict(self.machine),
            "input": {} if self.problem is None else self.problem.input_record(),
            "result": {
                "shape": None if shown is None else list(shown.shape),
                "dtype": str(getattr(shown, "dtype", "")),
                "pixels": self.digests.get("uncertainty" if uncertainty else "image"),
            },
            **({"shows": "uncertainty"} if uncertainty else {}),
            "versions": {
                "python": platform.python_version(),
                **{name: version(name) for name in ("torch", "numpy", "scipy")},
            },
        }
