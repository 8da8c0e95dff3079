"""OME-Zarr, and plain zarr arrays, read piece by piece: the image may be larger than memory."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numcodecs
import zarr
from zarr.storage import LocalStore

from napari_dip.errors import FileProblem, NapariDipError
from napari_dip.files.boundary import FromFile, reading
from napari_dip.files.chunks import Guard
from napari_dip.files.ngff import describe
from napari_dip.files.promises import check_place, refuse_too_large
from napari_dip.plaintext import shortened
from napari_dip.stack.axes import guess_axes
from napari_dip.stack.stored import StoredImage

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ZarrArray", "own_record", "read_zarr", "zarr_provenance"]

NAME = "napari-dip"
"""Under this name the group's attributes say how its image came about."""


class ZarrArray(FromFile):
    """A zarr array in the machine's byte order; it can be pickled.

    Parameters
    ----------
    array
        Of any zarr format, open for reading.
    path
        The name to complain about.
    """


def read_zarr(path: str | Path) -> StoredImage:
    """Open an image in a folder of OME-Zarr 0.4 or 0.5, or in a plain zarr array.

    Parameters
    ----------
    path
        The folder. Of a pyramid the full resolution is taken, of several images the first.

    Returns
    -------
    StoredImage
        Its image is read when it is asked for. Of a plain array the axes are its dimension
        names where they are such, and guessed otherwise; a note says so.

    Raises
    ------
    FileProblem
        If the folder is none of these, speaks of an array that is not there, or is damaged.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> folder = Path(tempfile.mkdtemp()) / "a.zarr"
    >>> array = zarr.create_array(folder, data=np.eye(8, dtype="uint16"))
    >>> stored = read_zarr(folder)
    >>> stored.axes, stored.image[2, 1:4]
    ('YX', array([0, 1, 0], dtype=uint16))
    """
    path = Path(path)
    with reading(path):
        return _read(path)


def _read(path: Path) -> StoredImage:
    node = _opened(path)
    if isinstance(node, zarr.Array):
        return _plain(path, node)
    attributes: dict[str, Any] = dict(node.attrs)
    said = describe(path, attributes)
    check_place(path, said.array)
    array = _opened(path / said.array)
    if not isinstance(array, zarr.Array):
        raise FileProblem(f"{path / said.array} is a group, and an array is expected there")
    if array.ndim != len(said.axes):
        raise FileProblem(
            f"the metadata of {path} name the axes {said.axes}, but its array has the shape "
            f"{array.shape}; correct them, or name the array: {path / said.array}"
        )
    notes = said.notes
    if own_record(attributes).get("finished") is False:
        notes += ("It was not finished: what was not restored is 0, or NaN.",)
    return StoredImage(
        image=ZarrArray(array, path),
        axes=said.axes,
        pixel_size=said.pixel_size,
        unit=said.unit,
        extras=said.extras,
        notes=notes,
        translate=said.translate,
        files=(path / said.array,),
    )


def zarr_provenance(path: Path) -> dict[str, Any] | None:
    """Return the record of how the image in a folder came about, if there is one."""
    with reading(path):
        record = own_record(dict(_opened(path).attrs)).get("provenance")
    return record if isinstance(record, dict) else None


def own_record(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return what this package has written into attributes; empty if it is not from here."""
    record = attributes.get(NAME)
    return record if isinstance(record, dict) else {}


def _opened(path: Path) -> zarr.Array[Any] | zarr.Group:
    try:
        guard = Guard(LocalStore(path.absolute(), read_only=True), path)
        node = zarr.open(guard, mode="r")
        if isinstance(node, zarr.Array):
            _check(path, node)
            guard.expect(node)
        return node
    except NapariDipError:
        raise
    except FileNotFoundError as error:
        what = "is no zarr array or group" if path.is_dir() else "does not exist"
        raise FileProblem(f"{path} {what}; check the name and the folder") from error
    except PermissionError as error:
        raise FileProblem(f"{path} may not be read; ask for its permissions") from error
    except json.JSONDecodeError as error:
        raise FileProblem(
            f"the metadata of {path} are damaged ({error}); copy it again from its source"
        ) from error
    except MemoryError:
        raise
    except Exception as error:
        raise FileProblem(
            f"{path} is no zarr that can be read here ({type(error).__name__}: "
            f"{shortened(error)}); copy it again from its source"
        ) from error


def _check(path: Path, array: zarr.Array[Any]) -> None:
    """Check what the metadata of an array promise, before a chunk of it is decoded."""
    for codec in (*array.filters, *array.compressors):
        if isinstance(codec, numcodecs.Pickle):
            raise FileProblem(
                f"{path} is packed by pickle, which may run any program when it is read; "
                "save the array with another codec"
            )
    if array.dtype.kind not in "buifc":
        raise FileProblem(f"{path} holds {array.dtype} and no numbers; name an array of numbers")
    if any(side < 1 for side in array.chunks):
        raise FileProblem(
            f"{path} has chunks of the shape {array.chunks}, and each side must be 1 or more; "
            "copy it again from its source"
        )
    refuse_too_large(path, math.prod(array.chunks) * array.dtype.itemsize, "a chunk of it")


def _plain(path: Path, array: zarr.Array[Any]) -> StoredImage:
    named = "".join(name or "?" for name in getattr(array.metadata, "dimension_names", None) or ())
    named = named.upper()
    if len(named) == array.ndim and {"Y", "X"} <= set(named) <= set("TCZYX"):
        return StoredImage(ZarrArray(array, path), named, files=(path,))
    axes = guess_axes(array.shape)
    note = f"It does not name its axes: they are taken for {axes}."
    return StoredImage(ZarrArray(array, path), axes, notes=(note,), files=(path,))
