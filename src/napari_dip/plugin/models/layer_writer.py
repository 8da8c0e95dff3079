"""Write Image layers from napari's Save dialog, with sizes, channels and the record of the run."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari.layers import Image
from napari.utils.notifications import show_info

from napari_dip.errors import BadImage, NapariDipError, OutputExists
from napari_dip.plaintext import file_name
from napari_dip.plugin.models.joined_layers import join_layers
from napari_dip.plugin.models.layer_input import unfinished_layers
from napari_dip.plugin.models.saved_layer import SavedLayer, with_suffix

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    LayerTuple = tuple[Any, dict[str, Any], str]

__all__ = ["write_layers", "write_ome_tiff", "write_ome_zarr", "write_png", "write_tiff"]


def write_layers(path: str, layers: Sequence[LayerTuple], *, suffix: str) -> list[str]:
    """Write Image layers; napari calls it with the name from its dialog, which asked to overwrite.

    Parameters
    ----------
    path
        The file. Several layers become its channels if they have the same axes, shape, data type,
        pixel sizes and position. Otherwise they get a file each, with their names at its end: each
        has its own axes, sizes and record.
    layers
        Pixels, attributes and ``"image"`` of each.
    suffix
        The suffix of a name without one.

    Returns
    -------
    list of str
        The files.

    Raises
    ------
    OSError
        If a layer cannot be written; nothing is written if it is known before. A file with the name
        of one of several layers is never replaced. napari hides a ``ValueError`` of a writer, such
        as all errors of this package.
    """
    try:
        return _write(Path(path), layers, suffix)
    except NapariDipError as error:
        raise OSError(str(error)) from error


def _write(path: Path, layers: Sequence[LayerTuple], suffix: str) -> list[str]:
    saved = [SavedLayer.of(_layer(*layer)) for layer in layers]
    joined = join_layers(saved) if suffix != ".png" else None
    saved = saved if joined is None else [joined]
    places = [*_places(with_suffix(path, suffix), saved)]
    if len(saved) > 1:
        _refuse_existing(places)
    for one, place in zip(saved, places, strict=True):
        said = one.write(place, overwrite=True)
        if lost := said.removeprefix(f"Saved to {place}.").strip():
            show_info(f"{place.name}: {lost}")
    return [str(place) for place in places]


write_ome_tiff = partial(write_layers, suffix=".ome.tif")
write_ome_zarr = partial(write_layers, suffix=".ome.zarr")
write_tiff = partial(write_layers, suffix=".tif")
write_png = partial(write_layers, suffix=".png")


def _layer(data: Any, attributes: dict[str, Any], _kind: str) -> Image:
    """Make a layer again, as :class:`SavedLayer` reads one."""
    name = attributes.get("name", "")
    if any(layer.data is data for layer in unfinished_layers):
        raise BadImage(f"'{name}' shows a run that has not ended: wait for its end.")
    return Image(data, **attributes)


def _places(path: Path, layers: Sequence[SavedLayer]) -> Iterator[Path]:
    """Yield the file of each layer."""
    if len(layers) == 1:
        yield path
        return
    known = (".ome.tiff", ".ome.tif", ".ome.zarr", path.suffix)
    suffix = next(one for one in known if path.name.lower().endswith(one.lower()))
    stem = path.name[: -len(suffix)]
    taken: dict[str, int] = {}
    for layer in layers:
        name = file_name(layer.name)
        number = taken[name] = taken.get(name, 0) + 1
        again = f" {number}" if number > 1 else ""
        yield path.with_name(f"{stem}, {name}{again}{suffix}")


def _refuse_existing(places: Sequence[Path]) -> None:
    """Refuse to replace files whose names napari's dialog has not shown."""
    existing = [place.name for place in places if os.path.lexists(place)]
    if existing:
        raise OutputExists(f"{', '.join(existing)} exists: choose another name.")
