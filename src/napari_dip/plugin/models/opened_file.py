"""Make the layers of an image file, with axes, sizes, units, channel names and colours."""

from __future__ import annotations

import glob
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dask.array  # napari depends on it
import numpy as np
from napari.layers import Image
from napari.layers._source import layer_source
from napari.utils.colormaps import Colormap

from napari_dip.errors import FileProblem
from napari_dip.files.glob_pattern import matching_files
from napari_dip.files.image_io import read_image
from napari_dip.image.metadata import Channel
from napari_dip.plugin.models.layer_file import FILE, channel_metadata, optics_metadata

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from napari_dip.image.lazy import LazyArray
    from napari_dip.image.metadata import StoredImage

    LayerData = tuple[Any, dict[str, Any], str]

__all__ = ["OpenedFile", "get_reader", "pattern_of"]

CHUNK_SIDE = 1024  # pixels: side of the part of a chunked plane that is read at once

COLOURS = ("00FFFF", "FF00FF", "FFFF00", "FF0000", "00FF00", "0000FF")
"""Colours of several channels whose colours are not known, in turn."""


@dataclass(frozen=True)
class OpenedFile:
    """An image of a file; its values are read when they are shown.

    Attributes
    ----------
    path
        The file, folder, or pattern of a series of files.
    stored
        The image.
    """

    path: Path
    stored: StoredImage

    @classmethod
    def open(cls, path: Path, number: int | None = None) -> OpenedFile:
        """Open the first image of a file, or the one of this number.

        Raises
        ------
        FileProblem
            If it cannot be read, with the package to install where one is missing.
        """
        return cls(path, read_image(path, lazy=True, series=number))

    def layers(self) -> list[Image]:
        """Make one layer for each channel."""
        with layer_source(path=str(self.path), reader_plugin="napari-dip"):
            return [Image(pixels, **keywords) for pixels, keywords, _ in self.layer_data()]

    def layer_data(self) -> list[LayerData]:
        """Return the pixels and the keywords of one layer for each channel."""
        stored = self.stored
        levels = [_dask_array(level) for level in (stored.image, *stored.smaller)]
        axes, channels = stored.axes, stored.known_channels
        if "C" not in axes:
            known = optics_metadata(stored)
            channel = channels[0] if channels and "S" not in axes else Channel()
            drawn = {"colormap": _colormap(channel.colour)} if channel.colour else {}
            drawn |= {"contrast_limits": channel.window} if channel.window else {}
            return [self._one(levels, axes, channels, self._name, drawn, known)]
        axis, count = axes.index("C"), stored.channel_count
        made = []
        for number in range(count):
            index = (*(slice(None),) * axis, number)
            channel = channels[number] if channels else Channel()
            colour = channel.colour or (COLOURS[number % len(COLOURS)] if count > 1 else "")
            name = f"{self._name}, {channel.name or f'channel {number + 1}'}"
            drawn = {"colormap": _colormap(colour), "blending": "additive"} if colour else {}
            drawn |= {"contrast_limits": channel.window} if channel.window else {}
            planes = [level[index] for level in levels]
            known = optics_metadata(stored, number)
            made.append(self._one(planes, axes.replace("C", ""), (channel,), name, drawn, known))
        return made

    def _one(
        self,
        levels: list[Any],
        axes: str,
        channels: Sequence[Channel],
        name: str,
        drawn: Mapping[str, Any],
        known: dict[str, Any],
    ) -> LayerData:
        stored, letters = self.stored, axes.replace("S", "")
        keywords = {
            "name": name,
            "rgb": "S" in axes,
            "multiscale": len(levels) > 1,
            "axis_labels": tuple(
                f"{place - len(letters)}" if letter == "Q" else letter.lower()
                for place, letter in enumerate(letters)
            ),
            "scale": tuple(stored.pixel_size.get(letter, 1.0) for letter in letters),
            "translate": tuple(stored.translate.get(letter, 0.0) for letter in letters),
            **_world(stored, letters),
            "units": tuple(stored.unit.get(letter, "pixel") for letter in letters),
            "metadata": {
                FILE: {"path": str(self.path.absolute()), "series": stored.series},
                **channel_metadata(channels),
                **known,
            },
            **drawn,
        }
        if "contrast_limits" not in drawn and any(keywords["translate"][:-2]):
            keywords |= _limits(levels[-1])
        return (levels if len(levels) > 1 else levels[0]), keywords, "image"

    @property
    def _name(self) -> str:
        name = self.path.name.replace("*", "")
        for suffix in (".ome.tif", ".ome.tiff", ".ome.zarr", self.path.suffix):
            if suffix and name.lower().endswith(suffix.lower()):
                name = name[: -len(suffix)]
                break
        images = self.stored.images
        return f"{name}, image {self.stored.series}" if images else name


def pattern_of(files: Sequence[Path]) -> Path:
    """Return the one file, or a pattern that several files of a series match, and no other.

    Raises
    ------
    FileProblem
        If other files match too, or the files are in several folders.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> files = [folder / f"cells_t{number}.tif" for number in range(3)]
    >>> for file in files:
    ...     file.touch()
    >>> pattern_of(files).name
    'cells_t*.tif'
    """
    if len(files) == 1:
        return files[0]
    names = [file.name for file in files]
    start = _common_start(names)
    end = _common_start([name[len(start) :][::-1] for name in names])[::-1]
    pattern = files[0].with_name(f"{glob.escape(start)}*{glob.escape(end)}")
    if {*matching_files(pattern)} != {*files}:
        raise FileProblem(
            f"The {len(files)} files are not a whole series {pattern.name}: choose all files of "
            "the series, or a single file."
        )
    return pattern


def _common_start(names: Sequence[str]) -> str:
    """Return what all names begin with, without the first digits of their numbers."""
    start = os.path.commonprefix(names)  # noqa: RUF071 - these are names, not paths
    return start.rstrip("0123456789")


def get_reader(path: str | Sequence[str]) -> Callable[[Any], list[LayerData]] | None:
    """Return napari's reader of a file of a microscope vendor."""
    return _read if isinstance(path, str) else None


def _read(path: str) -> list[LayerData]:
    return OpenedFile.open(Path(path)).layer_data()


def _dask_array(image: LazyArray) -> Any:
    """Wrap an array, so that a viewer reads planes, or parts of them where chunks are stored."""
    if isinstance(image, np.ndarray):
        return image
    from napari_dip.files.zarr_reader import ZarrArray

    side = CHUNK_SIDE if isinstance(image, ZarrArray) else -1
    shown = 3 if image.shape[-1] in (3, 4) and image.ndim > 2 else 2
    chunks = (1,) * (image.ndim - shown) + (side,) * 2 + (-1,) * (shown - 2)
    return dask.array.from_array(image, chunks=chunks, name=False, meta=np.empty(0, image.dtype))  # type: ignore[no-untyped-call]


def _limits(pixels: Any) -> dict[str, Any]:
    """Return the keyword of the contrast limits of an image that is read plane by plane.

    They are those of the middle plane. napari would take the plane at position 0 of the world, and
    0 to 1 if no plane of the image is there.
    """
    if isinstance(pixels, np.ndarray):
        return {}
    plane = np.asarray(pixels[tuple(size // 2 for size in pixels.shape[:-2])])
    values = plane[np.isfinite(plane)]
    if not values.size or values.min() == values.max():
        return {}
    return {"contrast_limits": (float(values.min()), float(values.max()))}


def _world(stored: StoredImage, letters: str) -> dict[str, Any]:
    """Return the keyword of a rotation, as napari applies it after scale and translation."""
    if stored.affine is None:
        return {}
    matrix = np.eye(len(letters) + 1)
    places = [place for place, letter in enumerate(letters) if letter in "ZYX"]
    matrix[np.ix_(places, [*places, len(letters)])] = stored.affine
    return {"affine": matrix}


def _colormap(colour: str) -> Colormap:
    """Return a colormap from black to a colour, which is ``RRGGBB``."""
    top = [int(colour[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    return Colormap([[0, 0, 0, 1], [*top, 1]], name=f"#{colour}")
