"""What a reader must know of a restored image, for each task in plain words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from napari_dip.settings import Settings

__all__ = ["caveats"]


def caveats(record: Mapping[str, Any], settings: Settings) -> tuple[str, ...]:
    """Return sentences about what a restored image does not show, for its legend or its methods.

    Examples
    --------
    >>> from napari_dip.settings import Settings
    >>> caveats({}, Settings(task="inpaint"))[0]
    'Filled pixels were not observed and carry no information: do not measure in them.'
    """
    return tuple(_caveats(record, settings))


def _caveats(record: Mapping[str, Any], settings: Settings) -> Iterator[str]:
    task = settings.task
    if task.fills_gaps:
        yield "Filled pixels were not observed and carry no information: do not measure in them."
        if task.keeps_known:
            yield "All other pixels are those of the raw image, unchanged."
        if task.matches_noise:
            yield "The noise of the filled pixels was added for display."
    if task.decimates:
        yield (
            "Only the mean of several pixels was observed: how it is distributed among them is an "
            "estimate. The optical resolution is that of the raw image."
        )
    if not (task.fills_gaps or task.decimates):
        yield (
            "Faint, small structure may have been removed with the noise, and a chance pattern of "
            "the noise may have been taken for structure."
        )
    if record.get("psf"):
        yield (
            "Where the point spread function differs from that of the microscope, rings and false "
            "detail can appear; near the border, so can light from outside the image."
        )
        yield from record["psf"].get("notes", ())
    if not task.keeps_known:
        yield "Measure intensities in the raw image; a mean of many pixels is better there."
    yield "Show the raw image beside the restored one, with the same contrast."
    yield "Compare only images that were restored with the same settings and version."
    if record.get("stopped_by_user"):
        yield "The run was stopped by hand: parts of the image may be unfinished or empty."
    if "strength_percent" in record.get("picture", {}):
        yield "The image is a mixture of the restored and the raw image."
