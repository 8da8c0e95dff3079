"""Read OME-Zarr and plain zarr arrays on access; the image may be larger than memory."""

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
    from collections.abc import Iterator, Mapping

    from zarr.abc.store import Store

__all__ = ["ZarrArray", "own_record", "read_zarr", "zarr_provenance"]

NAME = "napari-dip"
"""Key of this package's record in the attributes of a group."""

MAX_COUNTED_CHUNKS = 200_000
"""Chunks: missing ones are counted only in arrays with at most this many."""


class ZarrArray(FileArray):
    """A zarr array in native byte order; it can be pickled.

    Parameters
    ----------
    array
        Of any zarr format, open for reading.
    path
        The path that error messages name.
    """


def read_zarr(path: str | Path, number: int | None = None) -> StoredImage:
    """Open an image in OME-Zarr 0.4 or 0.5, or in a plain zarr array.

    Parameters
    ----------
    path
        The folder, or a zip file of one. The full resolution of a pyramid is used.
    number
        Index of the image, from 0; ``None`` is the first, and a note lists all.

    Returns
    -------
    StoredImage
        Its values are read on access. The axes of a plain array are its dimension names, if valid;
        otherwise they are guessed, with a note.

    Raises
    ------
    FileProblem
        If the folder is no zarr, refers to a missing array, or is damaged.

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
        return _read(_Location(path, *_find_in_zip(path)), number)


class _Location(NamedTuple):
    """Location of a group or array: a folder, or the path `inside` a zip file."""

    path: Path
    zipped: bool
    inside: str

    def __str__(self) -> str:
        return str(self.path / self.inside)

    def __truediv__(self, name: str) -> _Location:
        return self._replace(inside=f"{self.inside}/{name}".strip("/"))

    @property
    def file(self) -> Path:
        """The file or folder whose modification time shows a change."""
        return self.path if self.zipped else self.path / self.inside


def _read(place: _Location, number: int | None) -> StoredImage:
    path = Path(str(place))
    node = _open(place)
    if isinstance(node, zarr.Array):
        select_image(path, number, [_size(node)])
        return _plain_array(place, node)
    attributes: dict[str, Any] = dict(node.attrs)
    if holds_several_images(attributes):
        return _read_nested(place, node, number)
    images = list_images(path, attributes)
    for _, name in images:
        check_file_reference(place.path, name)
    names = _describe_images(place, images)
    selected, listed = select_image(path, number, names)
    parser = TolerantParser()
    described = describe_image(path, attributes, selected, parser)
    array = _open(place / described.array)
    if not isinstance(array, zarr.Array):
        raise FileProblem(f"{place / described.array} is a group, but an array is expected there")
    if array.ndim != len(described.axes):
        raise FileProblem(
            f"the metadata of {path} name the axes {described.axes}, but its array has the shape "
            f"{array.shape}; correct them, or give the array: {path / described.array}"
        )
    notes = (*listed, *parser.notes())
    if own_record(attributes).get("finished") is False:
        notes += ("The image is unfinished: unrestored values are 0 or NaN.",)
    else:
        notes += _missing_chunks_note(place / described.array, array)
    return StoredImage(
        image=ZarrArray(array, path),
        axes=described.axes,
        pixel_size=described.pixel_size,
        unit=described.unit,
        extras=described.extras,
        notes=notes,
        translate=described.translate,
        files=((place / described.array).file,),
        channels=described.channels,
        series=selected,
        images=tuple(names) if len(names) > 1 else (),
        smaller=tuple(_smaller_arrays(place, described.smaller, array)),
    )


def _smaller_arrays(
    place: _Location, names: tuple[str, ...], largest: zarr.Array[Any]
) -> Iterator[ZarrArray]:
    """Open the smaller arrays of a pyramid; only a viewer needs them, so none is required."""
    for name in names:
        try:
            check_file_reference(place.path, name)
            array = _open(place / name)
        except NapariDipError:
            return
        if not isinstance(array, zarr.Array) or array.ndim != largest.ndim:
            return
        yield ZarrArray(array, Path(str(place)))


def _read_nested(place: _Location, group: zarr.Group, number: int | None) -> StoredImage:
    """Open one of the images that bioformats2raw wrote as separate groups."""
    names = sorted((name for name in group.group_keys() if name.isdecimal()), key=int)
    path = Path(str(place))
    if not names:
        raise FileProblem(
            f"{path} declares several images, but none is named 0; give the path of one of them"
        )
    described = []
    for name in names:
        inner = dict(group[name].attrs)
        image, array = list_images(path / name, inner)[0]
        check_file_reference(place.path, f"{name}/{array}")
        described += _describe_images(place / name, [(image, array), (image, array)])[:1]
    selected, listed = select_image(path, number, described)
    stored = _read(place / names[selected], 0)
    images = tuple(described) if len(described) > 1 else ()
    return replace(stored, notes=(*listed, *stored.notes), series=selected, images=images)


def _describe_images(place: _Location, images: list[tuple[str, str]]) -> list[str]:
    """Describe images by name and size; a single one by its name."""
    if len(images) == 1:
        return [images[0][0]]
    described = []
    for name, array in images:
        found = _open(place / array)
        size = _size(found) if isinstance(found, zarr.Array) else "no array"
        described.append(f"{shortened(name, 60)!r}, {size}" if name else size)
    return described


def _size(array: zarr.Array[Any]) -> str:
    return f"{' x '.join(map(str, array.shape))}, {array.dtype}"


def zarr_provenance(path: Path) -> dict[str, Any] | None:
    """Return the provenance of the image in a folder; ``None`` without one."""
    with translate_read_errors(path):
        place = _Location(path, *_find_in_zip(path))
        record = own_record(dict(_open(place).attrs)).get("provenance")
    return record if isinstance(record, dict) else None


def own_record(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the record of this package in attributes; empty without one."""
    record = attributes.get(NAME)
    return record if isinstance(record, dict) else {}


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


def _open(place: _Location) -> zarr.Array[Any] | zarr.Group:
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


def _plain_array(place: _Location, array: zarr.Array[Any]) -> StoredImage:
    path = Path(str(place))
    named = "".join(name or "?" for name in getattr(array.metadata, "dimension_names", None) or ())
    named = named.upper()
    notes = _missing_chunks_note(place, array)
    if len(named) == array.ndim and {"Y", "X"} <= set(named) <= set("TCZYX"):
        return StoredImage(ZarrArray(array, path), named, notes=notes, files=(place.file,))
    axes = guess_axes(array.shape)
    notes = (f"The axes are not named: they are guessed as {axes}.", *notes)
    return StoredImage(ZarrArray(array, path), axes, notes=notes, files=(place.file,))


def _missing_chunks_note(place: _Location, array: zarr.Array[Any]) -> tuple[str, ...]:
    """Count the chunks that are not stored: never written, or lost in a copy."""
    grid = [
        -(-n // side) for n, side in zip(array.shape, array.shards or array.chunks, strict=True)
    ]
    expected = math.prod(grid)
    if place.zipped or expected > MAX_COUNTED_CHUNKS:
        return ()
    names = map(array.metadata.encode_chunk_key, np.ndindex(*grid))
    folder = str(place.file)
    existing = {os.path.join(at, file) for at, _, files in os.walk(folder) for file in files}
    absent = sum(os.path.join(folder, name) not in existing for name in names)
    if not absent:
        return ()
    fill = array.fill_value if array.fill_value is not None else 0
    verb = "is" if absent == 1 else "are"
    return (f"{absent} of {expected} chunks {verb} not stored and {verb} read as {fill}.",)
