"""An OME-Zarr that is filled where it lies, unit by unit, and can be gone on with after a kill.

A unit is one or several whole planes, so that no two units share a chunk: any number of processes
may commit different units at once. A unit is done when its record stands in the journal, and that
is written only when the values of all levels are on the disk. The chunks depend on nothing but the
values, so that a run that was killed and gone on with ends in the same files.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import zarr

from napari_dip.errors import FileProblem
from napari_dip.files.durable import disk_problems, force_to_disk, put_in_place
from napari_dip.files.journal import Journal, plain_json
from napari_dip.files.levels import make_levels, open_levels, write_levels
from napari_dip.files.ngff import Version, attributes, axes_in_zarr, check_target, version_of
from napari_dip.files.pyramid import Arrangement, level_shapes
from napari_dip.files.zarr_source import NAME, ZarrArray
from napari_dip.stack.axes import Layout

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import DTypeLike, NDArray

    from napari_dip.stack.axes import Index
    from napari_dip.stack.stored import StoredImage

__all__ = ["JOURNAL", "GrowingZarr", "begun_with", "write_zarr"]

JOURNAL = f".{NAME}"
"""The folder within the image that says what is done of it."""


class GrowingZarr:
    """An OME-Zarr on the disk that is filled unit by unit; open it by one of its class methods.

    Attributes
    ----------
    path
        The folder.
    axes
        In the order in which they are stored, as OME-Zarr asks for; colours are an axis C.
    arrangement
        How the axes of :meth:`create` became these.

    Examples
    --------
    >>> import tempfile
    >>> from napari_dip.stack.stored import StoredImage
    >>> path, stored = Path(tempfile.mkdtemp()) / "a.ome.zarr", StoredImage(np.eye(8), "YX")
    >>> sink = GrowingZarr.create(path, (2, 8, 8), "uint8", stored, "TYX", {"seed": 0})
    >>> sink.commit("0", (0,), np.eye(8, dtype="uint8"), {"iterations": 100})
    >>> GrowingZarr.reopen(path, {"seed": 0}).done
    {'0': {'iterations': 100}}
    """

    path: Path
    axes: str
    arrangement: Arrangement

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path).absolute()  # a worker may stand in another folder
        self._journal = Journal(self.path / JOURNAL)
        axes = self._journal.about()["axes"]
        self.axes = axes_in_zarr(axes).replace("S", "C")
        try:
            self._group = zarr.open_group(self.path, mode="r+")
            self._levels = open_levels(self.path)
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise FileProblem(
                f"{self.path} is damaged or may not be written to ({error}); overwrite it"
            ) from None
        self.arrangement = Arrangement(axes, self._levels[0].shape, self.array.dtype)

    def __reduce__(self) -> tuple[Any, ...]:
        return GrowingZarr.open, (self.path,)

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
    ) -> GrowingZarr:
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
            Whether a zarr that is there may be replaced.
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
        check_target(path, overwrite)
        with disk_problems(path), put_in_place(path) as hidden:
            _make(hidden, shape, dtype, stored, axes, _finished(False), version)
            Journal(hidden / JOURNAL).begin({"axes": axes, "record": record})
        return cls(path)

    @classmethod
    def open(cls, path: str | Path) -> GrowingZarr:
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
    ) -> GrowingZarr:
        """Open what a run has left, to go on with it; nobody else may be writing to it.

        Parameters
        ----------
        path
            The folder.
        record
            As for :meth:`create`; it must be the same.
        verify
            Whether to read the units that are done, and to do those again whose values are not
            those that were written.

        Raises
        ------
        BadSettings
            If the record differs; the message names the entries.
        FileProblem
            If the folder was not made by :meth:`create`.
        """
        journal = Journal(Path(path) / JOURNAL)
        journal.check(record)
        journal.clean()
        sink = cls(path)
        for key, entry in journal.entries().items() if verify else ():
            if not sink._is_as_written(entry):
                journal.forget(key)
        return sink

    @property
    def array(self) -> ZarrArray:
        """The image in full resolution, read when it is asked for; see :attr:`axes`."""
        return ZarrArray(self._levels[0], self.path)

    @property
    def done(self) -> dict[str, Any]:
        """The reports of all units that are done, by their keys."""
        return {key: entry["report"] for key, entry in self._journal.entries().items()}

    def read(self, key: str, index: Index) -> NDArray[Any] | None:
        """Read a part of a unit, in the order of axes of :meth:`create`, once it is committed."""
        if not self._journal.has(key):
            return None
        return self.arrangement.read(self.array, index)

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
        region, planes = self.arrangement.arranged(index, values)
        with disk_problems(self.path, "what was committed before is kept: make room and go on"):
            checksum = _checksum(planes)
            self._journal.forget(key)  # of a unit that is done anew, until it is
            write_levels(self.path, self._levels, region, planes)
            where = [[part.start, part.stop] for part in region]
            self._journal.write(key, {"region": where, "checksum": checksum, "report": report})

    def finish(self, provenance: Mapping[str, Any]) -> None:
        """Say how the image came about, and that it is whole."""
        with disk_problems(self.path):
            self._group.update_attributes(_finished(True, provenance))
            for name in ("zarr.json", ".zattrs"):
                if (self.path / name).exists():
                    force_to_disk(self.path / name)

    def _is_as_written(self, entry: Mapping[str, Any]) -> bool:
        region = tuple(slice(*ends) for ends in entry["region"])
        try:
            return bool(_checksum(self.array[region]) == entry["checksum"])
        except FileProblem:  # a chunk that cannot be decoded
            return False


def begun_with(path: str | Path) -> dict[str, Any]:
    """Return the record that :meth:`GrowingZarr.create` was given; empty if it says nothing of it.

    Raises
    ------
    FileProblem
        If the folder was not made by it.
    """
    record: dict[str, Any] = Journal(Path(path) / JOURNAL).about().get("record", {})
    return record


def write_zarr(
    path: Path, stored: StoredImage, provenance: Mapping[str, Any] | None, overwrite: bool
) -> None:
    """Write an image plane by plane; it stands under its name when it is whole.

    What came from OME-Zarr 0.4 is written as that.
    """
    image, axes = stored.image, stored.axes
    version = version_of(stored)
    check_target(path, overwrite)
    with disk_problems(path), put_in_place(path) as hidden:
        said = _finished(True, provenance)
        arrangement = _make(hidden, image.shape, image.dtype, stored, axes, said, version)
        levels = open_levels(hidden)
        for index in Layout(axes, image.shape).indices():
            write_levels(hidden, levels, *arrangement.arranged(index, np.asarray(image[index])))


def _make(
    path: Path,
    shape: Sequence[int],
    dtype: np.dtype[Any],
    stored: StoredImage,
    axes: str,
    said: dict[str, Any],
    version: Version,
) -> Arrangement:
    """Make a group and its empty arrays."""
    order = axes_in_zarr(axes)
    shapes = level_shapes(tuple(shape[axes.index(letter)] for letter in order))
    said = attributes(stored, order, shapes, dtype, version) | said
    make_levels(path, shapes, dtype, order.replace("S", "C"), said, version)
    return Arrangement(axes, shapes[0], dtype)


def _finished(finished: bool, provenance: Mapping[str, Any] | None = None) -> dict[str, Any]:
    said = {"finished": finished} | ({"provenance": provenance} if provenance else {})
    return {NAME: json.loads(plain_json(said))}


def _checksum(values: NDArray[Any]) -> str:
    return hashlib.blake2b(np.ascontiguousarray(values).data, digest_size=16).hexdigest()
