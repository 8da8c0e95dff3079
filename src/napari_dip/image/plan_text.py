"""Sentences about a run: before it starts, and after it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_dip.image.forecast import (
    expected_bytes,
    expected_seconds,
    expected_steps,
    is_noisy,
    start_seconds,
    survey_seconds,
)
from napari_dip.image.layout_plan import with_concurrency

if TYPE_CHECKING:
    from pathlib import Path

    from napari_dip.image.lazy import LazyArray
    from napari_dip.image.metadata import StoredImage
    from napari_dip.image.plan import Plan
    from napari_dip.image.problem import Problem
    from napari_dip.image.restore import Result
    from napari_dip.settings import Settings

__all__ = [
    "doing",
    "duration",
    "gigabytes",
    "in_a_sentence",
    "incomplete",
    "outcome",
    "outlook",
    "summary",
]

DEVICE_NAMES = {"cpu": "CPU", "mps": "Apple GPU", "cuda:0": "GPU"}  # as a microscopist names them


def in_a_sentence(source: Path, problem: Problem, workers: str | None = None) -> str:
    """Describe what is done to which file, in which parts, and about how long it takes.

    ``workers`` describes workers on other machines, whose speed is not known.
    """
    settings, image = problem.settings, problem.observed.image
    shape = " x ".join(map(str, image.shape))
    changed = (
        settings.iterations and f"at most {settings.iterations} iterations",
        _network_in_words(settings),
        settings.stopping and f"the stopping rule {settings.stopping.rule}",
        settings.members and f"{settings.members} fits",
        f"noise {settings.noise}",
        f"seed {settings.seed}",
    )
    where = f"on {workers}"
    if workers is None:
        hidden = problem.observed.missing
        noisy = is_noisy(problem.survey)
        seconds = expected_seconds(problem.plan, settings, problem.device, hidden, noisy=noisy)
        seconds += start_seconds()
        where = f"{_at_most_or_about(seconds, problem.plan, settings)} on {problem.device}"
    return (
        f"{doing(settings)} {source} ({shape}, {settings.axes}, {image.dtype}): preset "
        f"{settings.preset}, {', '.join(part for part in changed if part)}; {problem}, "
        f"{where}."
    )


def doing(settings: Settings) -> str:
    """Name the task and its own settings, as the begin of a sentence.

    Examples
    --------
    >>> from napari_dip.settings import Settings
    >>> doing(Settings(task="inpaint"))
    'Inpainting (missing: auto)'
    """
    phrase = f"{settings.task.spec.doing} {settings.task.details(settings.factors)}".strip()
    return phrase[0].upper() + phrase[1:]


def outlook(
    plan: Plan,
    settings: Settings,
    device: str | None,
    *,
    result_bytes: int,
    too_large: bool = False,
    on_disk: bool = False,
    workers: int | None = None,
    missing: LazyArray | None = None,
) -> str:
    """Describe a run before the image is read: its parts and cost, and below them its steps.

    A blank line separates the steps.

    Parameters
    ----------
    plan, settings, device
        What is run, and where; ``None`` as device stands for other machines.
    result_bytes, too_large
        The size of the result, and whether it is too large for the memory.
    on_disk
        Whether the result is written to disk.
    workers
        The number of worker processes, each with one unit at a time; ``None`` for this process.
    missing
        Of the shape of the image, true where a pixel is missing.
    """
    # Noise in the other pixels ends the fit of an image with gaps sooner.
    fills = settings.task.fills_gaps and settings.noise != "none"
    parts, reasons = [plan.in_short()], ""
    if device is None:
        parts.append("the time depends on the workers")
    else:
        processes = workers or 1
        less = f" (less with {processes} processes)" if processes > 1 else ""
        work = processes * expected_bytes(plan, settings, device)
        alone = workers is None
        time, reasons = _time(plan, settings, device, missing, alone=alone, fills=fills)
        memory = gigabytes(work if on_disk else work + result_bytes)
        parts += [f"{time}{less}", memory, DEVICE_NAMES.get(device, device)]
    lines = [" · ".join(parts) + reasons]  # the reasons last: a narrow panel cuts the end
    if on_disk:
        lines.append(f"The result takes up to {gigabytes(result_bytes)} on the disk.")
    elif too_large:
        lines.append(
            f"The result, {gigabytes(result_bytes)}, nearly fills the free memory; save it as "
            "OME-Zarr."
        )
    steps = enumerate(expected_steps(plan, settings, missing, noisy=fills), start=1)
    return "\n".join([*lines, "", "Expected steps:", *(f"{n}. {step}" for n, step in steps)])


def _time(
    plan: Plan,
    settings: Settings,
    device: str,
    missing: LazyArray | None,
    *,
    alone: bool,
    fills: bool,
) -> tuple[str, str]:
    """Say how long a run takes, and on what that depends; ``alone`` is without other processes."""
    separate = replace(plan, window=1, context=0, breaks=frozenset(), at_once=1)
    if alone:
        separate = with_concurrency(separate, settings, device)
    survey = survey_seconds(plan)
    times = [
        survey + expected_seconds(one, settings, device, missing, noisy=noisy)
        for one in (plan, separate)
        for noisy in {fills, False}
    ]
    least, most = min(times), max(times)
    if duration(least) == duration(most) or _skips(plan, settings):
        return _at_most_or_about(most, plan, settings), ""
    reasons = ["how similar neighbours are"] if plan.window > 1 else []
    reasons += ["how noisy the image is"] if fills else []
    time = f"{duration(least)} to {duration(most)}"
    return time, f"; the time depends on {' and '.join(reasons)}"


def _skips(plan: Plan, settings: Settings) -> bool:
    """Whether some units may need no work; only the mask shows which."""
    return settings.keeps_known and len(plan.units) > 1


def _at_most_or_about(seconds: float, plan: Plan, settings: Settings) -> str:
    if _skips(plan, settings):
        return f"up to {duration(seconds)} (planes without a gap take no time)"
    return f"about {duration(seconds)}"


def duration(seconds: float) -> str:
    """Write a time with one significant unit."""
    if seconds < 60:
        return f"{max(1, seconds):.0f} s"  # shorter times read as 0
    if seconds < 3600:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def _network_in_words(settings: Settings) -> str:
    name = settings.prior.network
    return "without a network" if name == "none" else f"the network {name}" if name else ""


def summary(restored: StoredImage, result: Result) -> dict[str, Any]:
    """Return the outcome as values that JSON can hold."""
    return {
        "shape": restored.image.shape,
        "dtype": str(restored.image.dtype),
        "pixel_size": dict(restored.pixel_size),
        "unit": dict(restored.unit),
        "iterations": sum(report.iterations for report in result.reports),
        "seconds": round(result.elapsed_s, 3),
    }


def outcome(output: Path, result: Result) -> str:
    """Describe where the result is, and what it took."""
    iterations = sum(report.iterations for report in result.reports)
    reasons = "; ".join(dict.fromkeys(report.reason for report in result.reports))
    details = f" ({reasons}{alignment(result)})" if reasons else ""
    counted = f"{iterations} iteration{'s' * (iterations != 1)}"
    return f"Wrote {output}: {counted} in {result.elapsed_s:.1f} s{details}."


def incomplete(output: Path, result: Result) -> str:
    """Describe which planes of a result are not complete; empty if all are.

    Examples
    --------
    >>> import numpy as np
    >>> from pathlib import Path
    >>> from napari_dip import Settings, restore
    >>> from napari_dip.generators import finished
    >>> stack = np.random.default_rng(0).random((3, 9, 9))
    >>> settings = Settings(axes="CYX", device="cpu", at_once=1)
    >>> result = finished(restore(stack, settings, stop_requested=lambda: True))
    >>> print(incomplete(Path("out.tif"), result))
    Incomplete: out.tif: none of 3 channels denoised; channel 1 stopped ...; ... are empty (NaN).
    """
    coverage = result.coverage
    if coverage is None or coverage.complete:
        return ""
    fill = "NaN" if np.dtype(result.image.dtype).kind == "f" else "0"
    empty = coverage.empty or any(part.tiles < part.of_tiles for part in coverage.parts)
    how = "Incomplete" if result.stopped_by_user else "Note"
    return f"{how}: {output}: {coverage.in_words()}{f' ({fill})' if empty else ''}."


def alignment(result: Result) -> str:
    """Describe the largest shift of aligned planes, as the end of a sentence."""
    farthest = max((report.moved for report in result.reports), default=0)
    return f"; planes up to {farthest} pixels apart were aligned" if farthest else ""


def gigabytes(amount: int | None) -> str:
    """Write an amount of memory in bytes."""
    if amount is None:
        return "?"
    return f"{amount / 2**30:.1f} GiB" if amount >= 2**27 else f"{amount / 2**20:.1f} MiB"
