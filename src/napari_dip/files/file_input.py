"""Open the image and the mask of a restoration."""

from __future__ import annotations

import math
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from napari_dip.errors import BadMask, BadSettings
from napari_dip.files.image_io import read_image, read_mask
from napari_dip.files.psf_file import read_psf
from napari_dip.image.layout_plan import make_layout
from napari_dip.image.masks import align_mask, check_marks_pixels
from napari_dip.image.metadata import MICROMETRES
from napari_dip.image.psf import refuse_two_psfs
from napari_dip.settings.optics import PIXEL_SIZES, is_possible

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from napari_dip.image.metadata import StoredImage
    from napari_dip.optics.psf import PSF
    from napari_dip.settings import Settings

__all__ = ["FileInput", "open_input"]


@dataclass(frozen=True)
class FileInput:
    """An image that was opened, with its mask.

    Parameters
    ----------
    stored
        The image, which is read on demand, and its metadata.
    settings
        With the axes and the voxel size of the file, unless others were given.
    missing
        Of the shape of the image, true where a pixel is missing; ``None`` without a mask.
    psf
        The point spread function of a file; ``None`` without one.
    notes
        Sentences about what was noticed.
    """

    stored: StoredImage
    settings: Settings
    missing: NDArray[np.bool_] | None
    psf: PSF | None
    notes: tuple[str, ...]


def open_input(
    source: Path,
    settings: Settings,
    *,
    series: int | None = None,
    mask: Path | None = None,
    marks: Literal["missing", "known"] = "missing",
    mask_axes: str | None = None,
    psf: Path | None = None,
) -> FileInput:
    """Open an image, its mask and its point spread function, and check that they fit.

    Parameters
    ----------
    source, settings, series, mask, marks, mask_axes, psf
        As in :func:`~napari_dip.files.file_run.open_run`.

    Raises
    ------
    NapariDipError
        If a file, the axes or the mask is not valid.
    """
    stored = read_image(source, lazy=True, series=series)
    settings = settings.replace(axes=settings.axes or stored.axes).with_voxel(stored.voxel)
    settings = _with_optics(source, stored, settings, computed=psf is None)
    layout = make_layout(stored.image.shape, settings)
    notes = [f"{source}: {note}" for note in stored.notes]
    notes += _overridden(source, stored, settings)
    blur = None
    if psf is not None:
        refuse_two_psfs(settings)
        blur = read_psf(psf, stored, settings)
        notes += [f"{psf}: {note}" for note in blur.notes]
    if mask is None:
        return FileInput(stored, settings, None, blur, tuple(notes))
    mask_image = read_mask(mask, marks)
    with _naming_mask(mask):
        names = mask_axes or mask_image.axes
        aligned = align_mask(mask_image.missing, layout, names, strict=mask_axes is not None)
        if settings.task.fills_gaps:
            check_marks_pixels(aligned.missing)
    notes += [f"{mask}: {note}" for note in (*mask_image.notes, aligned.note) if note]
    return FileInput(stored, settings, aligned.missing, blur, tuple(notes))


def _with_optics(
    source: Path, stored: StoredImage, settings: Settings, *, computed: bool
) -> Settings:
    """Let the task take unknown numbers of the microscope from the file, or pixel sizes alone.

    ``computed`` says that the point spread function follows from the settings.
    """
    found = stored.known_optics
    if not computed:
        found = {name: found[name] for name in PIXEL_SIZES if name in found}
    try:
        settings = settings.replace(task=settings.task.with_metadata(found))
    except BadSettings as error:
        raise BadSettings(f"{source}: with the numbers in its metadata, {error}") from None
    task, sizes = settings.task, [stored.size_in(axis, MICROMETRES, "µm") for axis in "YX"]
    needs_size = task.microscope is not None and getattr(task, "pixel_size", None) is None
    if computed and needs_size and None not in sizes and "pixel_size" not in found:
        raise BadSettings(
            f"{source}: its pixels are {sizes[0]:.4g} × {sizes[1]:.4g} µm, and the optics need "
            "square ones; if that is wrong, give pixel_size (--pixel-size) in µm; otherwise give "
            "a bead (--psf), or resample the image"
        )
    return settings


def _overridden(source: Path, stored: StoredImage, settings: Settings) -> list[str]:
    """Name the numbers of the microscope in a file that others, which were given, replace."""
    given = dict(settings.task)
    return [
        f"{source}: its metadata have {name}={value:.4g}, and {given[name]:.4g} is used, as given."
        for name, value in stored.known_optics.items()
        if isinstance(value, int | float)
        and isinstance(given.get(name), int | float)
        and is_possible(name, value)
        and not math.isclose(value, given[name], rel_tol=0.01)
    ]


@contextmanager
def _naming_mask(mask: Path) -> Iterator[None]:
    """Name the mask file in an error about the mask."""
    try:
        yield
    except BadMask as error:
        raise BadMask(f"{mask}: {error}") from None
