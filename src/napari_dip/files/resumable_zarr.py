"""Write an OME-Zarr unit by unit, so that a killed run can be resumed.

A unit is one or more whole planes, so that no two units share a chunk. Any number of processes may
commit different units at once. A unit is complete when the journal has its record, which is written
after the values of all levels are flushed to the disk. Chunks depend only on the values, so that a
resumed run produces the same files.

Shards that span several planes belong to several units: see
:mod:`~napari_dip.files.shard_staging`. The process that runs the restoration calls
:meth:`ResumableZarr.collect` after each commit, its own or a worker's, to write them.

An image that replaces another one is written to a hidden folder beside it until it is complete.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import zarr

from napari_dip.errors import FileProblem
from napari_dip.files.atomic_write import sync_to_disk, translate_disk_errors
from napari_dip.files.journal import Journal
from napari_dip.files.ngff import Version, axes_in_zarr
from napari_dip.files.output_folder import JOURNAL
from napari_dip.files.pyramid_arrays import checksum
from napari_dip.files.pyramid_layout import AxisOrder, Region
from napari_dip.files.resumable_folder import create_folder, move_folder, resume_folder
from napari_dip.files.shard_staging import STAGED
from napari_dip.files.writable_levels import WritableLevels
from napari_dip.files.zarr_reader import ZarrArray
from napari_dip.files.zarr_writer import finished_attribute

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import DTypeLike, NDArray

    from napari_dip.image.axes import Index
    from napari_dip.image.metadata import StoredImage

__all__ = ["ResumableZarr"]

_FULL_DISK_CURE = "completed parts are kept: free disk space, then resume"


class ResumableZarr:
    """An OME-Zarr on disk that is written unit by unit.

    Parameters
    ----------
    path
        A folder that :meth:`create` made. Several processes may open it and commit units.
    target
        The final folder; ``None`` is `path`.

    Attributes
    ----------
    path, target
        As above. They differ while an existing result is kept in `target`.
    axes
        The stored axes, in the order of OME-Zarr; colours are an axis C.
    axis_order
        Conversion between the axis order of :meth:`create` and the stored one.
    redone
        Number of units that :meth:`reopen` found damaged or missing, to be restored again.

    Raises
    ------
    FileProblem
        If :meth:`create` did not make the folder, or it is damaged.

    Examples
    --------
    >>> import tempfile
    >>> from napari_dip.image.metadata import StoredImage
    >>> path, stored = Path(tempfile.mkdtemp()) / "a.ome.zarr", StoredImage(np.eye(8), "YX")
    >>> sink = ResumableZarr.create(path, (2, 8, 8), "uint8", stored, "TYX", {"seed": 0})
    >>> sink.commit("0", (0,), np.eye(8, dtype="uint8"), {"iterations": 100})
    >>> ResumableZarr.reopen(path, {"seed": 0}).done
    {'0': {'iterations': 100}}
    """

    path: Path
    target: Path
    axes: str
    axis_order: AxisOrder
    redone: int = 0

    def __init__(self, path: str | Path, target: str | Path | None = None) -> None:
        self.path = Path(path).absolute()  # a worker may have another current folder
        self.target = self.path if target is None else Path(target).absolute()
        self._journal = Journal(self.path / JOURNAL)
        self._open()

    def _open(self) -> None:
        axes = self._journal.about()["axes"]
        self.axes = axes_in_zarr(axes).replace("S", "C")
        try:
            self._group = zarr.open_group(self.path, mode="r+")
            self._levels = WritableLevels(self.path, self.path / JOURNAL / STAGED)
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise FileProblem(
                f"{self.path} is damaged or not writable ({error}); overwrite it"
            ) from None
        self.axis_order = AxisOrder(axes, self.array.shape, self.array.dtype)

    def __reduce__(self) -> tuple[Any, ...]:
        return ResumableZarr, (self.path, self.target)

    @classmethod
    def create(
        cls,
        path: str | Path,
        shape: Sequence[int],
        dtype: DTypeLike,
        stored: StoredImage,
        axes: str,
        record: Mapping[str, Any],
        *,
        overwrite: bool = False,
        version: Version = "0.5",
    ) -> ResumableZarr:
        """Create an empty image.

        Parameters
        ----------
        path
            A folder that does not exist yet.
        shape, dtype, axes
            Of the image, one letter per axis. It is stored in the order ``T``, ``C`` or ``Q``,
            ``ZYX``, with colours as channels; :meth:`commit` uses the order given here.
        stored
            Provides pixel sizes, units, positions and channels; its values are not written.
        record
            Everything that determines the result, for JSON: settings, fingerprints, versions.
        overwrite
            Whether to replace an existing zarr. It is kept until :meth:`finish`; meanwhile
            :func:`~napari_dip.files.output_folder.working_folder` returns the new folder.
        version
            Version of OME-Zarr: ``"0.5"`` uses zarr format 3, ``"0.4"`` format 2.

        Raises
        ------
        OutputExists
            If `path` exists and `overwrite` is false.
        FileProblem
            If it is not a zarr, the parent folder is missing or not writable, or OME-Zarr cannot
            hold the axes.
        """
        path = Path(path)
        place = create_folder(
            path,
            shape,
            np.dtype(dtype),
            stored,
            axes,
            record,
            overwrite=overwrite,
            version=version,
        )
        return cls(place, path)

    @classmethod
    def reopen(cls, path: str | Path, record: Mapping[str, Any]) -> ResumableZarr:
        """Resume a run; no other process may write to it.

        All complete units are read. A unit whose values differ from the written ones is to be
        restored again, and smaller levels are repaired from the full resolution.

        Parameters
        ----------
        path
            The folder that was given to :meth:`create`.
        record
            As for :meth:`create`; it must be equal.

        Raises
        ------
        BadSettings
            If the record differs; the message lists the differing entries.
        FileProblem
            If :meth:`create` did not make the folder, or its journal is damaged.
        """
        place = resume_folder(Path(path), record)
        with translate_disk_errors(place):
            sink = cls(place, path)
            sink.redone = sink.clean() + sink.discard_damaged()
            sink._levels.recover(sink.regions())
        return sink

    def clean(self) -> int:
        """Remove the incomplete files of a killed process; return the number of lost records.

        No other process may write meanwhile.
        """
        self._journal.clean()
        return self._journal.discard_damaged()

    def discard_damaged(self) -> int:
        """Forget the units whose values differ from the written ones; return their number."""
        lost = [key for key, entry in self._journal.entries().items() if not self._is_whole(entry)]
        if lost:
            self.forget(lost)
        return len(lost)

    def forget(self, keys: Iterable[str]) -> None:
        """Remove the records of units, and mark the image as unfinished."""
        self._group.update_attributes(finished_attribute(False))
        for key in keys:
            self._journal.forget(key)

    @property
    def array(self) -> ZarrArray:
        """The image in full resolution, read on access; see :attr:`axes`."""
        return ZarrArray(self._levels.largest, self.path)

    def regions(self) -> list[Region]:
        """Return the regions of the complete units, with axes in the order of :attr:`axes`."""
        entries = self._journal.entries().values()
        return [tuple(slice(*ends) for ends in entry["region"]) for entry in entries]

    @property
    def done(self) -> dict[str, Any]:
        """The reports of all complete units by key."""
        return {key: entry["report"] for key, entry in self._journal.entries().items()}

    def has(self, key: str) -> bool:
        """Return whether a unit is complete."""
        return self._journal.has(key)

    def read(self, key: str, index: Index) -> NDArray[Any] | None:
        """Read a part of a complete unit, in the axis order of :meth:`create`; else ``None``."""
        if not self._journal.has(key):
            return None
        return self.axis_order.read(self.array, index)

    def commit(self, key: str, index: Index, values: NDArray[Any], report: Any) -> None:
        """Write a unit in all levels, then record that it is complete.

        Parameters
        ----------
        key
            Name of the unit.
        index
            Its location in the axis order of :meth:`create`; all of Y and X.
        values
            Values with the shape that `index` selects and the dtype of the image.
        report
            Report of the unit, for JSON.

        Raises
        ------
        BadImage
            If the values do not fit.
        NapariDipError
            If the disk is full. Units committed before are kept.
        """
        region, planes = self.axis_order.to_stored(index, values)
        with translate_disk_errors(self.path, _FULL_DISK_CURE):
            digest = checksum(planes)
            self._journal.forget(key)  # a unit that is restored again is incomplete until then
            self._levels.write(region, planes)
            where = [[part.start, part.stop] for part in region]
            self._journal.write(key, {"region": where, "checksum": digest, "report": report})

    def collect(self, index: Index) -> None:
        """Write the shards that are due after the commit of a unit; one process may do so.

        Parameters
        ----------
        index
            Location of the unit, as for :meth:`commit`, which another process may have called.

        Raises
        ------
        NapariDipError
            If the disk is full. All units are kept.
        """
        with translate_disk_errors(self.path, _FULL_DISK_CURE):
            self._levels.collect(self.axis_order.region(index))

    def gather_records(self) -> None:
        """Move many records to one file; no other process may write meanwhile."""
        with translate_disk_errors(self.path, _FULL_DISK_CURE):
            self._journal.gather()

    def _pack(self) -> None:
        """Write all complete units to their shards, and many records to one file."""
        with translate_disk_errors(self.path, _FULL_DISK_CURE):
            self._levels.complete(self.regions())
        self.gather_records()

    def stop(self, provenance: Mapping[str, Any]) -> None:
        """Write the provenance of an unfinished image; a later run may resume it."""
        self._pack()
        self._update_attributes(finished_attribute(False, provenance))

    def _update_attributes(self, attributes: dict[str, Any]) -> None:
        with translate_disk_errors(self.path):
            self._group.update_attributes(attributes)
            for name in ("zarr.json", ".zattrs"):
                if (self.path / name).exists():
                    sync_to_disk(self.path / name)

    def assemble(self) -> None:
        """Do nothing: the units are parts of the image."""

    def finish(self, provenance: Mapping[str, Any]) -> None:
        """Write the provenance, mark the image as complete, and move it to its final folder.

        Raises
        ------
        NapariDipError
            If it cannot be moved. The image is complete, and the message names its folder.
        """
        self._pack()
        self._update_attributes(finished_attribute(True, provenance))
        if self.path != self.target:
            move_folder(self.path, self.target)
            self.path = self.target
            self._journal = Journal(self.path / JOURNAL)
            self._open()
        self._levels.remove_staged()

    def _is_whole(self, entry: Mapping[str, Any]) -> bool:
        region = tuple(slice(*ends) for ends in entry["region"])
        return self._levels.is_whole(region, entry["checksum"])
