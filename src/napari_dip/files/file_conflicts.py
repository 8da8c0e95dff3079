"""Check that a run does not overwrite the files that it reads."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree

import numpy as np
import tifffile

from napari_dip.errors import FileProblem
from napari_dip.files.atomic_write import hidden_sibling, resolve_links
from napari_dip.files.declared_sizes import check_xml
from napari_dip.files.glob_pattern import matching_files
from napari_dip.files.ngff import is_zarr
from napari_dip.files.ome_companion import MAX_XML_BYTES, is_companion
from napari_dip.files.tiff_warnings import collect_tiff_warnings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["enclosing_zarr", "files_behind", "files_of", "refuse_conflicts", "within"]

_COMPANION_FOLDERS = {".oif": "{name}.files", ".vsi": "_{stem}_"}
"""Folders that belong to a vendor file, by its suffix."""

_WRAPPED_ATTRIBUTES = ("_array", "_image", "_data", "variable", "array", "base")
"""Attributes under which arrays of this package, zarr and xarray hold their sources."""

MAX_OBJECTS = 10_000  # objects: bounds the search through a dask graph


def refuse_conflicts(writes: Mapping[str, Path], reads: Iterable[Path]) -> None:
    """Check that no output overwrites an input or another output.

    Links are followed. Hard links, and names that differ only in case on a file system that ignores
    case, count as the same file. A zarr counts as a whole, with all groups around an array. The
    hidden siblings of an output, under which it is written first, count as outputs.

    Parameters
    ----------
    writes
        Each output by its name in a message, such as ``"the output"``.
    reads
        All files and folders that are read.

    Raises
    ------
    FileProblem
        If an output is an input or another output, lies inside it, or contains it.

    Examples
    --------
    >>> refuse_conflicts({"the output": Path("a.zarr/b.tif")}, [Path("a.zarr")])
    Traceback (most recent call last):
    napari_dip.errors.FileProblem: a.zarr/b.tif lies inside the input a.zarr; choose another name...
    """
    identities = _Identities()
    inputs = {place: None for path in reads for place in (path, enclosing_zarr(path)) if place}
    names = {path: [path, *_hidden_siblings(path)] for path in writes.values()}
    for input_path in inputs:
        for path in names:
            for name in names[path]:
                if relation := identities.relation(name, input_path):
                    raise FileProblem(_conflict_message(path, name, input_path, relation))
    outputs = [*writes.items()]
    for place, (name_in_message, path) in enumerate(outputs):
        for other_name, other in outputs[:place]:
            if any(
                identities.relation(name, taken) for name in names[path] for taken in names[other]
            ):
                raise FileProblem(
                    f"{other} is {other_name}, and {path} for {name_in_message} is the same path, "
                    f"inside it or around it; choose another name for {name_in_message}"
                )


def within(inner: Path, outer: Path) -> bool:
    """Return whether a file or folder is another one, or lies inside it.

    Examples
    --------
    >>> within(Path("/a/b/../c/d"), Path("/a/c")), within(Path("/a"), Path("/a/c"))
    (True, False)
    """
    return _Identities().within(inner, outer)


def enclosing_zarr(path: Path) -> Path | None:
    """Return the outermost zarr that a path is or lies in; ``None`` outside of all."""
    path = resolve_links(path)
    return next((place for place in reversed((path, *path.parents)) if is_zarr(place)), None)


def files_of(path: Path) -> tuple[Path, ...]:
    """List the files that reading a path or a pattern opens, as far as names and headers tell.

    Parameters
    ----------
    path
        As for :func:`~napari_dip.files.image_io.read_image`.

    Returns
    -------
    tuple of Path
        The file, or all that match a pattern, and their companions: the other files of a
        multi-file OME-TIFF, or the folder of a vendor file.
    """
    paths = [path] if path.exists() else matching_files(path)
    # The first file of a series shows whether the files name others.
    named = not paths or bool([*_named_by_ome(paths[0])])
    found: dict[Path, None] = {}
    for file in paths:
        found |= dict.fromkeys([file, *(_named_by_ome(file) if named else ())])
        if pattern := _COMPANION_FOLDERS.get(file.suffix.lower()):
            found[file.with_name(pattern.format(name=file.name, stem=file.stem))] = None
    return tuple(found)


def files_behind(array: Any) -> Iterator[Path]:
    """List the files and folders from which an array reads its values, as far as known.

    Parameters
    ----------
    array
        A NumPy array, which may be memory-mapped, an array of zarr, dask or xarray, or an image
        that this package read.
    """
    visited: dict[int, Any] = {}
    pending = [array]
    while pending and len(visited) < MAX_OBJECTS:
        item = pending.pop()
        if item is None or id(item) in visited:
            continue
        visited[id(item)] = item
        for path in _own_files(item):
            yield from files_of(path)
        pending += _parts_of(item)


def _own_files(item: Any) -> Iterator[Path]:
    """Yield the files that an object names as its sources."""
    store = _attribute(item, "store")  # dask uses fsspec, whose stores have a path
    encoding = _attribute(item, "encoding")
    values = [_attribute(item, name) for name in ("_path", "_files", "filename")]
    values += [_attribute(store, "root"), _attribute(store, "path")]
    values += [encoding.get("source")] if isinstance(encoding, Mapping) else []
    for value in values:
        for each in value if isinstance(value, tuple | list) else (value,):
            if isinstance(each, str | os.PathLike) and (path := _local_path(each)):
                yield path


def _parts_of(item: Any) -> list[Any]:
    """Return the objects that an array wraps."""
    if isinstance(item, np.ndarray):
        return [item.base]
    parts = [_attribute(item, name) for name in _WRAPPED_ATTRIBUTES]
    layers = _attribute(_attribute(item, "dask"), "layers")
    for layer in layers.values() if isinstance(layers, Mapping) else ():
        if isinstance(layer, Mapping) and len(layer) == 1:
            parts += layer.values()
    return parts


def _attribute(item: Any, name: str) -> Any:
    try:
        return getattr(item, name, None)
    except Exception:  # noqa: BLE001 - a foreign object may raise any error
        return None


def _local_path(location: str | os.PathLike[Any]) -> Path | None:
    text = os.fsdecode(location)
    if text.startswith("file:"):
        text = unquote(urlsplit(text).path)
    try:
        return Path(text) if text and Path(text).exists() else None
    except (OSError, ValueError):
        return None


def _named_by_ome(file: Path, depth: int = 0) -> Iterator[Path]:
    """Yield the files that OME-XML names, inside a TIFF file or in a companion file."""
    companion = False
    try:
        if not file.is_file():  # a pipe may never end
            return
        if companion := is_companion(file):
            with file.open("rb") as opened:
                xml = opened.read(MAX_XML_BYTES).decode("utf-8", "replace")
        elif file.suffix.lower() not in (".tif", ".tiff", ".btf", ".tf2", ".tf8"):
            return
        else:
            with collect_tiff_warnings(), tifffile.TiffFile(file) as tif:
                xml = tif.ome_metadata or ""
        check_xml(file, xml)
        root = ElementTree.fromstring(xml) if xml else None
    except Exception:  # noqa: BLE001 - reading the file reports the error
        return
    for element in () if root is None else root.iter():
        for name in ("FileName", "MetadataFile"):
            if named := element.attrib.get(name):
                yield file.parent / Path(named).name
                yield file.parent / named
                if name == "MetadataFile" and not companion and not depth:
                    yield from _named_by_ome(file.parent / Path(named).name, depth + 1)


def _hidden_siblings(path: Path) -> list[Path]:
    """Return the hidden siblings of an output, which exist while it is written."""
    return [hidden_sibling(path, kind) for kind in ("part", "new", "old", "lock")]


def _conflict_message(path: Path, name: Path, input_path: Path, relation: str) -> str:
    cure = "choose another name for the output"
    if name is not path:
        return f"{path} is first written as {name}, which {relation} the input {input_path}; {cure}"
    if relation == "is":
        return f"{path} is the input itself ({input_path}); {cure}"
    return f"{path} {relation} the input {input_path}; {cure}"


class _Identities:
    """Compare files by device and inode; query the file system once per path."""

    def __init__(self) -> None:
        self._known: dict[Path, Any] = {}

    def within(self, inner: Path, outer: Path) -> bool:
        inner, outer = resolve_links(inner), resolve_links(outer)
        target = self._identity(outer)
        return any(self._identity(place) == target for place in (inner, *inner.parents))

    def relation(self, first: Path, second: Path) -> str:
        """Return the relation of two paths; an empty string if there is none."""
        if self.within(first, second):
            return "is" if self.within(second, first) else "lies inside"
        return "holds" if self.within(second, first) else ""

    def _identity(self, path: Path) -> Any:
        """Return device and inode of a path; if it does not exist, the folder's and the name."""
        if path not in self._known:
            try:
                status = path.stat()
                self._known[path] = status.st_dev, status.st_ino
            except OSError:
                if path == path.parent:
                    self._known[path] = str(path)
                else:
                    name = path.name.casefold() if _ignores_case(path.parent) else path.name
                    self._known[path] = self._identity(path.parent), name
        return self._known[path]


def _ignores_case(folder: Path) -> bool:
    """Return whether a folder ignores the case of file names."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    try:
        return Path(str(folder).swapcase()).samefile(folder)
    except OSError:
        return False
