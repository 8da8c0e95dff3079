"""Write an Image layer to a file, with its pixel sizes, its channels and the record of its run."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_dip.errors import BadImage, FileProblem, NapariDipError
from napari_dip.image.arrays import as_lazy
from napari_dip.image.metadata import Channel
from napari_dip.image.pixel_digest import pixel_digest
from napari_dip.plaintext import file_name
from napari_dip.plugin.models.layer_file import file_of, with_metadata_of
from napari_dip.plugin.models.layer_input import is_unfinished, read_layer
from napari_dip.plugin.models.layer_record import record_of
from napari_dip.plugin.models.target import lost_transforms, stored_image

if TYPE_CHECKING:
    from napari.layers import Image

    from napari_dip.image.metadata import StoredImage

__all__ = ["SavedLayer", "with_suffix"]

FORMATS = {".ome.tif": "OME-TIFF", ".ome.zarr": "OME-Zarr", ".tif": "TIFF", ".png": "PNG"}
"""Name of each format that a panel offers, by its suffix."""


@dataclass(frozen=True)
class SavedLayer:
    """A layer as it is when it is saved.

    Attributes
    ----------
    stored
        Pixels, axes, sizes, position and channels.
    record
        How the layer was made; ``None`` if no run made it.
    lost
        What no file can hold, such as ``"rotation"``.
    name
        The name of the layer.
    file
        The file of the image that it was made from; ``None`` if unknown.
    """

    stored: StoredImage
    record: dict[str, Any] | None
    lost: tuple[str, ...]
    name: str
    file: StoredImage | None = None

    @classmethod
    def of(cls, layer: Image) -> SavedLayer:
        """Read a layer; its pixels are read when they are written.

        Raises
        ------
        BadImage
            If its run has not ended.
        """
        if is_unfinished(layer):
            raise BadImage(f"'{layer.name}' shows a run that has not ended: wait for its end.")
        source, record = read_layer(layer), record_of(layer)
        recorded = "" if record is None else str(record.get("axes", ""))
        if "Q" in source.axes and len(recorded) == len(source.axes):
            source = replace(source, axes=recorded)
        stored = replace(stored_image(source), image=as_lazy(source.data))
        stored = replace(stored, channels=_drawn(stored, layer))
        file = file_of(layer, record)
        lost = tuple(lost_transforms(source.placement))
        return cls(with_metadata_of(stored, file), record, lost, source.name, file)

    def formats(self) -> dict[str, str]:
        """Return the names of the formats that can hold the image, by their suffixes."""
        from napari_dip.files.write_plan import empty_copy, plan_write

        axes, dtype = self.stored.axes, self.stored.image.dtype
        possible = {}
        for suffix, name in FORMATS.items():
            try:
                plan = plan_write(f"image{suffix}", empty_copy(self.stored, axes, dtype))
            except NapariDipError:
                continue
            possible[suffix] = f"{name} for ImageJ" if plan.dialect == "imagej" else name
        return possible

    def proposed_path(self) -> Path:
        """Propose a file beside that of the input image, or in the home folder."""
        from napari_dip.files.file_conflicts import enclosing_zarr

        path, folder = self._input_path, Path.home()
        if path is not None and (parent := (enclosing_zarr(path) or path).parent).is_dir():
            folder = parent
        return folder / file_name(self.name)

    def write(self, path: Path, *, overwrite: bool = False) -> str:
        """Write the image, and return a sentence about what the file holds.

        Raises
        ------
        NapariDipError
            If it cannot be written, or the file is that of the input image.
        """
        from napari_dip.files.file_conflicts import files_of, refuse_conflicts
        from napari_dip.files.image_io import dropped_notes, is_zarr_name, write_image

        if self._input_path is not None and self._input_path.exists():
            refuse_conflicts({"the result": path}, files_of(self._input_path))
        axes, dtype = self.stored.axes, self.stored.image.dtype
        said_below = replace(self.stored, affine=None)
        notes = list(dropped_notes(path, said_below, dtype, axes))
        if self.lost and (self.stored.affine is None or not is_zarr_name(path)):
            notes.append(f"Not kept, since a file cannot hold it: {', '.join(self.lost)}.")
        try:
            write_image(path, self.stored, provenance=self.file_record, overwrite=overwrite)
        except NapariDipError:
            raise
        except (OSError, MemoryError) as error:
            raise FileProblem(
                f"{path} could not be written ({type(error).__name__}: {error}). Choose another "
                "folder or format."
            ) from error
        return " ".join((f"Saved to {path}.", *notes))

    @property
    def file_record(self) -> dict[str, Any] | None:
        """The record with the digest of the pixels, which the user may have changed since."""
        image, axes = self.stored.image, self.stored.axes
        if self.record is None or "input" not in self.record:  # of several channels
            return self.record
        form = {"shape": list(image.shape), "dtype": str(image.dtype)}
        return {**self.record, "result": {**form, "pixels": pixel_digest(image, axes)}}

    @property
    def _input_path(self) -> Path | None:
        path = None if self.record is None else self.record.get("input", {}).get("path")
        return Path(path) if isinstance(path, str) and path else None


def _drawn(stored: StoredImage, layer: Image) -> tuple[Channel, ...]:
    """Return the channels, that of a grey layer with its colormap and contrast limits."""
    channels = stored.known_channels
    if stored.channel_count > 1 or "S" in stored.axes:
        return channels
    channel = channels[0] if channels else Channel()
    low, high = (float(limit) for limit in layer.contrast_limits)
    colours = np.asarray(layer.colormap.colors)
    colour = channel.colour
    if len(colours) == 2 and not colours[0, :3].any():  # from black to one colour
        colour = "".join(f"{round(255 * part):02X}" for part in colours[1, :3].tolist())
    unknown = colour == "FFFFFF" and not channel.colour  # the grey of any layer
    return (Channel(channel.name, "" if unknown else colour, (low, high)),)


def with_suffix(path: Path, chosen: str) -> Path:
    """Add the suffix of the chosen format, unless the name has that of a known one.

    Examples
    --------
    >>> with_suffix(Path("cells"), ".ome.tif").name, with_suffix(Path("cells.png"), ".tif").name
    ('cells.ome.tif', 'cells.png')
    """
    known = path.name.lower().endswith((*FORMATS, ".tiff", ".zarr"))
    return path if known else path.with_name(path.name + chosen)
