"""An OME-Zarr that is filled where it lies, unit by unit, and can be gone on with after a kill.

A unit is one or several whole planes, so that no two units share a chunk: any number of processes
may commit different units at once. A unit is done when its record stands in the journal, and that
is written only when the values of all levels are on the disk. The chunks depend on nothing but the
values, so that a run that was killed and gone on with ends in the same files.

Where something is replaced, the new image grows under a hidden name beside it until it is whole.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import zarr

from napari_dip.errors import FileProblem, NapariDipError
from napari_dip.files.atomic_write import (
    complete_swap,
    filled_folder,
    hidden_sibling,
    swap_folder,
    sync_to_disk,
    translate_disk_errors,
)
from napari_dip.files.journal import Journal
from napari_dip.files.ngff import Version, axes_in_zarr
from napari_dip.files.pyramid_arrays import (
    checksum,
    copy_metadata,
    open_levels,
    read_verified,
    restore_metadata,
    write_levels,
)
from napari_dip.files.pyramid_layout import AxisOrder, Region
from napari_dip.files.zarr_output_check import check_new_zarr
from napari_dip.files.zarr_reader import NAME, ZarrArray
from napari_dip.files.zarr_writer import create_zarr, finished_attribute

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import DTypeLike, NDArray

    from napari_dip.image.axes import Index
    from napari_dip.image.metadata import StoredImage

__all__ = ["JOURNAL", "ResumableZarr", "recorded_run", "working_folder"]

JOURNAL = f".{NAME}"
"""The folder within the image that says what is done of it."""

_METADATA = "metadata"
"""Within the journal: the metadata as they were made, to be put back where they are lost."""


_FULL_DISK_CURE = "what was committed before is kept: make room and go on"


class ResumableZarr:
    """An OME-Zarr on the disk that is filled unit by unit; open it by one of its class methods.

    Attributes
    ----------
    path
        The folder in which it lies now.
    target
        The folder in which it will lie when it is whole: another one while something is there
        that it replaces.
    axes
        In the order in which they are stored, as OME-Zarr asks for; colours are an axis C.
    axis_order
        How the axes of :meth:`create` became these.
    redone
        How many units :meth:`reopen` found damaged or missing, which are to be done again.

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
        self.path = Path(path).absolute()  # a worker may stand in another folder
        self.target = self.path if target is None else Path(target).absolute()
        self._journal = Journal(self.path / JOURNAL)
        self._open()

    def _open(self) -> None:
        axes = self._journal.about()["axes"]
        self.axes = axes_in_zarr(axes).replace("S", "C")
        try:
            self._group = zarr.open_group(self.path, mode="r+")
            self._levels = open_levels(self.path)
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise FileProblem(
                f"{self.path} is damaged or may not be written to ({error}); overwrite it"
            ) from None
        self.axis_order = AxisOrder(axes, self._levels[0].shape, self.array.dtype)

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
        """Make an empty image.

        Parameters
        ----------
        path
            A folder that is not there yet.
        shape, dtype, axes
            Of the image, one letter for each axis. It is stored in the order ``T``, ``C`` or
            ``Q``, ``ZYX``, and colours as channels; :meth:`commit` keeps to the order here.
        stored
            Whose pixel sizes, units, places and channels are written; its image is not.
        record
            All that determines the result, for JSON: settings, fingerprints, versions.
        overwrite
            Whether a zarr that is there may be replaced. It stays until :meth:`finish`; the new
            one is meanwhile in the folder that :func:`working_folder` names.
        version
            Of OME-Zarr: ``"0.5"`` is made of zarr 3, ``"0.4"`` of zarr 2.

        Raises
        ------
        OutputExists
            If `path` is there and `overwrite` is false.
        FileProblem
            If it is something else than a zarr, the folder above is missing or closed, or
            OME-Zarr has no room for the axes.
        """
        path, dtype = Path(path), np.dtype(dtype)
        with translate_disk_errors(path):
            complete_swap(path)
        check_new_zarr(path, overwrite)
        new = hidden_sibling(path, "new")
        shutil.rmtree(new, ignore_errors=True)  # of a run that was killed, and is not gone on with
        place = new if path.exists() else path
        with (
            translate_disk_errors(path),
            filled_folder(place, hidden_sibling(path, "part")) as hidden,
        ):
            create_zarr(hidden, shape, dtype, stored, axes, finished_attribute(False), version)
            Journal(hidden / JOURNAL).begin({"axes": axes, "record": record})
            copy_metadata(hidden, hidden / JOURNAL / _METADATA)
        return cls(place, path)

    @classmethod
    def open(cls, path: str | Path) -> ResumableZarr:
        """Open what :meth:`create` made, to commit to it beside other processes.

        Raises
        ------
        FileProblem
            If it was not made by :meth:`create`.
        """
        return cls(path)

    @classmethod
    def reopen(
        cls, path: str | Path, record: Mapping[str, Any], *, verify: bool = False
    ) -> ResumableZarr:
        """Open what a run has left, to go on with it; nobody else may be writing to it.

        Parameters
        ----------
        path
            The folder that was given to :meth:`create`.
        record
            As for :meth:`create`; it must be the same.
        verify
            Whether to read the units that are done, and to do those again whose values are not
            those that were written. Smaller levels are made again from the full resolution.

        Raises
        ------
        BadSettings
            If the record differs; the message names the entries.
        FileProblem
            If the folder was not made by :meth:`create`, or its journal is damaged.
        """
        with translate_disk_errors(Path(path)):
            complete_swap(Path(path))
        place = working_folder(Path(path))
        Journal(place / JOURNAL).check(record)
        with translate_disk_errors(place):
            if verify:
                restore_metadata(place, place / JOURNAL / _METADATA)
            sink = cls(place, path)
            sink.redone = sink.tidy()
            sink.redone += sink.discard_damaged() if verify else 0
        return sink

    def tidy(self) -> int:
        """Remove what a killed process has left half written, and count the units that cost.

        Nobody else may be writing.
        """
        self._journal.clean()
        return self._journal.discard_damaged()

    def discard_damaged(self) -> int:
        """Have the units done again whose values are not those that were written; count them."""
        lost = [key for key, entry in self._journal.entries().items() if not self._is_whole(entry)]
        if lost:
            self.forget(lost)
        return len(lost)

    def forget(self, keys: Iterable[str]) -> None:
        """Take units for not done, and the image for not whole."""
        self._group.update_attributes(finished_attribute(False))
        for key in keys:
            self._journal.forget(key)

    @property
    def array(self) -> ZarrArray:
        """The image in full resolution, read when it is asked for; see :attr:`axes`."""
        return ZarrArray(self._levels[0], self.path)

    def regions(self) -> list[Region]:
        """Tell where the units that are done lie, with the axes in the order of :attr:`axes`."""
        entries = self._journal.entries().values()
        return [tuple(slice(*ends) for ends in entry["region"]) for entry in entries]

    @property
    def done(self) -> dict[str, Any]:
        """The reports of all units that are done, by their keys."""
        return {key: entry["report"] for key, entry in self._journal.entries().items()}

    def read(self, key: str, index: Index) -> NDArray[Any] | None:
        """Read a part of a unit, in the order of axes of :meth:`create`, once it is committed."""
        if not self._journal.has(key):
            return None
        return self.axis_order.read(self.array, index)

    def commit(self, key: str, index: Index, values: NDArray[Any], report: Any) -> None:
        """Write a unit, in all levels, and then record that it is done.

        Parameters
        ----------
        key
            Name of the unit.
        index
            Where it lies, in the order of axes of :meth:`create`; all of Y and X.
        values
            Of the shape that this index would give, and of the dtype of the image.
        report
            What is told of it, for JSON.

        Raises
        ------
        BadImage
            If the values do not fit.
        NapariDipError
            If the disk is full. What was committed before is kept.
        """
        region, planes = self.axis_order.to_stored(index, values)
        with translate_disk_errors(self.path, _FULL_DISK_CURE):
            digest = checksum(planes)
            self._journal.forget(key)  # of a unit that is done anew, until it is
            write_levels(self.path, self._levels, region, planes)
            where = [[part.start, part.stop] for part in region]
            self._journal.write(key, {"region": where, "checksum": digest, "report": report})

    def stop(self, provenance: Mapping[str, Any]) -> None:
        """Say how far the image is, and that it is not whole; a later run may go on with it."""
        self._say(finished_attribute(False, provenance))

    def _say(self, attributes: dict[str, Any]) -> None:
        with translate_disk_errors(self.path):
            self._group.update_attributes(attributes)
            for name in ("zarr.json", ".zattrs"):
                if (self.path / name).exists():
                    sync_to_disk(self.path / name)

    def finish(self, provenance: Mapping[str, Any]) -> None:
        """Say how the image came about, that it is whole, and put it in its place.

        Raises
        ------
        NapariDipError
            If it cannot be put there; it is whole, and the message says where.
        """
        self._say(finished_attribute(True, provenance))
        if self.path == self.target:
            return
        try:
            swap_folder(self.path, self.target)
        except OSError as error:
            raise NapariDipError(
                f"{self.target} could not be replaced ({error.strerror or error}); the new image "
                f"is whole in {self.path}: close what uses the old one, and go on with --resume"
            ) from error
        self.path = self.target
        self._journal = Journal(self.path / JOURNAL)
        self._open()

    def _is_whole(self, entry: Mapping[str, Any]) -> bool:
        region = tuple(slice(*ends) for ends in entry["region"])
        return read_verified(self.path, self._levels, region, entry["checksum"]) is not None


def working_folder(path: Path) -> Path:
    """Name the folder in which an image grows: beside `path` while that holds an older one."""
    new = hidden_sibling(path, "new")
    return new if (new / JOURNAL).is_dir() else path


def recorded_run(path: str | Path) -> dict[str, Any]:
    """Return the record that was passed to :meth:`ResumableZarr.create`.

    Raises
    ------
    FileProblem
        If the folder was not made by it.
    """
    record: dict[str, Any] = Journal(working_folder(Path(path)) / JOURNAL).about()["record"]
    return record
