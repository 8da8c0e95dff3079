"""Write XZ sections to disk in a separate array, and transpose them to planes at the end.

A section crosses all planes, so units of sections would share every chunk of an image that is
stored plane by plane. Sections are therefore written to an array beside the journal, in which Y and
Z are exchanged. There a section is a whole plane, and no two units share a chunk.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_dip.errors import FileProblem
from napari_dip.files.atomic_write import filled_folder, translate_disk_errors
from napari_dip.files.journal import Journal
from napari_dip.files.ngff import axes_in_zarr, level_name
from napari_dip.files.output_folder import JOURNAL
from napari_dip.files.pyramid_arrays import create_levels
from napari_dip.files.resumable_zarr import ResumableZarr
from napari_dip.image.axes import Layout

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_dip.files.zarr_reader import ZarrArray
    from napari_dip.image.axes import Index

__all__ = ["ResumableSections"]

MAX_GROUP_BYTES = 64_000_000
"""Bytes of planes that are transposed together; smaller levels need four times as much."""

MAX_CHUNK_DEPTH = 64
"""Planes per chunk of the sections: few, since each group of planes reads the chunks again."""


class ResumableSections:
    """An OME-Zarr that is written section by section, with the methods of ``ResumableZarr``.

    Until :meth:`finish`, it needs up to twice the disk space of the image.

    Parameters
    ----------
    planes
        The image, with axes Z, Y and X. Its committed sections are kept.

    Attributes
    ----------
    redone
        Number of sections that :meth:`reopen` found damaged or missing, to be restored again.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from napari_dip.image.metadata import StoredImage
    >>> path, stored = Path(tempfile.mkdtemp()) / "a.ome.zarr", StoredImage(np.eye(8), "YX")
    >>> planes = ResumableZarr.create(path, (4, 9, 8), "uint8", stored, "ZYX", {"seed": 0})
    >>> sink = ResumableSections(planes)
    >>> for row in range(9):
    ...     sink.commit(str(row), (slice(None), row), np.full((4, 8), row, "uint8"), {})
    >>> sink.finish({})
    >>> sink.array[3, :, 0]
    array([0, 1, 2, 3, 4, 5, 6, 7, 8], dtype=uint8)
    """

    redone: int = 0

    def __init__(self, planes: ResumableZarr) -> None:
        self._planes = planes
        if not _sections_folder(planes.path).exists():
            _create_sections(planes)
        self._sections = ResumableZarr(_sections_folder(planes.path))

    @classmethod
    def reopen(cls, planes: ResumableZarr) -> ResumableSections:
        """Resume the sections of another process, after all of them are verified.

        Parameters
        ----------
        planes
            From :meth:`ResumableZarr.reopen`, which has verified the planes.
        """
        folder = _sections_folder(planes.path)
        recorded = Journal(folder / JOURNAL).count
        transposed = not _chunk_folder(planes.path).exists()
        if folder.exists() and transposed and (planes.redone or not _all_planes_done(planes)):
            # The sections were deleted after they became planes, but planes are missing.
            planes.forget(planes.done)
            shutil.rmtree(folder)
        try:
            sink = cls(planes)
        except FileProblem:  # unreadable without its metadata
            shutil.rmtree(folder)
            sink = cls(planes)
        sink.clean(verify=not transposed)
        sink.redone = recorded - len(sink.done)
        return sink

    def clean(self, *, verify: bool) -> None:
        """Remove the incomplete files of a killed process, and damaged sections if `verify`."""
        with translate_disk_errors(self._planes.path):
            self._sections.clean()
            if verify:
                self._sections.discard_damaged()

    @property
    def path(self) -> Path:
        """The folder of the image."""
        return self._planes.path

    def __reduce__(self) -> tuple[Any, ...]:
        return ResumableSections, (self._planes,)

    @property
    def array(self) -> ZarrArray:
        """The image, which is empty before :meth:`finish`."""
        return self._planes.array

    @property
    def done(self) -> dict[str, Any]:
        """The reports of all complete units by key."""
        return self._sections.done

    def has(self, key: str) -> bool:
        """Return whether a section is complete."""
        return self._sections.has(key)

    def read(self, key: str, index: Index) -> NDArray[Any] | None:
        """Read a part of a complete unit, in the axis order of the planes."""
        if not _chunk_folder(self._planes.path).exists():  # transposed, perhaps by another process
            return self._planes.axis_order.read(self.array, index)
        return self._sections.read(key, index)

    def commit(self, key: str, index: Index, values: NDArray[Any], report: Any) -> None:
        """Write whole sections, then record that they are complete."""
        self._sections.commit(key, index, values, report)

    def collect(self, index: Index) -> None:
        """Do nothing: no two sections share a file."""

    def assemble(self) -> None:
        """Transpose all sections to planes; a part of it can be done already.

        This can be resumed too: each group of planes is a unit of the image.
        """
        transposed = self._planes.done
        for key, index in self._groups():
            if key not in transposed:
                axis_order = self._sections.axis_order
                self._planes.commit(key, index, axis_order.read(self._sections.array, index), {})
                self._planes.collect(index)

    def finish(self, provenance: Mapping[str, Any]) -> None:
        """Transpose all sections, write the provenance, and delete the sections."""
        self.assemble()
        self._planes.finish(provenance)
        # The journal of the sections is kept as the record of each unit. The values are deleted
        # at once, since a viewer may be reading them.
        self._sections = ResumableZarr(_sections_folder(self._planes.path))
        self._sections.gather_records()
        chunks = _chunk_folder(self._planes.path)
        old = chunks.with_name("old")
        if chunks.exists():
            chunks.rename(old)
        shutil.rmtree(old, ignore_errors=True)

    def stop(self, provenance: Mapping[str, Any]) -> None:
        """Write the provenance of an unfinished image; the sections are kept for a later run."""
        self._planes.stop(provenance)

    def _groups(self) -> Iterator[tuple[str, Index]]:
        """Split the image into groups of planes that fit into memory."""
        stored = self._planes.array
        axes, order = self._planes.axis_order.axes, axes_in_zarr(self._planes.axis_order.axes)
        layout = Layout(axes, tuple(stored.shape[order.index(letter)] for letter in axes))
        z = axes.index("Z")
        others = [axis for axis in layout.leading if axis != z]
        plane = stored.dtype.itemsize * int(np.prod(layout.spatial_shape))
        step = max(1, MAX_GROUP_BYTES // (plane * (layout.shape[-1] if "S" in axes else 1)))
        for numbers in np.ndindex(*(layout.shape[axis] for axis in others)):
            for low in range(0, layout.shape[z], step):
                chosen = dict(zip(others, numbers, strict=True))
                high = min(low + step, layout.shape[z])
                key = "-".join(f"{number:06}" for number in (*numbers, low))
                yield key, layout.index(chosen | {z: slice(low, high)})


def _all_planes_done(planes: ResumableZarr) -> bool:
    """Return whether all planes are complete."""
    *leading, _, _ = planes.array.shape
    done = np.zeros(leading, bool)
    for region in planes.regions():
        done[region[:-2]] = True
    return bool(done.all())


def _create_sections(sink: ResumableZarr) -> None:
    """Create the array that holds the sections of an image."""
    axes, (*leading, depth, height, width) = sink.axis_order.axes, sink.array.shape
    shape = (*leading, height, depth, width)
    chunks = (*[1] * (len(shape) - 2), min(depth, MAX_CHUNK_DEPTH), min(width, 1024))
    with translate_disk_errors(sink.path), filled_folder(_sections_folder(sink.path)) as hidden:
        letters = axes_in_zarr(axes).replace("S", "C")
        create_levels(hidden, [shape], sink.array.dtype, letters, {}, "0.5", chunks)
        (hidden / level_name(0) / "c").mkdir()
        Journal(hidden / JOURNAL).begin({"axes": _exchange_y_and_z(axes), "record": {}})


def _exchange_y_and_z(axes: str) -> str:
    """Exchange Y and Z, so that sections become planes.

    Examples
    --------
    >>> _exchange_y_and_z("TZCYX")
    'TYCZX'
    """
    return axes.translate(str.maketrans("ZY", "YZ"))


def _sections_folder(path: Path) -> Path:
    return path / JOURNAL / "sections"


def _chunk_folder(path: Path) -> Path:
    return _sections_folder(path) / level_name(0) / "c"
