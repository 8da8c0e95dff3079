"""Restore an image again as the record of a result says, and compare the pixels."""

from __future__ import annotations

import math
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_dip.errors import BadSettings
from napari_dip.files.comparison import Comparison
from napari_dip.files.recorded_run import open_recorded_run
from napari_dip.files.result_record import require_record
from napari_dip.generators import finished
from napari_dip.image.restore import run
from napari_dip.progress import no_report

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from numpy.typing import ArrayLike

    from napari_dip.image.problem import Problem
    from napari_dip.image.restore import Restoration, Result
    from napari_dip.progress import Report

__all__ = ["Reproduction", "ReproductionRun", "open_reproduction", "reproduce"]


@dataclass(frozen=True)
class Reproduction:
    """How a result compares with a second run of its record.

    Parameters
    ----------
    result, source
        The file of the result, and that of its input.
    different, pixels
        How many values differ, and how many there are.
    largest, rms
        The largest difference, and the root mean square of the differences of all values, in units
        of the image; NaN if a value is unknown in one of both only.
    changes
        What is different now, such as ``"torch 2.9.0 then, 2.10.0 now"``.
    """

    result: str
    source: str
    different: int
    pixels: int
    largest: float
    rms: float
    changes: tuple[str, ...]

    @property
    def same(self) -> bool:
        """Whether all values are the same."""
        return self.different == 0

    def as_dict(self) -> dict[str, Any]:
        """Return all fields and ``same``, as values that JSON can hold."""
        return {"same": self.same, **asdict(self)}

    def __str__(self) -> str:
        if self.same:
            verdict = f"{self.result}: same bytes, restored again from {self.source}."
        else:
            gap = f"by at most {self.largest:.6g} (rms {self.rms:.3g})"
            if math.isnan(self.largest):
                gap = "by unknown values (NaN) that only one of both has,"
            verdict = (
                f"{self.result}: differs {gap} in {self.different:,} of {self.pixels:,} values, "
                f"restored again from {self.source}."
            )
        if self.changes:
            return f"{verdict} What has changed: {'; '.join(self.changes)}."
        known = "" if self.same else " No version, device or processor feature has changed."
        return verdict + known


@dataclass(frozen=True)
class ReproductionRun:
    """A second run that has passed all checks and can be started."""

    path: Path
    source: str
    record: Mapping[str, Any]
    problem: Problem
    output: Comparison

    def steps(
        self,
        stop_requested: Callable[[], bool] = lambda: False,
        report: Report = no_report,
    ) -> Restoration:
        """Restore, with the recorded precision and number of threads; see :func:`restore`."""
        from napari_dip.compute.device import cpu_threads, set_cpu_threads
        from napari_dip.pipeline.precision import computing_in

        with ExitStack() as undo:
            threads = self.record.get("machine", {}).get("threads")
            if threads and self.problem.device == "cpu" and threads != cpu_threads():
                undo.callback(set_cpu_threads, cpu_threads())
                set_cpu_threads(threads)
            arithmetic = next((one.get("arithmetic", "") for one in self.record["units"]), "")
            undo.enter_context(computing_in(self.problem.device, arithmetic))
            return (yield from run(self.problem, self.output, stop_requested, report))

    def compare(self, result: Result) -> Reproduction:
        """Return the verdict at the end of the run."""
        found = self.output
        return Reproduction(
            str(self.path),
            self.source,
            found.different,
            found.pixels,
            found.largest,
            found.rms,
            tuple(_changes(self.record, result)),
        )


def reproduce(
    path: str | Path,
    source: str | Path | None = None,
    *,
    mask: str | Path | None = None,
    psf: ArrayLike | str | Path | None = None,
) -> Reproduction:
    """Restore an image again as the record of a result says, and compare the pixels.

    Nothing is written. On the same machine, with the same versions, a CPU computes the same bytes.

    Parameters
    ----------
    path
        The file of a result.
    source, mask
        Files of the input and of its mask, if they are no longer where they were.
    psf
        The point spread function of the run, or its file; if it was read from a file, that is found
        like the others.

    Raises
    ------
    FileProblem
        If the file has no record, its pixels or those of the input have changed, or the input or
        the mask is not found.
    BadSettings
        If this version does not know the settings, or if a run cannot repeat the result: it was
        stopped or continued, or is an earlier iteration or a mixture with the input.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from napari_dip import Settings
    >>> from napari_dip.files.file_run import open_run
    >>> from napari_dip.files.image_io import StoredImage, write_image
    >>> folder = Path(tempfile.mkdtemp())
    >>> noisy = np.random.default_rng(0).poisson(20, (24, 24)).astype(np.uint16)
    >>> write_image(folder / "noisy.tif", StoredImage(noisy, "YX"))
    >>> settings = Settings(iterations=5, device="cpu")
    >>> run = open_run(folder / "noisy.tif", folder / "clean.tif", settings)
    >>> _ = run.write(finished(run.steps()))
    >>> reproduce(folder / "clean.tif").same
    True
    """
    given = (None if one is None else Path(one) for one in (source, mask))
    kernel = Path(psf) if isinstance(psf, str) else psf
    again = open_reproduction(Path(path), *given, psf=kernel)
    return again.compare(finished(again.steps()))


def open_reproduction(
    path: Path,
    source: Path | None = None,
    mask: Path | None = None,
    *,
    psf: ArrayLike | Path | None = None,
) -> ReproductionRun:
    """Check everything before a second run; see :func:`reproduce`."""
    _refuse_manual_steps(require_record(path), path)
    found = open_recorded_run(path, source, mask, psf=psf)
    output = Comparison(
        found.problem, found.result, uncertainty=found.record.get("shows") == "uncertainty"
    )
    problem = replace(found.problem, origin={})
    return ReproductionRun(path, str(found.source), found.record, problem, output)


def _refuse_manual_steps(record: Mapping[str, Any], path: Path) -> None:
    """Refuse a result that a run does not repeat."""
    picture = record.get("picture", {})
    by_hand = {
        "it was stopped before its end": record.get("stopped_by_user"),
        "it was continued": record.get("continued_at"),
        f"it is the preview at iteration {picture.get('iteration')}": "iteration" in picture,
        f"it was mixed with its input, at a strength of {picture.get('strength_percent')} %": (
            "strength_percent" in picture
        ),
    }
    if reasons := [reason for reason, applies in by_hand.items() if applies]:
        raise BadSettings(
            f"{path}: a run does not repeat it, since {' and '.join(reasons)}; reproduce a result "
            "as a run has left it"
        )


def _changes(record: Mapping[str, Any], result: Result) -> Iterator[str]:
    """Name the versions and features of the machine that differ from those of the record."""
    now = result.provenance()
    packages = {"napari-dip": (record.get("napari-dip"), now["napari-dip"])}
    for name, then in record.get("versions", {}).items():
        packages[name] = (then, now["versions"].get(name) or _version(name))
    machine = record.get("machine", {})
    features = {name: (then, now["machine"].get(name)) for name, then in machine.items()}
    device = {"device": (record.get("device"), now["device"])}
    for name, (then, today) in (packages | device | features).items():
        if then != today:
            yield f"{name} {then or 'none'} then, {today or 'none'} now"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
