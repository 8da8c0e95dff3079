"""A report of a result for a referee, as one HTML file or as JSON.

The HTML file has no scripts, and nothing in it is loaded from a network.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic_core import to_json

from napari_dip.assess.assessment import assess
from napari_dip.assess.checklist import image_checklist, metadata_table
from napari_dip.assess.methods_text import methods_text
from napari_dip.assess.report_content import Labels, ReportContent, ScaleBar
from napari_dip.assess.report_html import render
from napari_dip.assess.shown_planes import shown_planes
from napari_dip.assess.thumbnails import scale_bar
from napari_dip.errors import BadSettings, FileProblem
from napari_dip.image.arrays import as_lazy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike

    from napari_dip.image.problem import Problem

__all__ = ["Labels", "RestorationReport", "check_report_name", "make_report"]


class RestorationReport(ReportContent):
    """A report; ``methods`` is its paragraph for the methods section, with the references."""

    def html(self) -> str:
        """Return the report as the text of one HTML file."""
        return render(self)

    def write(self, path: str | Path) -> None:
        """Write the report; the suffix ``.html`` or ``.json`` decides its form.

        An existing file is replaced.

        Raises
        ------
        BadSettings
            If the name has another suffix.
        FileProblem
            If the file cannot be written.
        """
        path = check_report_name(path)
        if path.suffix.lower() == ".json":
            content = to_json(self.as_dict(), indent=2, inf_nan_mode="null")
        else:
            content = self.html().encode("utf-8", "backslashreplace")
        try:
            path.write_bytes(content)
        except OSError as error:
            raise FileProblem(
                f"{path} cannot be written ({error.strerror}); choose another folder"
            ) from error


def check_report_name(path: str | Path) -> Path:
    """Return the path of a report, after checks of its name and its folder.

    Raises
    ------
    BadSettings
        If the suffix is neither ``.html`` nor ``.json``.
    FileProblem
        If there is no such folder.
    """
    path = Path(path)
    if path.suffix.lower() not in (".html", ".htm", ".json"):
        raise BadSettings(f"{path.name}: a report is HTML or JSON; end its name in .html or .json")
    if not path.absolute().parent.is_dir():
        raise FileProblem(f"{path.parent} does not exist; create it first")
    return path


def make_report(
    problem: Problem,
    restored: ArrayLike,
    record: Mapping[str, Any],
    *,
    labels: Labels | None = None,
    half_widths: ArrayLike | None = None,
    uncertainty: bool = False,
    resolution: bool = False,
    invented: bool = False,
) -> RestorationReport:
    """Make the report of a result.

    Parameters
    ----------
    problem
        The image, its mask and the settings of the run.
    restored, half_widths
        The result, and its uncertainty if there is one.
    record
        How the result was made.
    labels
        Names and pixel sizes.
    uncertainty, resolution, invented
        Further sections, as in :func:`~napari_dip.assess.assessment.assess`.

    Raises
    ------
    BadImage
        If the result does not fit the problem.
    """
    labels = labels or Labels()
    lazy = as_lazy(restored)
    more = {"uncertainty": uncertainty, "resolution": resolution, "invented": invented}
    across = labels.pixel_size.get("X")
    square = across is not None and across == labels.pixel_size.get("Y")
    assessment = assess(
        problem,
        lazy,
        half_widths=half_widths,
        pixel_size=across if square else None,
        unit=labels.unit.get("X", "") if square else "",
        **more,
    )
    planes = shown_planes(problem, lazy)
    factors = problem.factors
    bars = {}
    if size := labels.pixel_size.get(planes.axis):
        for width in dict.fromkeys(picture.pixels.shape[1] for picture in planes.pictures):
            length, pixels = scale_bar(width, size / factors.get(planes.axis, 1))
            words = f"{length:g} {labels.unit.get(planes.axis, 'pixels')}"
            bars[width] = ScaleBar(pixels, words)
    sizes = labels.sizes(factors)
    low, high = planes.limits
    limits = f"shown linearly from {low:.5g} to {high:.5g}"
    return RestorationReport(
        record,
        problem.settings,
        labels,
        assessment,
        planes,
        bars,
        methods_text(record),
        image_checklist(record, sizes, limits),
        metadata_table(record, sizes, ", ".join(filter(None, labels.channels))),
    )
