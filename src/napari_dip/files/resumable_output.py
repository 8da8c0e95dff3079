"""A restoration that is kept on the disk, unit by unit, and can be gone on with."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import zarr
from pydantic import TypeAdapter, ValidationError

from napari_dip.files.atomic_write import hidden_sibling
from napari_dip.files.lock import RunLock
from napari_dip.files.ngff import version_of
from napari_dip.files.resumable_sections import ResumableSections
from napari_dip.files.resumable_zarr import ResumableZarr, recorded_run, working_folder
from napari_dip.files.zarr_output_check import check_zarr_location
from napari_dip.files.zarr_reader import own_record
from napari_dip.image.result import UnitReport

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_dip.files.zarr_reader import ZarrArray
    from napari_dip.image.axes import Index
    from napari_dip.image.layout_plan import Cut
    from napari_dip.image.metadata import StoredImage
    from napari_dip.image.plan import Unit
    from napari_dip.image.problem import Problem
    from napari_dip.image.result import Result
    from napari_dip.image.unit import Done

__all__ = ["OnDisk", "existing_output", "recorded_run", "recorded_tiling"]

_Sink = ResumableZarr | ResumableSections
_REPORT: TypeAdapter[UnitReport] = TypeAdapter(UnitReport)


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
        Whether to replace what is there. It stays until the new image is whole.
    resume
        Whether to go on with what a run with the same settings left there. A unit at which the
        user had stopped is done anew, and so is one that was damaged or lost since.

    Attributes
    ----------
    redone
        How many units were damaged or lost.

    Raises
    ------
    BadSettings
        If what is there was begun with other settings or another image.
    OutputExists, FileProblem
        If nothing can be written there, or another process is writing there.
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
        in_sections = "Y" not in problem.layout.spatial

        def sink(path: Path, dtype: Any, resume: bool, overwrite: bool) -> _Sink:
            if resume:
                planes = ResumableZarr.reopen(path, record, verify=True)
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

        self._spread: _Sink | None = None
        try:
            begun = resume and _is_there(path)
            self._image = sink(path, problem.dtype, begun, overwrite)
            if uncertainty is not None:
                # A kill between the two may have left an older spread, which is to be replaced.
                older = overwrite and not self._image.done
                goes_on = begun and _is_there(uncertainty) and not older
                self._spread = sink(uncertainty, np.float32, goes_on, overwrite)
        except BaseException:
            self.close()
            raise
        # A unit of which one of the two was lost is done again.
        self.redone = max(self._image.redone, self._spread.redone if self._spread else 0)

    @property
    def image(self) -> ZarrArray:
        """The result as it lies on the disk."""
        return self._image.array

    @property
    def spread(self) -> ZarrArray | None:
        """The spread as it lies on the disk, if it was wanted."""
        return self._spread.array if self._spread else None

    @property
    def path(self) -> Path:
        """The folder in which the image lies now: beside its own while that holds an older one."""
        return self._image.path

    def done(self) -> Mapping[int, UnitReport]:
        """Read which units were restored to their end, their spread too if that is wanted."""
        spread = None if self._spread is None else self._spread.done
        return {
            int(key): report
            for key, said in self._image.done.items()
            if key.isdecimal()
            and (spread is None or key in spread)
            and (report := _report(said)) is not None
            and not report.stopped_by_user
        }

    def restored(self, unit: Unit, index: Index, /) -> NDArray[Any] | None:
        """Read a part of a unit; ``None`` if it is not there yet."""
        return self._image.read(_key(unit), index)

    def put(self, unit: Unit, done: Done, /) -> None:
        """Commit a unit, its spread first: the image's record says that it is done."""
        for lock in self._locks:
            lock.check()
        key, report = _key(unit), asdict(done.report)
        if self._spread:
            spread = done.spread
            if spread is None:  # of what was stopped it is not known
                unknown = done.report.stopped_by_user or done.report.unchanged
                spread = np.full(done.image.shape, np.nan if unknown else 0, np.float32)
            self._spread.commit(key, unit.index, spread, {})
        self._image.commit(key, unit.index, done.image, report)

    def finish(self, result: Result, /) -> None:
        """Say how it came about, and what is not restored if the run was stopped.

        A whole result is put in the place of what it replaces.
        """
        for lock in self._locks:
            lock.check()
        for sink in (self._image, self._spread):
            if sink and result.stopped_by_user:
                sink.stop(result.provenance())
            elif sink:
                sink.finish(result.provenance())

    def close(self) -> None:
        """Let other processes go on with it; nothing may be put any more."""
        for lock in self._locks:
            lock.release()

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_locks": []}  # a worker only fills in units


def existing_output(path: Path) -> Literal["nothing", "an image", "an unfinished run"]:
    """Tell what a restoration would find in a folder.

    Raises
    ------
    FileProblem
        If it is no zarr, and must not be replaced by one, or if the folder above is missing or
        itself a zarr.
    """
    check_zarr_location(path)
    if working_folder(path) != path:
        return "an unfinished run"
    if not path.exists():
        return "an image" if hidden_sibling(path, "old").exists() else "nothing"
    try:
        said = own_record(dict(zarr.open_group(path, mode="r").attrs))
        unfinished = said.get("finished") is False
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        unfinished = False  # a plain array, or a damaged group
    return "an unfinished run" if unfinished else "an image"


def recorded_tiling(path: Path) -> Cut | None:
    """Tell how the run in a folder was cut, to go on with it; ``None`` if it was begun otherwise.

    Raises
    ------
    FileProblem
        If the folder was not made by :class:`OnDisk`, or its journal is damaged.
    """
    record = recorded_run(path)
    window, tile, at_once = (record.get(name) for name in ("window", "tile", "at once"))
    if not (_is_count(window) and _is_count(at_once) and (tile is None or _is_count(tile))):
        return None
    return window, tile, at_once  # type: ignore[return-value]


def _is_count(value: object) -> bool:
    return type(value) is int and value > 0


def _is_there(path: Path) -> bool:
    return working_folder(path).exists() or hidden_sibling(path, "old").exists()


def _report(said: Any) -> UnitReport | None:
    """Read a unit's report; fields of another version are left out, ``None`` if it is damaged."""
    if not isinstance(said, dict):
        return None
    given = {name: value for name, value in said.items() if value is not None}  # NaN is null there
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
