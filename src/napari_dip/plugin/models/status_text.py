"""Sentences about a run for the status of the panel: its progress, its end, and its files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_dip.image.plan_text import alignment, duration, gigabytes

if TYPE_CHECKING:
    from pathlib import Path

    from napari_dip.image.restore import Result
    from napari_dip.image.unit_report import UnitReport
    from napari_dip.progress import Snapshot
    from napari_dip.settings import Task

__all__ = ["ending_text", "saved_text", "status_text"]


def status_text(
    latest: Snapshot | None,
    remaining_s: float | None,
    per_second: float | None,
    device: str,
    used_bytes: int | None,
) -> str:
    """Say how far a fit is and how long it takes, and after a blank line its details.

    Parameters
    ----------
    latest
        The latest snapshot; ``None`` before the first.
    remaining_s
        Seconds until the end; ``None`` while that is not known.
    per_second
        Iterations per second; ``None`` while that is not known.
    device, used_bytes
        The device, empty if it is not of this process, and its memory in use.
    """
    parts, details = [], []
    if latest is not None and not latest.iteration:
        parts.append("first estimate: the result will be sharper")
    elif latest is not None:
        parts.append(f"iteration {latest.iteration} of {latest.iterations}")
        details.append(f"loss {latest.loss:.2g}")
    if remaining_s is not None:
        parts.append(f"about {duration(remaining_s)} left")
    if per_second:
        details.append(f"{per_second:.3g} iterations/s")
    if device:
        details.append(f"{device}, {gigabytes(used_bytes)}")
    return f"{' · '.join(parts)}\n\n{' · '.join(details)}"


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
    how = "Stopped after" if result.stopped_by_user else "Done in"
    coverage = result.coverage
    match result.reports:
        case _ if coverage is not None and not coverage.complete:
            what = coverage.in_words().removeprefix("stopped after ")  # of one image
        case []:
            what = "the image is constant and stays unchanged"
        case [report]:
            what = _report_text(report, result.settings.task)
        case _:
            what = "all is restored" if coverage is None else coverage.in_words()
    see = f" See '{name}'." if name else ""
    return f"{how} {duration(result.elapsed_s)}: {what}{alignment(result)}.{see}"


def _report_text(report: UnitReport, task: Task) -> str:
    """Say how many iterations a unit took, and why it stopped early."""
    if report.denoising:
        refined = report.iterations - report.denoising
        text = f"denoised ({report.denoising} iterations), then {task.spec.done} ({refined})"
        return f"{text}; {report.reason}" if report.stopped_by_user else text
    if report.stopped_by_user and report.most_iterations:
        return f"{report.iterations} of {report.most_iterations} iterations"
    if 0 < report.iterations == report.most_iterations:
        return f"{report.iterations} of {report.most_iterations} iterations"
    plural = "" if report.iterations == 1 else "s"
    return f"{report.iterations} iteration{plural}, {report.reason}"
