"""Sentences about a run for the status of the panel: its progress, its end, and its files."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from napari_dip.image.plan_text import alignment, duration, gigabytes

if TYPE_CHECKING:
    from pathlib import Path

    from napari_dip.image.restore import Result
    from napari_dip.image.result import UnitReport
    from napari_dip.progress import Snapshot
    from napari_dip.settings import Task

__all__ = ["ending_text", "progress_text", "saved_text", "status_text"]


def progress_text(snapshot: Snapshot) -> str:
    """Say how far a run is, and how long it takes at most."""
    part = f"{snapshot.part}, " if snapshot.part else ""
    if math.isnan(snapshot.loss):
        return f"{part}filtered, the fit begins"
    return (
        f"{part}iteration {snapshot.iteration} of {snapshot.iterations}, "
        f"loss {snapshot.loss:.2g}, at most {duration(snapshot.remaining_s)} left"
    )


def status_text(
    latest: Snapshot, per_second: float | None, device: str, used_bytes: int | None, *, paused: bool
) -> str:
    """Say how far a run is, its speed in iterations per second, its device and its memory."""
    parts = [
        f"{'Paused at ' * paused}{progress_text(latest)}",
        *([] if per_second is None else [f"{per_second:.3g} iterations/s"]),
    ]
    if device:
        parts.append(f"{device}, {gigabytes(used_bytes)}")
    return "; ".join(parts)


def saved_text(path: Path, *, resumable: bool, in_sections: bool) -> str:
    """Say where a result is saved, and how a run that can be resumed is.

    ``in_sections`` says that the planes of the file are written after the last section.
    """
    from napari_dip.files.output_folder import working_folder

    cure = "; press Run to resume it" if resumable else ""
    if resumable and in_sections:
        cure += "; the file is empty until all sections are restored"
    if working_folder(path) != path:
        return f"Saved beside {path.name}, which still holds the earlier result{cure}."
    return f"Saved to {path.name}{cure}."


def ending_text(result: Result, name: str) -> str:
    """Say how a run ended, in which time, and in which layer its result is."""
    how = "Stopped" if result.stopped_by_user else "Done"
    coverage = result.coverage
    match result.reports:
        case _ if coverage is not None and not coverage.complete:
            what = coverage.in_words()
        case []:
            what = "the image is constant and stays unchanged"
        case [report]:
            what = _report_text(report, result.settings.task)
        case _:
            what = "all is restored" if coverage is None else coverage.in_words()
    see = f" See '{name}'." if name else ""
    return f"{how} in {duration(result.elapsed_s)}: {what}{alignment(result)}.{see}"


def _report_text(report: UnitReport, task: Task) -> str:
    """Say how many iterations a unit took, and why it stopped early."""
    if report.denoising:
        refined = report.iterations - report.denoising
        text = f"denoised ({report.denoising} iterations), then {task.spec.done} ({refined})"
        return f"{text}; {report.reason}" if report.stopped_by_user else text
    if 0 < report.iterations == report.most_iterations:
        return f"{report.iterations} of {report.most_iterations} iterations"
    plural = "" if report.iterations == 1 else "s"
    return f"{report.iterations} iteration{plural}, {report.reason}"
