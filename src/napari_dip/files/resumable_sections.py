"""Sections on the disk: they lie on their side until all are there, and become planes then.

A section runs across all planes, so that units of sections would share every chunk of an image
that is stored plane by plane. They are kept in an array of their own beside the journal, in which
Y and Z have changed places: there a section is a whole plane, and no two units share a chunk.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_dip.errors import FileProblem
from napari_dip.files.atomic_write import filled_folder, translate_disk_errors
from napari_dip.files.journal import Journal
from napari_dip.files.ngff import axes_in_zarr, level_name
from napari_dip.files.pyramid_arrays import create_levels
from napari_dip.files.resumable_zarr import JOURNAL, ResumableZarr
from napari_dip.image.axes import Layout

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_dip.files.zarr_reader import ZarrArray
    from napari_dip.image.axes import Index

__all__ = ["ResumableSections"]

_AT_ONCE = 64_000_000
"""Bytes of planes that are turned together; with their smaller levels it takes four times that."""

_DEPTH = 64
"""Planes of a chunk of the sections: few enough to be read again for each group of planes."""


class ResumableSections:
    """An OME-Zarr that is filled section by section; it has the methods of ``ResumableZarr``.

    On the disk it takes up to twice the room of the image, until :meth:`finish`.

    Parameters
    ----------
    planes
        The image, with axes Z, Y and X. What was committed to it in sections is gone on with.

    Attributes
    ----------
    redone
        How many sections :meth:`reopen` found damaged or missing, which are to be done again.

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
        if not _beside(planes.path).exists():
            _make_room(planes)
        self._sections = ResumableZarr.open(_beside(planes.path))

    @classmethod
    def reopen(cls, planes: ResumableZarr) -> ResumableSections:
        """Go on with sections that were left by another process, once all of them are verified.

        Parameters
        ----------
        planes
            From :meth:`ResumableZarr.reopen`, which has verified the planes.
        """
        room = _beside(planes.path)
        had = len([*(room / JOURNAL / "units").glob("*.json")])
        turned = not _chunks(planes.path).exists()
        if room.exists() and turned and (planes.redone or not _covers(planes)):
            # Their values were given up for those of the planes, which are not all there.
            planes.forget(planes.done)
            shutil.rmtree(room)
        try:
            sink = cls(planes)
        except FileProblem:  # without its metadata nothing of it can be read
            shutil.rmtree(room)
            sink = cls(planes)
        sink.tidy(verify=not turned)
        sink.redone = had - len(sink.done)
        return sink

    def tidy(self, *, verify: bool) -> None:
        """Remove what a killed process has left half done, and what is damaged, if asked."""
        with translate_disk_errors(self._planes.path):
            self._sections.tidy()
            if verify:
                self._sections.discard_damaged()

    @property
    def path(self) -> Path:
        """The folder in which the image lies now."""
        return self._planes.path

    def __reduce__(self) -> tuple[Any, ...]:
        return ResumableSections, (self._planes,)

    @property
    def array(self) -> ZarrArray:
        """The image, which is empty before :meth:`finish`."""
        return self._planes.array

    @property
    def done(self) -> dict[str, Any]:
        """The reports of all units that are done, by their keys."""
        return self._sections.done

    def read(self, key: str, index: Index) -> NDArray[Any] | None:
        """Read a part of a unit, in the order of axes of the planes, once it is committed."""
        if not _chunks(self._planes.path).exists():  # they were turned, by another process perhaps
            return self._planes.axis_order.read(self.array, index)
        return self._sections.read(key, index)

    def commit(self, key: str, index: Index, values: NDArray[Any], report: Any) -> None:
        """Write whole sections, and then record that they are done."""
        self._sections.commit(key, index, values, report)

    def finish(self, provenance: Mapping[str, Any]) -> None:
        """Turn all sections into planes, say how the image came about, and clear up.

        That can be gone on with, too: each group of planes is a unit of the image.
        """
        turned = self._planes.done
        for key, index in self._groups():
            if key not in turned:
                axis_order = self._sections.axis_order
                self._planes.commit(key, index, axis_order.read(self._sections.array, index), {})
        self._planes.finish(provenance)
        # The journal of the sections stays: it tells how each unit came about. Their values go all
        # at once, for a viewer may be reading them.
        self._sections = ResumableZarr.open(_beside(self._planes.path))
        chunks = _chunks(self._planes.path)
        old = chunks.with_name("old")
        if chunks.exists():
            chunks.rename(old)
        shutil.rmtree(old, ignore_errors=True)

    def stop(self, provenance: Mapping[str, Any]) -> None:
        """Say how far the image is; the sections are kept for a run that goes on."""
        self._planes.stop(provenance)

    def _groups(self) -> Iterator[tuple[str, Index]]:
        """Cut the image into planes, as many at once as the memory is meant to hold."""
        stored = self._planes.array
        axes, order = self._planes.axis_order.axes, axes_in_zarr(self._planes.axis_order.axes)
        layout = Layout(axes, tuple(stored.shape[order.index(letter)] for letter in axes))
        z = axes.index("Z")
        others = [axis for axis in layout.leading if axis != z]
        plane = stored.dtype.itemsize * int(np.prod(layout.spatial_shape))
        step = max(1, _AT_ONCE // (plane * (layout.shape[-1] if "S" in axes else 1)))
        for numbers in np.ndindex(*(layout.shape[axis] for axis in others)):
            for low in range(0, layout.shape[z], step):
                chosen = dict(zip(others, numbers, strict=True))
                high = min(low + step, layout.shape[z])
                key = "-".join(f"{number:06}" for number in (*numbers, low))
                yield key, layout.index(chosen | {z: slice(low, high)})


def _covers(planes: ResumableZarr) -> bool:
    """Tell whether all planes have been made of sections."""
    *leading, _, _ = planes.array.shape
    done = np.zeros(leading, bool)
    for region in planes.regions():
        done[region[:-2]] = True
    return bool(done.all())


def _make_room(sink: ResumableZarr) -> None:
    """Make the array that takes the sections of an image."""
    axes, (*leading, depth, height, width) = sink.axis_order.axes, sink.array.shape
    shape = (*leading, height, depth, width)
    chunks = (*[1] * (len(shape) - 2), min(depth, _DEPTH), min(width, 1024))
    with translate_disk_errors(sink.path), filled_folder(_beside(sink.path)) as hidden:
        letters = axes_in_zarr(axes).replace("S", "C")
        create_levels(hidden, [shape], sink.array.dtype, letters, {}, "0.5", chunks)
        (hidden / level_name(0) / "c").mkdir()
        Journal(hidden / JOURNAL).begin({"axes": _on_its_side(axes), "record": {}})


def _on_its_side(axes: str) -> str:
    """Let Y and Z change places: the planes of what comes out are the sections.

    Examples
    --------
    >>> _on_its_side("TZCYX")
    'TYCZX'
    """
    return axes.translate(str.maketrans("ZY", "YZ"))


def _beside(path: Path) -> Path:
    return path / JOURNAL / "sections"


def _chunks(path: Path) -> Path:
    return _beside(path) / level_name(0) / "c"
