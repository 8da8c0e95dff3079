"""Write a restoration to disk unit by unit, so that a killed run can be resumed."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import zarr
from pydantic import TypeAdapter, ValidationError

from napari_dip.files.atomic_write import hidden_sibling
from napari_dip.files.lock import RunLock
from napari_dip.files.ngff import axes_in_zarr, version_of
from napari_dip.files.output_folder import recorded_run, working_folder
from napari_dip.files.resumable_sections import ResumableSections
from napari_dip.files.resumable_zarr import ResumableZarr
from napari_dip.files.zarr_output_check import check_zarr_location
from napari_dip.files.zarr_reader import own_record
from napari_dip.image.reordered import Reordered
from napari_dip.image.unit_report import UnitReport

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_dip.files.zarr_reader import ZarrArray
    from napari_dip.image.axes import Index
    from napari_dip.image.layout_plan import Tiling
    from napari_dip.image.lazy import LazyArray
    from napari_dip.image.metadata import StoredImage
    from napari_dip.image.plan import Unit
    from napari_dip.image.problem import Problem
    from napari_dip.image.result import Result
    from napari_dip.image.unit import RestoredUnit

__all__ = ["OnDisk", "existing_output", "recorded_tiling"]

_Sink = ResumableZarr | ResumableSections
_REPORT: TypeAdapter[UnitReport] = TypeAdapter(UnitReport)


class OnDisk:
    """Write the image, and optionally its uncertainty, to OME-Zarr.

    Parameters
    ----------
    problem
        What is restored.
    stored
        The image as read. Its pixel sizes, units and channels are written.
    path, uncertainty
        Folders to write.
    overwrite
        Whether to replace an existing result. It is kept until the new one is complete.
    resume
        Whether to continue a run with the same settings. A unit that the user stopped, or that was
        damaged or lost since, is restored again.

    Attributes
    ----------
    redone
        Number of units that were damaged or lost.

    Raises
    ------
    BadSettings
        If the run to resume has other settings or another image.
    OutputExists, FileProblem
        If nothing can be written there, or another process writes there.
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
        self._locks = [RunLock(each) for each in (path, uncertainty) if each]
        record = problem.record()
        refined = stored.refined(problem.factors)
        in_sections = problem.layout.is_section
        self._axes = problem.layout.axes
        self._collects = True

        def sink(path: Path, dtype: Any, resume: bool, overwrite: bool) -> _Sink:
            if resume:
                planes = ResumableZarr.reopen(path, record)
                return ResumableSections.reopen(planes) if in_sections else planes
            planes = ResumableZarr.create(
                path,
                problem.shape,
                dtype,
                refined,
                problem.layout.axes,
                record,
                overwrite=overwrite,
                version=version_of(stored),
            )
            return ResumableSections(planes) if in_sections else planes

        self._widths: _Sink | None = None
        try:
            resumed = resume and _exists(path)
            self._image = sink(path, problem.dtype, resumed, overwrite)
            if uncertainty is not None:
                # A kill between the two swaps may have left an outdated uncertainty.
                outdated = overwrite and not self._image.done
                resume_widths = resumed and _exists(uncertainty) and not outdated
                self._widths = sink(uncertainty, np.float32, resume_widths, overwrite)
        except BaseException:
            self.close()
            raise
        # A unit is restored again if either of its two parts was lost.
        self.redone = max(self._image.redone, self._widths.redone if self._widths else 0)

    @property
    def image(self) -> LazyArray:
        """The result on disk, with the axes of the problem."""
        return self._in_given_order(self._image.array)

    @property
    def uncertainty(self) -> LazyArray | None:
        """The uncertainty on disk; ``None`` if it was not requested."""
        return self._in_given_order(self._widths.array) if self._widths else None

    def _in_given_order(self, array: ZarrArray) -> LazyArray:
        axes, stored = self._axes, axes_in_zarr(self._axes)
        if stored == axes:
            return array
        sizes = dict(zip(stored, array.shape, strict=True))
        return Reordered(array, stored, axes, [sizes[letter] for letter in axes])

    @property
    def path(self) -> Path:
        """The folder of the image; a hidden one while it replaces an existing result."""
        return self._image.path

    def done(self) -> Mapping[int, UnitReport]:
        """Return the reports of the units that are complete, including their uncertainty."""
        widths = None if self._widths is None else self._widths.done
        return {
            int(key): report
            for key, entry in self._image.done.items()
            if key.isdecimal()
            and (widths is None or key in widths)
            and (report := _report(entry)) is not None
            and not report.stopped_by_user
        }

    def holds(self, unit: Unit, /) -> bool:
        """Return whether a unit was committed."""
        return self._image.has(_key(unit))

    def restored(self, unit: Unit, index: Index, /) -> NDArray[Any] | None:
        """Read a part of a unit; ``None`` if the unit is not complete."""
        return self._image.read(_key(unit), index)

    def put(self, unit: Unit, done: RestoredUnit, /) -> None:
        """Commit a unit; its uncertainty first, since the record of the image marks it complete."""
        for lock in self._locks:
            lock.check()
        key, report = _key(unit), asdict(done.report)
        if self._widths:
            widths = done.uncertainty
            if widths is None:  # of a stopped unit, or of one without a known pixel
                widths = np.full(done.image.shape, np.nan, np.float32)
            self._widths.commit(key, unit.index, widths, {})
        self._image.commit(key, unit.index, done.image, report)
        if self._collects:
            self.collect(unit)

    def collect(self, unit: Unit, /) -> None:
        """Write the shards that are due after a unit, which another process may have stored."""
        for sink in (self._widths, self._image):
            if sink:
                sink.collect(unit.index)

    def assemble(self) -> None:
        """Transpose the sections of an image that was restored along Z."""
        self._image.assemble()
        if self._widths:
            self._widths.assemble()

    def finish(self, result: Result, /) -> None:
        """Write the provenance. A complete result replaces the existing one.

        A stopped run is marked as unfinished.
        """
        for lock in self._locks:
            lock.check()
        for sink in (self._image, self._widths):
            record = result.provenance(uncertainty=sink is self._widths)
            if sink and result.stopped_by_user:
                sink.stop(record)
            elif sink:
                sink.finish(record)

    def close(self) -> None:
        """Release the locks. Nothing may be written afterwards."""
        for lock in self._locks:
            lock.release()

    def __getstate__(self) -> dict[str, Any]:
        # A worker only writes units; this process writes shards of several units.
        return self.__dict__ | {"_locks": [], "_collects": False}


def existing_output(path: Path) -> Literal["nothing", "an image", "an unfinished run"]:
    """Describe what a folder holds before a restoration writes to it.

    Raises
    ------
    FileProblem
        If the folder is not a zarr and must not be replaced by one, or if its parent is missing or
        is a zarr.
    """
    check_zarr_location(path)
    if working_folder(path) != path:
        return "an unfinished run"
    if not path.exists():
        return "an image" if hidden_sibling(path, "old").exists() else "nothing"
    try:
        own = own_record(dict(zarr.open_group(path, mode="r").attrs))
        unfinished = own.get("finished") is False
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        unfinished = False  # a plain array or a damaged group
    return "an unfinished run" if unfinished else "an image"


def recorded_tiling(path: Path) -> Tiling | None:
    """Return the tiling of the run in a folder; ``None`` if it is not recorded.

    Raises
    ------
    FileProblem
        If :class:`OnDisk` did not create the folder, or its journal is damaged.
    """
    record = recorded_run(path)
    window, tile, at_once = (record.get(name) for name in ("window", "tile", "at once"))
    if not (_is_count(window) and _is_count(at_once) and (tile is None or _is_count(tile))):
        return None
    return window, tile, at_once  # type: ignore[return-value]


def _is_count(value: object) -> bool:
    return type(value) is int and value > 0


def _exists(path: Path) -> bool:
    return working_folder(path).exists() or hidden_sibling(path, "old").exists()


def _report(entry: Any) -> UnitReport | None:
    """Parse the report of a unit: unknown fields are dropped; ``None`` if it is damaged."""
    if not isinstance(entry, dict):
        return None
    given = {
        name: value for name, value in entry.items() if value is not None
    }  # NaN is stored as null
    if isinstance(metric := given.get("metric"), list):
        given["metric"] = [
            [math.nan if each is None else each for each in point] if isinstance(point, list) else 0
            for point in metric
        ]
    try:
        return _REPORT.validate_python(given)
    except ValidationError:
        return None


def _key(unit: Unit) -> str:
    return f"{unit.number:06}"
