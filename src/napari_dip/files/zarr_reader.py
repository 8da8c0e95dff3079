"""OME-Zarr, and plain zarr arrays, read piece by piece: the image may be larger than memory."""

from __future__ import annotations

import json
import math
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numcodecs
import numpy as np
import zarr
from zarr.storage import LocalStore, ZipStore

from napari_dip.errors import FileProblem, NapariDipError
from napari_dip.files.declared_sizes import check_file_reference
from napari_dip.files.image_selection import select_image
from napari_dip.files.ngff_read import describe_image, holds_several_images, list_images
from napari_dip.files.read_errors import FileArray, refuse_too_large, translate_read_errors
from napari_dip.files.tolerant_parsing import TolerantParser
from napari_dip.files.zarr_chunk_check import CheckedStore
from napari_dip.files.zarr_zip import zarr_in_zip
from napari_dip.image.axes import guess_axes
from napari_dip.image.metadata import StoredImage
from napari_dip.plaintext import shortened

if TYPE_CHECKING:
    from collections.abc import Mapping

    from zarr.abc.store import Store

__all__ = ["ZarrArray", "own_record", "read_zarr", "zarr_provenance"]

NAME = "napari-dip"
"""Under this name the group's attributes say how its image came about."""

_MOST_LISTED = 200_000
"""Chunks whose files are listed, to tell whether all are there."""


class ZarrArray(FileArray):
    """A zarr array in the machine's byte order; it can be pickled.

    Parameters
    ----------
    array
        Of any zarr format, open for reading.
    path
        The name to complain about.
    """


def read_zarr(path: str | Path, number: int | None = None) -> StoredImage:
    """Open an image in OME-Zarr 0.4 or 0.5, or in a plain zarr array.

    Parameters
    ----------
    path
        The folder, or a zip file of one. Of a pyramid the full resolution is taken.
    number
        Of the image, from 0; ``None`` is the first, and a note lists the others.

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
    with translate_read_errors(path):
        return _read(_Place(path, *_inside(path)), number)


class _Place(NamedTuple):
    """Where a group or array is: in a folder, or below `inside` in a zip file."""

    path: Path
    zipped: bool
    inside: str

    def __str__(self) -> str:
        return str(self.path / self.inside)

    def __truediv__(self, name: str) -> _Place:
        return self._replace(inside=f"{self.inside}/{name}".strip("/"))

    @property
    def file(self) -> Path:
        """What changes if the image does."""
        return self.path if self.zipped else self.path / self.inside


def _read(place: _Place, number: int | None) -> StoredImage:
    path = Path(str(place))
    node = _opened(place)
    if isinstance(node, zarr.Array):
        select_image(path, number, [_size(node)])
        return _plain(place, node)
    attributes: dict[str, Any] = dict(node.attrs)
    if holds_several_images(attributes):
        return _one_of_several(place, node, number)
    images = list_images(path, attributes)
    for _, name in images:
        check_file_reference(place.path, name)
    taken, listed = select_image(path, number, _in_words(place, images))
    parser = TolerantParser()
    said = describe_image(path, attributes, taken, parser)
    array = _opened(place / said.array)
    if not isinstance(array, zarr.Array):
        raise FileProblem(f"{place / said.array} is a group, and an array is expected there")
    if array.ndim != len(said.axes):
        raise FileProblem(
            f"the metadata of {path} name the axes {said.axes}, but its array has the shape "
            f"{array.shape}; correct them, or name the array: {path / said.array}"
        )
    notes = (*listed, *parser.notes())
    if own_record(attributes).get("finished") is False:
        notes += ("It was not finished: what was not restored is 0, or NaN.",)
    else:
        notes += _absent(place / said.array, array)
    return StoredImage(
        image=ZarrArray(array, path),
        axes=said.axes,
        pixel_size=said.pixel_size,
        unit=said.unit,
        extras=said.extras,
        notes=notes,
        translate=said.translate,
        files=((place / said.array).file,),
        channels=said.channels,
        series=taken,
    )


def _one_of_several(place: _Place, group: zarr.Group, number: int | None) -> StoredImage:
    """Open one of the images that bioformats2raw has written side by side."""
    names = sorted((name for name in group.group_keys() if name.isdecimal()), key=int)
    path = Path(str(place))
    if not names:
        raise FileProblem(
            f"{path} says that it holds several images; name one of them, since none is called 0"
        )
    said = []
    for name in names:
        inner = dict(group[name].attrs)
        image, array = list_images(path / name, inner)[0]
        check_file_reference(place.path, f"{name}/{array}")
        said += _in_words(place / name, [(image, array), (image, array)])[:1]
    taken, listed = select_image(path, number, said)
    stored = _read(place / names[taken], 0)
    return replace(stored, notes=(*listed, *stored.notes), series=taken)


def _in_words(place: _Place, images: list[tuple[str, str]]) -> list[str]:
    """Name images with their sizes; one that is alone is not listed."""
    if len(images) == 1:
        return [images[0][0]]
    said = []
    for name, array in images:
        found = _opened(place / array)
        size = _size(found) if isinstance(found, zarr.Array) else "no array"
        said.append(f"{shortened(name, 60)!r}, {size}" if name else size)
    return said


def _size(array: zarr.Array[Any]) -> str:
    return f"{' x '.join(map(str, array.shape))}, {array.dtype}"


def zarr_provenance(path: Path) -> dict[str, Any] | None:
    """Return the record of how the image in a folder came about, if there is one."""
    with translate_read_errors(path):
        place = _Place(path, *_inside(path))
        record = own_record(dict(_opened(place).attrs)).get("provenance")
    return record if isinstance(record, dict) else None


def own_record(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return what this package has written into attributes; empty if it is not from here."""
    record = attributes.get(NAME)
    return record if isinstance(record, dict) else {}


def _inside(path: Path) -> tuple[bool, str]:
    """Tell whether a path is a zip file, and where the zarr in it begins."""
    if not path.is_file():
        return False, ""
    inside = zarr_in_zip(path)
    if inside is None:
        raise FileProblem(
            f"{path} is no zip file of a zarr, or damaged; name a folder of zarr, or such a file"
        )
    return True, inside


def _opened(place: _Place) -> zarr.Array[Any] | zarr.Group:
    path = place.path / place.inside
    try:
        store: Store = LocalStore(path.absolute(), read_only=True)
        if place.zipped:
            store = ZipStore(place.path.absolute(), mode="r")
        guard = CheckedStore(store, path)
        node = zarr.open(guard, path=place.inside if place.zipped else None, mode="r")
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
    if any(side > sys.maxsize for side in array.shape):
        raise FileProblem(
            f"{path} has the shape {shortened(array.shape)}, which no array can have; copy it "
            "again from its source"
        )
    if any(side < 1 for side in array.chunks):
        raise FileProblem(
            f"{path} has chunks of the shape {array.chunks}, and each side must be 1 or more; "
            "copy it again from its source"
        )
    refuse_too_large(path, math.prod(array.chunks) * array.dtype.itemsize, "a chunk of it")


def _plain(place: _Place, array: zarr.Array[Any]) -> StoredImage:
    path = Path(str(place))
    named = "".join(name or "?" for name in getattr(array.metadata, "dimension_names", None) or ())
    named = named.upper()
    notes = _absent(place, array)
    if len(named) == array.ndim and {"Y", "X"} <= set(named) <= set("TCZYX"):
        return StoredImage(ZarrArray(array, path), named, notes=notes, files=(place.file,))
    axes = guess_axes(array.shape)
    notes = (f"It does not name its axes: they are taken for {axes}.", *notes)
    return StoredImage(ZarrArray(array, path), axes, notes=notes, files=(place.file,))


def _absent(place: _Place, array: zarr.Array[Any]) -> tuple[str, ...]:
    """Say how many chunks are not stored: they were never written, or a copy has lost them."""
    grid = [
        -(-n // side) for n, side in zip(array.shape, array.shards or array.chunks, strict=True)
    ]
    wanted = math.prod(grid)
    if place.zipped or wanted > _MOST_LISTED:
        return ()
    names = map(array.metadata.encode_chunk_key, np.ndindex(*grid))
    folder = str(place.file)
    there = {os.path.join(at, file) for at, _, files in os.walk(folder) for file in files}
    absent = sum(os.path.join(folder, name) not in there for name in names)
    if not absent:
        return ()
    fill = array.fill_value if array.fill_value is not None else 0
    verb = "is" if absent == 1 else "are"
    return (f"{absent} of {wanted} chunks {verb} not stored, and read as {fill}.",)
