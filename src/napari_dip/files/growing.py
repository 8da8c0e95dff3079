"""A restoration that is kept on the disk, unit by unit, and can be gone on with."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import zarr

from napari_dip.files.ngff import check_target, version_of
from napari_dip.files.sections import GrowingSections
from napari_dip.files.zarr_sink import GrowingZarr, begun_with
from napari_dip.files.zarr_source import own_record
from napari_dip.stack.result import UnitReport

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_dip.files.zarr_source import ZarrArray
    from napari_dip.stack.axes import Index
    from napari_dip.stack.outline import Cut
    from napari_dip.stack.plan import Unit
    from napari_dip.stack.problem import Problem
    from napari_dip.stack.result import Result
    from napari_dip.stack.stored import StoredImage
    from napari_dip.stack.unit import Done

__all__ = ["OnDisk", "cut_before", "what_is_there"]


class OnDisk:
    """An OME-Zarr for the image, and one for the spread if that is wanted.

    Parameters
    ----------
    problem
        What is restored.
    stored
        The image as it was read: its pixel sizes, units and channels are written.
    path, uncertainty
        Folders to write.
    overwrite
        Whether to replace what is there.
    resume
        Whether to go on with what a run with the same settings left there. A unit at which the
        user had stopped is done anew.

    Raises
    ------
    BadSettings
        If what is there was begun with other settings or another image.
    OutputExists, FileProblem
        If nothing can be written there.
    """

    def __init__(
        self,
        problem: Problem,
        stored: StoredImage,
        path: Path,
        uncertainty: Path | None = None,
        *,
        overwrite: bool = False,
        resume: bool = False,
    ) -> None:
        record = problem.record()
        refined = stored.refined(problem.factors)

        def sink(path: Path, dtype: Any) -> GrowingZarr | GrowingSections:
            if resume and path.exists():
                planes = GrowingZarr.reopen(path, record)
            else:
                planes = GrowingZarr.create(
                    path,
                    problem.shape,
                    dtype,
                    refined,
                    problem.layout.axes,
                    record,
                    overwrite=overwrite,
                    version=version_of(stored),
                )
            return planes if "Y" in problem.layout.spatial else GrowingSections(planes)

        self._image = sink(path, problem.dtype)
        self._spread = sink(uncertainty, np.float32) if uncertainty else None

    @property
    def image(self) -> ZarrArray:
        """The result as it lies on the disk."""
        return self._image.array

    @property
    def spread(self) -> ZarrArray | None:
        """The spread as it lies on the disk, if it was wanted."""
        return self._spread.array if self._spread else None

    def done(self) -> Mapping[int, UnitReport]:
        """Read which units were restored to their end."""
        found = {int(key): UnitReport(**report) for key, report in self._image.done.items()}
        return {number: report for number, report in found.items() if not report.stopped_by_user}

    def restored(self, unit: Unit, index: Index, /) -> NDArray[Any] | None:
        """Read a part of a unit; ``None`` if it is not there yet."""
        return self._image.read(_key(unit), index)

    def put(self, unit: Unit, done: Done, /) -> None:
        """Commit a unit, its spread first: the image's record says that it is done."""
        key, report = _key(unit), asdict(done.report)
        if self._spread:
            spread = np.zeros(done.image.shape, np.float32) if done.spread is None else done.spread
            self._spread.commit(key, unit.index, spread, {})
        self._image.commit(key, unit.index, done.image, report)

    def finish(self, result: Result, /) -> None:
        """Say how it came about."""
        for sink in (self._image, self._spread):
            if sink:
                sink.finish(result.provenance())


def what_is_there(path: Path) -> Literal["nothing", "an image", "an unfinished run"]:
    """Tell what a restoration would find in a folder.

    Raises
    ------
    FileProblem
        If it is no zarr, and must not be replaced by one, or if the folder above is missing.
    """
    check_target(path, overwrite=True)
    if not path.exists():
        return "nothing"
    try:
        said = own_record(dict(zarr.open_group(path, mode="r").attrs))
        unfinished = said.get("finished") is False
    except (OSError, ValueError, LookupError, TypeError):  # a plain array, or a damaged group
        unfinished = False
    return "an unfinished run" if unfinished else "an image"


def cut_before(path: Path) -> Cut | None:
    """Tell how the run in a folder was cut, to go on with it; ``None`` if it was begun otherwise.

    Raises
    ------
    FileProblem
        If the folder was not made by :class:`OnDisk`.
    """
    record = begun_with(path)
    if not record.keys() >= {"window", "tile", "at once"}:
        return None
    return record["window"], record["tile"], record["at once"]


def _key(unit: Unit) -> str:
    return f"{unit.number:06}"
