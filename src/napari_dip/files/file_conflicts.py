"""Where files lie: whether what a run writes would touch what it reads."""

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
from napari_dip.files.tiff_header import MOST_XML, is_companion
from napari_dip.files.tiff_warnings import collect_tiff_warnings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["enclosing_zarr", "files_behind", "files_of", "refuse_conflicts", "within"]

_FOLDERS = {".oif": "{name}.files", ".vsi": "_{stem}_"}
"""Folders that belong to a microscope's file, by its suffix."""

_PARTS = ("_array", "_image", "_data", "variable", "array", "base")
"""Under these names, arrays of this package, zarr and xarray hold what they are made of."""

_MOST_PARTS = 10_000


def refuse_conflicts(writes: Mapping[str, Path], reads: Iterable[Path]) -> None:
    """Make sure that nothing that is read, or will be written, is overwritten.

    Links are followed, hard links and names that differ in case alone are known for the same
    file. A zarr is read as a whole, with all groups around an array. The hidden names beside an
    output, under which it is written first, count as written.

    Parameters
    ----------
    writes
        Each output by what it is called in a message, such as ``"the output"``.
    reads
        All files and folders that are read.

    Raises
    ------
    FileProblem
        If an output is one of the inputs or of the other outputs, lies in it or holds it.

    Examples
    --------
    >>> refuse_conflicts({"the output": Path("a.zarr/b.tif")}, [Path("a.zarr")])
    Traceback (most recent call last):
    napari_dip.errors.FileProblem: a.zarr/b.tif lies inside the input a.zarr; choose another name...
    """
    known = _Identities()
    inputs = {place: None for path in reads for place in (path, enclosing_zarr(path)) if place}
    names = {path: [path, *_hidden(path)] for path in writes.values()}
    for given in inputs:
        for path in names:
            for name in names[path]:
                if how := known.meet(name, given):
                    raise FileProblem(_why(path, name, given, how))
    outputs = [*writes.items()]
    for place, (called, path) in enumerate(outputs):
        for other_called, other in outputs[:place]:
            if any(known.meet(name, taken) for name in names[path] for taken in names[other]):
                raise FileProblem(
                    f"{other} is {other_called}, and {path} for {called} is the same, lies in it "
                    f"or around it; give {called} another name"
                )


def within(inner: Path, outer: Path) -> bool:
    """Tell whether one file or folder is the other, or lies in it.

    Examples
    --------
    >>> within(Path("/a/b/../c/d"), Path("/a/c")), within(Path("/a"), Path("/a/c"))
    (True, False)
    """
    return _Identities().within(inner, outer)


def enclosing_zarr(path: Path) -> Path | None:
    """Return the outermost zarr that a path is or lies in, ``None`` outside of all."""
    path = resolve_links(path)
    return next((place for place in reversed((path, *path.parents)) if is_zarr(place)), None)


def files_of(path: Path) -> tuple[Path, ...]:
    """List what reading a file or a pattern also reads, as far as names and headers tell it.

    Parameters
    ----------
    path
        As :func:`~napari_dip.files.image_io.read_image` takes it.

    Returns
    -------
    tuple of Path
        The file itself, or all that match a pattern, and those that belong to it: the other
        files of an OME-TIFF that is spread over several, or the folder of a microscope's file.
    """
    paths = [path] if path.exists() else matching_files(path)
    # Of a series, the first tells whether its files name others.
    named = not paths or bool([*_named_by_ome(paths[0])])
    found: dict[Path, None] = {}
    for file in paths:
        found |= dict.fromkeys([file, *(_named_by_ome(file) if named else ())])
        if pattern := _FOLDERS.get(file.suffix.lower()):
            found[file.with_name(pattern.format(name=file.name, stem=file.stem))] = None
    return tuple(found)


def files_behind(array: Any) -> Iterator[Path]:
    """List the files and folders that an array reads its values from, where that can be told.

    Parameters
    ----------
    array
        Of NumPy, whose memory may be mapped to a file, of zarr, dask, or xarray; or an image that
        was read by this package.
    """
    seen: dict[int, Any] = {}
    todo = [array]
    while todo and len(seen) < _MOST_PARTS:
        one = todo.pop()
        if one is None or id(one) in seen:
            continue
        seen[id(one)] = one
        for path in _own_files(one):
            yield from files_of(path)
        todo += _parts_of(one)


def _own_files(one: Any) -> Iterator[Path]:
    """Give the files that an object names as its own."""
    store = _attribute(one, "store")  # dask opens folders by fsspec, where they are a path
    encoding = _attribute(one, "encoding")
    said = [_attribute(one, name) for name in ("_path", "_files", "filename")]
    said += [_attribute(store, "root"), _attribute(store, "path")]
    said += [encoding.get("source")] if isinstance(encoding, Mapping) else []
    for value in said:
        for each in value if isinstance(value, tuple | list) else (value,):
            if isinstance(each, str | os.PathLike) and (path := _local_path(each)):
                yield path


def _parts_of(one: Any) -> list[Any]:
    """Give the objects that an array is made of."""
    if isinstance(one, np.ndarray):
        return [one.base]
    parts = [_attribute(one, name) for name in _PARTS]
    layers = _attribute(_attribute(one, "dask"), "layers")
    for layer in layers.values() if isinstance(layers, Mapping) else ():
        if isinstance(layer, Mapping) and len(layer) == 1:
            parts += layer.values()
    return parts


def _attribute(one: Any, name: str) -> Any:
    try:
        return getattr(one, name, None)
    except Exception:  # noqa: BLE001 - a foreign object may raise whatever it likes
        return None


def _local_path(said: str | os.PathLike[Any]) -> Path | None:
    text = os.fsdecode(said)
    if text.startswith("file:"):
        text = unquote(urlsplit(text).path)
    try:
        return Path(text) if text and Path(text).exists() else None
    except (OSError, ValueError):
        return None


def _named_by_ome(file: Path, depth: int = 0) -> Iterator[Path]:
    """List the files that the OME-XML of a TIFF file names, or that is a file of its own."""
    companion = False
    try:
        if not file.is_file():  # a pipe would never end
            return
        if companion := is_companion(file):
            with file.open("rb") as opened:
                said = opened.read(MOST_XML).decode("utf-8", "replace")
        elif file.suffix.lower() not in (".tif", ".tiff", ".btf", ".tf2", ".tf8"):
            return
        else:
            with collect_tiff_warnings(), tifffile.TiffFile(file) as tif:
                said = tif.ome_metadata or ""
        check_xml(file, said)
        root = ElementTree.fromstring(said) if said else None
    except Exception:  # noqa: BLE001 - what is wrong with it is said where it is read
        return
    for element in () if root is None else root.iter():
        for name in ("FileName", "MetadataFile"):
            if named := element.attrib.get(name):
                yield file.parent / Path(named).name
                yield file.parent / named
                if name == "MetadataFile" and not companion and not depth:
                    yield from _named_by_ome(file.parent / Path(named).name, depth + 1)


def _hidden(path: Path) -> list[Path]:
    """Name all under which an output is written before it bears its own name, and its lock."""
    return [hidden_sibling(path, what) for what in ("part", "new", "old", "lock")]


def _why(path: Path, name: Path, given: Path, how: str) -> str:
    cure = "choose another name for the output"
    if name is not path:
        return f"{path} is first written as {name}, which {how} the input {given}; {cure}"
    if how == "is":
        return f"{path} is the input itself ({given}); {cure}"
    return f"{path} {how} the input {given}; {cure}"


class _Identities:
    """Tells files apart by what the file system says of them, and asks it but once for each."""

    def __init__(self) -> None:
        self._known: dict[Path, Any] = {}

    def within(self, inner: Path, outer: Path) -> bool:
        inner, outer = resolve_links(inner), resolve_links(outer)
        wanted = self._of(outer)
        return any(self._of(place) == wanted for place in (inner, *inner.parents))

    def meet(self, one: Path, other: Path) -> str:
        """Say how two places have something in common; nothing where they have not."""
        if self.within(one, other):
            return "is" if self.within(other, one) else "lies inside"
        return "holds" if self.within(other, one) else ""

    def _of(self, path: Path) -> Any:
        """Return device and number of what is there, and else its folder's and its name."""
        if path not in self._known:
            try:
                said = path.stat()
                self._known[path] = said.st_dev, said.st_ino
            except OSError:
                if path == path.parent:
                    self._known[path] = str(path)
                else:
                    name = path.name.casefold() if _ignores_case(path.parent) else path.name
                    self._known[path] = self._of(path.parent), name
        return self._known[path]


def _ignores_case(folder: Path) -> bool:
    """Tell whether names that differ in case alone are the same there."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    try:
        return Path(str(folder).swapcase()).samefile(folder)
    except OSError:
        return False
