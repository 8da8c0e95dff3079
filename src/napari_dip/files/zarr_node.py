"""Open the groups and arrays of a zarr folder, or of a zip file of one."""

from __future__ import annotations

import json
import math
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

import numcodecs
import zarr
from zarr.storage import LocalStore, ZipStore

from napari_dip.errors import FileProblem, NapariDipError
from napari_dip.files.read_errors import FileArray, refuse_too_large
from napari_dip.files.zarr_chunk_check import CheckedStore
from napari_dip.files.zarr_zip import zarr_in_zip
from napari_dip.plaintext import shortened

if TYPE_CHECKING:
    from pathlib import Path

    from zarr.abc.store import Store

__all__ = ["Location", "ZarrArray", "open_node"]


class ZarrArray(FileArray):
    """A zarr array in native byte order; it can be pickled.

    Parameters
    ----------
    array
        Of any zarr format, open for reading.
    path
        The path that error messages name.
    """


class Location(NamedTuple):
    """Location of a group or array: a folder, or the path `inside` a zip file."""

    path: Path
    zipped: bool
    inside: str

    def __str__(self) -> str:
        return str(self.path / self.inside)

    def __truediv__(self, name: str) -> Location:
        return self._replace(inside=f"{self.inside}/{name}".strip("/"))

    @classmethod
    def of(cls, path: Path) -> Location:
        """Return the location of the group or array at a path.

        Raises
        ------
        FileProblem
            If it is a file, but not a zip file of a zarr.
        """
        return cls(path, *_find_in_zip(path))

    @property
    def file(self) -> Path:
        """The file or folder whose modification time shows a change."""
        return self.path if self.zipped else self.path / self.inside


def _find_in_zip(path: Path) -> tuple[bool, str]:
    """Return whether a path is a zip file, and the path of the zarr inside."""
    if not path.is_file():
        return False, ""
    inside = zarr_in_zip(path)
    if inside is None:
        raise FileProblem(
            f"{path} is not a zip file of a zarr, or is damaged; give a zarr folder, or such a file"
        )
    return True, inside


def open_node(place: Location) -> zarr.Array[Any] | zarr.Group:
    """Open a group or an array for reading.

    Raises
    ------
    FileProblem
        If there is none, or it cannot be read.
    """
    path = place.path / place.inside
    try:
        store: Store = LocalStore(path.absolute(), read_only=True)
        if place.zipped:
            store = ZipStore(place.path.absolute(), mode="r")
        guard = CheckedStore(store, path)
        node = zarr.open(guard, path=place.inside if place.zipped else None, mode="r")
        if isinstance(node, zarr.Array):
            _check(path, node)
            guard.set_array(node)
        return node
    except NapariDipError:
        raise
    except FileNotFoundError as error:
        what = "is not a zarr array or group" if path.is_dir() else "does not exist"
        raise FileProblem(f"{path} {what}; check the name and the folder") from error
    except PermissionError as error:
        raise FileProblem(f"{path} cannot be read; ask for permission to read it") from error
    except json.JSONDecodeError as error:
        raise FileProblem(
            f"the metadata of {path} are damaged ({error}); copy it again from its source"
        ) from error
    except MemoryError:
        raise
    except Exception as error:
        raise FileProblem(
            f"{path} cannot be read as zarr ({type(error).__name__}: "
            f"{shortened(error)}); copy it again from its source"
        ) from error


def _check(path: Path, array: zarr.Array[Any]) -> None:
    """Check the declared sizes of an array before a chunk is decoded."""
    for codec in (*array.filters, *array.compressors):
        if isinstance(codec, numcodecs.Pickle):
            raise FileProblem(
                f"{path} is encoded with pickle, which can run arbitrary code when it is read; "
                "save the array with another codec"
            )
    if array.dtype.kind not in "buifc":
        raise FileProblem(
            f"{path} holds {array.dtype} instead of numbers; give an array of numbers"
        )
    if any(side > sys.maxsize for side in array.shape):
        raise FileProblem(
            f"{path} has the impossible shape {shortened(array.shape)}; copy it again from its "
            "source"
        )
    if any(side < 1 for side in array.chunks):
        raise FileProblem(
            f"{path} has chunks of shape {array.chunks}, and each side must be at least 1; "
            "copy it again from its source"
        )
    refuse_too_large(path, math.prod(array.chunks) * array.dtype.itemsize, "a chunk")
