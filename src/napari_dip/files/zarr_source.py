"""OME-Zarr, and plain zarr arrays, read piece by piece: the image may be larger than memory."""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import Any

import zarr

from napari_dip.errors import FileProblem
from napari_dip.files.ngff import describe
from napari_dip.stack.axes import guess_axes
from napari_dip.stack.lazy import Pieces
from napari_dip.stack.stored import StoredImage

__all__ = ["ZarrArray", "read_zarr", "zarr_provenance"]

NAME = "napari-dip"
"""Under this name the group's attributes say how its image came about."""

# What zarr and the decoders below it raise over what is not as it should be.
_DAMAGE = (ValueError, RuntimeError, KeyError, TypeError, OSError, zlib.error)


class ZarrArray(Pieces):
    """A zarr array in the machine's byte order; it can be pickled.

    Parameters
    ----------
    array
        Of any zarr format, open for reading.
    path
        The name to complain about.
    """

    def __init__(self, array: zarr.Array[Any], path: Path) -> None:
        super().__init__(array)
        self._path = path

    def __getitem__(self, index: Any, /) -> Any:
        try:
            return super().__getitem__(index)
        except _DAMAGE as error:
            raise FileProblem(
                f"{self._path} is damaged or may not be read ({error}); "
                "copy it again from its source"
            ) from None


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
    node = _opened(path)
    if isinstance(node, zarr.Array):
        return _plain(path, node)
    attributes: dict[str, Any] = dict(node.attrs)
    said = describe(path, attributes)
    array = _opened(path / said.array)
    if not isinstance(array, zarr.Array):
        raise FileProblem(f"{path / said.array} is a group, and an array is expected there")
    if array.ndim != len(said.axes):
        raise FileProblem(
            f"the metadata of {path} name the axes {said.axes}, but its array has the shape "
            f"{array.shape}; correct them, or name the array: {path / said.array}"
        )
    notes = said.notes
    if attributes.get(NAME, {}).get("finished") is False:
        notes += ("It was not finished: what was not restored is 0.",)
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
    attributes: dict[str, Any] = dict(_opened(path).attrs)
    record: dict[str, Any] | None = attributes.get(NAME, {}).get("provenance")
    return record


def _opened(path: Path) -> zarr.Array[Any] | zarr.Group:
    try:
        return zarr.open(path.absolute(), mode="r")
    except FileNotFoundError:
        what = "is no zarr array or group" if path.is_dir() else "does not exist"
        raise FileProblem(f"{path} {what}; check the name and the folder") from None
    except PermissionError:
        raise FileProblem(f"{path} may not be read; ask for its permissions") from None
    except json.JSONDecodeError as error:
        raise FileProblem(
            f"the metadata of {path} are damaged ({error}); copy it again from its source"
        ) from None
    except _DAMAGE as error:
        raise FileProblem(
            f"{path} is no zarr that can be read here ({type(error).__name__}: {error}); "
            "copy it again from its source"
        ) from None


def _plain(path: Path, array: zarr.Array[Any]) -> StoredImage:
    named = "".join(name or "?" for name in getattr(array.metadata, "dimension_names", None) or ())
    named = named.upper()
    if len(named) == array.ndim and {"Y", "X"} <= set(named) <= set("TCZYX"):
        return StoredImage(ZarrArray(array, path), named, files=(path,))
    axes = guess_axes(array.shape)
    note = f"It does not name its axes: they are taken for {axes}."
    return StoredImage(ZarrArray(array, path), axes, notes=(note,), files=(path,))
