"""Assess a result in a file, and report on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_dip.assess.report import Labels, RestorationReport, make_report
from napari_dip.errors import BadSettings
from napari_dip.files.recorded_run import open_recorded_run

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import ArrayLike

__all__ = ["assess_file"]


def assess_file(
    source: Path,
    result: Path,
    *,
    mask: Path | None = None,
    psf: ArrayLike | Path | None = None,
    uncertainty: bool = False,
    resolution: bool = False,
    invented: bool = False,
) -> RestorationReport:
    """Assess a result with its input, both in files.

    Parameters
    ----------
    source, result
        The input, and the result with its record.
    mask
        The mask; ``None`` looks for that of the record.
    psf
        The point spread function, or its file; ``None`` looks for that of the record.
    uncertainty, resolution, invented
        Further sections, as in :func:`~napari_dip.assess.assessment.assess`.

    Raises
    ------
    NapariDipError
        If a file is not found, the pixels are not those of the record, or the record is missing.
    """
    found = open_recorded_run(result, source, mask, psf=psf)
    if found.record.get("shows") == "uncertainty":
        raise BadSettings(f"{result} shows the uncertainty of a result; give the result")
    labels = Labels(
        found.source.name,
        result.name,
        found.stored.pixel_size,
        found.stored.unit,
        tuple(channel.name for channel in found.stored.known_channels),
    )
    return make_report(
        found.problem,
        found.result,
        found.record,
        labels=labels,
        uncertainty=uncertainty,
        resolution=resolution,
        invented=invented,
    )
