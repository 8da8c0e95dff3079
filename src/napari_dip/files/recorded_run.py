"""Open a result with the input that its record names, as the problem that it solved."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_dip.errors import FileProblem
from napari_dip.files.image_io import read_image
from napari_dip.files.psf_file import read_psf
from napari_dip.files.recorded_input import (
    find_recorded_psf,
    open_recorded_image,
    open_recorded_mask,
)
from napari_dip.files.result_record import recorded_settings, require_record
from napari_dip.image.pixel_digest import pixel_digest
from napari_dip.image.problem import make_problem
from napari_dip.image.reordered import Reordered

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike

    from napari_dip.image.metadata import StoredImage
    from napari_dip.image.problem import Problem

__all__ = ["RecordedRun", "open_recorded_run"]


@dataclass(frozen=True)
class RecordedRun:
    """A result in a file, and the problem that it solved.

    Parameters
    ----------
    record
        How it was made.
    problem
        The image, its mask and the settings of the run.
    result
        The pixels of the result, with the axes of the image; they are read on access.
    source
        The file of the input.
    stored
        The input, with its pixel sizes.
    """

    record: Mapping[str, Any]
    problem: Problem
    result: Reordered
    source: Path
    stored: StoredImage


def open_recorded_run(
    path: Path,
    source: Path | None = None,
    mask: Path | None = None,
    *,
    psf: ArrayLike | Path | None = None,
) -> RecordedRun:
    """Open a result and its input, and check that both have the pixels of the record.

    Parameters
    ----------
    path
        The file of a result.
    source, mask
        Files of the input and of its mask; ``None`` looks for those of the record.
    psf
        The point spread function of the run, or its file; ``None`` looks for that of the record.

    Raises
    ------
    NapariDipError
        If there is no record, a file is not found, or its pixels have changed.
    """
    record = require_record(path)
    settings = recorded_settings(record, path)
    origin = record["input"]
    if psf is None and origin.get("psf") and not settings.task.describes_psf:
        psf = find_recorded_psf(record, path)
    result = read_image(path, lazy=True)
    recorded = record.get("result", {}).get("pixels")
    if recorded and pixel_digest(result.image, result.axes) != recorded:
        raise FileProblem(
            f"the pixels of {path} are not those of its record: it was changed after it was "
            "written; give the file as it was"
        )
    stored, found = open_recorded_image(record, path, source)
    missing = open_recorded_mask(record, settings, path, mask)
    of_file = isinstance(psf, Path)
    kernel = read_psf(psf, stored, settings) if isinstance(psf, Path) else psf
    tiling = record.get("tiling")
    problem = make_problem(
        stored.image,
        settings,
        missing,
        kernel,
        _device(record["device"]),
        (tiling["window"], tiling["tile"], tiling["at_once"]) if tiling else None,
        psf_axes=settings.spatial if of_file else None,
    )
    _refuse_changed_input(problem, origin, path, found)
    try:
        shown = Reordered(result.image, result.axes, problem.layout.axes, problem.shape)
    except FileProblem as error:
        raise FileProblem(f"{path}: {error}") from None
    return RecordedRun(record, problem, shown, found, stored)


def _refuse_changed_input(
    problem: Problem, origin: Mapping[str, Any], path: Path, found: Path
) -> None:
    """Refuse an input whose pixels, missing pixels or psf are not those of the record."""
    now = problem.input_record()
    changed = "they were changed, or it is another file; give the right one with"
    told = {
        "pixels": f"the pixels of {found} are not those of {path}'s input: {changed} --input",
        "known": f"the missing pixels of {found} are not those of {path}'s input: {changed} --mask",
        "psf": (
            f"the psf for {found} is not that of {path}: it was changed, or it is another one; "
            "give the right one with --psf"
        ),
    }
    for key, message in told.items():
        if (now[key] or None) != (origin.get(key) or None):
            raise FileProblem(message)


def _device(recorded: str) -> str:
    """Return the recorded device, or the fastest one if this machine lacks it."""
    from napari_dip.compute.device import choose_device, devices

    names = [device.name for device in devices()]
    return recorded if recorded in names else str(choose_device("auto"))
