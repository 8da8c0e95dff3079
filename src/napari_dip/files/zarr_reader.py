"""Read OME-Zarr and plain zarr arrays on access; the image may be larger than memory."""

from __future__ import annotations

import math
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import zarr

from napari_dip.errors import FileProblem, NapariDipError
from napari_dip.files.declared_sizes import check_file_reference
from napari_dip.files.image_selection import select_image
from napari_dip.files.ngff import are_colours
from napari_dip.files.ngff_read import (
    ImageDescription,
    describe_image,
    holds_several_images,
    list_images,
)
from napari_dip.files.ngff_transform import with_parameters
from napari_dip.files.read_errors import translate_read_errors
from napari_dip.files.shard_staging import STAGED, spans_planes, with_plain_chunks
from napari_dip.files.tolerant_parsing import TolerantParser
from napari_dip.files.zarr_node import Location, ZarrArray, open_node
from napari_dip.files.zarr_ome_xml import with_ome_xml
from napari_dip.image.axes import guess_axes
from napari_dip.image.metadata import StoredImage
from napari_dip.image.reordered import Reordered
from napari_dip.plaintext import shortened

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from napari_dip.image.lazy import LazyArray

__all__ = ["ZarrArray", "own_record", "read_zarr", "zarr_provenance"]

NAME = "napari-dip"
"""Key of this package's record in the attributes of a group."""

_KNOWN_ATTRIBUTES = {NAME, "ome", "multiscales", "omero", "version", "image-label", "_creator"}
"""Attributes of an image that are read, or tell how it was made."""

MAX_MATRIX_VALUES = 64
"""Values of a matrix in an array; one for the six axes that an image may have has 42."""

MAX_COUNTED_CHUNKS = 200_000
"""Chunks: missing ones are counted only in arrays with at most this many."""


def read_zarr(path: str | Path, number: int | None = None) -> StoredImage:
    """Open an image in OME-Zarr 0.4, 0.5 or 0.6, or in a plain zarr array.

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
        return _read(Location.of(path), number)


def _read(place: Location, number: int | None) -> StoredImage:
    path = Path(str(place))
    node = open_node(place)
    if isinstance(node, zarr.Array):
        select_image(path, number, [_size(node)])
        return _plain_array(place, node)
    attributes: dict[str, Any] = dict(node.attrs)
    if only := _only_label(attributes):
        check_file_reference(place.path, only)
        return _read(place / only, number)
    if holds_several_images(attributes):
        return _read_nested(place, node, number)
    images = list_images(path, attributes)
    for _, name in images:
        check_file_reference(place.path, name)
    names = _describe_images(place, images)
    selected, listed = select_image(path, number, names)
    parser = TolerantParser()
    attributes = _with_parameters(place, attributes)
    described = describe_image(path, attributes, selected, parser)
    array = open_node(place / described.array)
    if not isinstance(array, zarr.Array):
        raise FileProblem(f"{place / described.array} is a group, but an array is expected there")
    if array.ndim != len(described.axes):
        raise FileProblem(
            f"the metadata of {path} name the axes {described.axes}, but its array has the shape "
            f"{array.shape}; correct them, or give the array: {path / described.array}"
        )
    notes = (*listed, *parser.notes(), *_not_copied(place, attributes))
    unfinished = own_record(attributes).get("finished") is False
    if unfinished:
        array = _with_latest(place, described.array, array)
        notes += ("The image is unfinished: unrestored values are 0 or NaN.",)
    else:
        notes += _missing_chunks_note(place / described.array, array)
    image, axes, smaller = _with_colours_last(
        described,
        [
            ZarrArray(array, path),
            *_smaller_arrays(place, described.smaller, array, unfinished=unfinished),
        ],
    )
    colours = axes.endswith("S")
    extras = described.extras
    if colours:
        extras = {"ngff": {k: value for k, value in extras["ngff"].items() if k != "omero"}}
    return StoredImage(
        image=image,
        axes=axes,
        pixel_size=described.pixel_size,
        unit=described.unit,
        extras=extras,
        notes=notes,
        translate=described.translate,
        files=((place / described.array).file,),
        channels=() if colours else described.channels,
        series=selected,
        images=tuple(names) if len(names) > 1 else (),
        smaller=smaller,
        name=described.name,
        acquired=described.acquired,
        times=described.times,
        affine=described.affine,
    )


def _not_copied(place: Location, attributes: Mapping[str, Any]) -> tuple[str, ...]:
    """Return a note about what a result will not have: label images, and attributes of others."""
    others = sorted(attributes.keys() - _KNOWN_ATTRIBUTES)
    found = [f"attributes ({shortened(', '.join(others), 80)})"] if others else []
    if not place.zipped and (place.file / "labels").is_dir():
        found.insert(0, "label images")
    return (f"Not copied to a result: its {' and '.join(found)}.",) if found else ()


def _with_parameters(place: Location, attributes: dict[str, Any]) -> dict[str, Any]:
    """Return attributes with the matrices that are in arrays of their own (0.6)."""
    if not isinstance(nested := attributes.get("ome"), dict):
        return attributes

    def load(name: str) -> Any:
        check_file_reference(place.path, name)
        try:
            array = open_node(place / name)
        except NapariDipError:
            return None  # the transformation is then reported as invalid
        if not isinstance(array, zarr.Array) or array.size > MAX_MATRIX_VALUES:
            return None
        return np.asarray(array[...]).tolist()

    key = "coordinateTransformations"
    images = [
        one | {key: with_parameters(one[key], load)}
        if isinstance(one, dict) and key in one
        else one
        for one in nested["multiscales"]
    ]
    return attributes | {"ome": nested | {"multiscales": images}}


def _only_label(attributes: Mapping[str, Any]) -> str:
    """Return the name of the label image of a group that lists one; "" for other groups."""
    nested = attributes.get("ome", attributes)
    labels = nested.get("labels") if isinstance(nested, dict) else None
    alone = isinstance(labels, list) and len(labels) == 1 and "multiscales" not in nested
    return str(labels[0]) if alone and labels else ""


def _with_colours_last(
    described: ImageDescription, levels: list[ZarrArray]
) -> tuple[LazyArray, str, tuple[LazyArray, ...]]:
    """Return the largest array, its axes and the smaller ones, with colours as the last axis."""
    axes, omero = described.axes, described.extras.get("ngff", {}).get("omero", {})
    if "C" not in axes or not are_colours(omero, levels[0].dtype):
        return levels[0], axes, tuple(levels[1:])
    given = axes.replace("C", "") + "S"
    moved = []
    for level in levels:
        sizes = dict(zip(axes.replace("C", "S"), level.shape, strict=True))
        shape = [sizes[letter] for letter in given]
        moved.append(Reordered(level, axes.replace("C", "S"), given, shape))
    return moved[0], given, tuple(moved[1:])


def _with_latest(place: Location, name: str, array: zarr.Array[Any]) -> zarr.Array[Any]:
    """Return an array of an unfinished image with the planes that are in no shard yet."""
    folder = place.path / place.inside
    staged = folder / f".{NAME}" / STAGED / name
    if place.zipped or not staged.is_dir() or not spans_planes(array):
        return array
    return with_plain_chunks(array, folder / name, staged)


def _smaller_arrays(
    place: Location, names: tuple[str, ...], largest: zarr.Array[Any], *, unfinished: bool
) -> Iterator[ZarrArray]:
    """Open the smaller arrays of a pyramid; only a viewer needs them, so none is required."""
    for name in names:
        try:
            check_file_reference(place.path, name)
            array = open_node(place / name)
        except NapariDipError:
            return
        if not isinstance(array, zarr.Array) or array.ndim != largest.ndim:
            return
        if unfinished:
            array = _with_latest(place, name, array)
        yield ZarrArray(array, Path(str(place)))


def _read_nested(place: Location, group: zarr.Group, number: int | None) -> StoredImage:
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
    if not place.zipped:
        stored = with_ome_xml(stored, place.file, selected, len(names))
    images = tuple(described) if len(described) > 1 else ()
    return replace(stored, notes=(*listed, *stored.notes), series=selected, images=images)


def _describe_images(place: Location, images: list[tuple[str, str]]) -> list[str]:
    """Describe images by name and size; a single one by its name."""
    if len(images) == 1:
        return [images[0][0]]
    described = []
    for name, array in images:
        found = open_node(place / array)
        size = _size(found) if isinstance(found, zarr.Array) else "no array"
        described.append(f"{shortened(name, 60)!r}, {size}" if name else size)
    return described


def _size(array: zarr.Array[Any]) -> str:
    return f"{' x '.join(map(str, array.shape))}, {array.dtype}"


def zarr_provenance(path: Path) -> dict[str, Any] | None:
    """Return the provenance of the image in a folder; ``None`` without one."""
    with translate_read_errors(path):
        place = Location.of(path)
        record = own_record(dict(open_node(place).attrs)).get("provenance")
    return record if isinstance(record, dict) else None


def own_record(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the record of this package in attributes; empty without one."""
    record = attributes.get(NAME)
    return record if isinstance(record, dict) else {}


def _plain_array(place: Location, array: zarr.Array[Any]) -> StoredImage:
    path = Path(str(place))
    named = "".join(name or "?" for name in getattr(array.metadata, "dimension_names", None) or ())
    named = named.upper()
    notes = _missing_chunks_note(place, array)
    if len(named) == array.ndim and {"Y", "X"} <= set(named) <= set("TCZYX"):
        return StoredImage(ZarrArray(array, path), named, notes=notes, files=(place.file,))
    axes = guess_axes(array.shape)
    notes = (f"The axes are not named: they are guessed as {axes}.", *notes)
    return StoredImage(ZarrArray(array, path), axes, notes=notes, files=(place.file,))


def _missing_chunks_note(place: Location, array: zarr.Array[Any]) -> tuple[str, ...]:
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
