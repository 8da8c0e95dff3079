"""Read a point spread function from a file: the image of a bead, or a computed one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from napari_dip.errors import BadImage
from napari_dip.files.image_io import read_image
from napari_dip.image.metadata import MICROMETRES
from napari_dip.optics.measured import measured_psf
from napari_dip.plaintext import as_utf8

if TYPE_CHECKING:
    from pathlib import Path

    from napari_dip.image.metadata import StoredImage
    from napari_dip.optics.psf import PSF
    from napari_dip.settings import Settings

__all__ = ["psf_of_bead", "read_psf"]


def read_psf(path: Path, stored: StoredImage, settings: Settings) -> PSF:
    """Read a point spread function, in pixels of the result of an image.

    Parameters
    ----------
    path
        An image with the axes Y and X, or Z, Y and X. Pixel sizes in both files count.
    stored, settings
        The image to deconvolve, and what is done with it.

    Raises
    ------
    FileProblem, BadImage
        If the file cannot be read, has other axes, or shows no bead.
    """
    psf = psf_of_bead(read_image(path), str(path), stored, settings)
    return replace(psf, file=as_utf8(path.absolute()))


def psf_of_bead(bead: StoredImage, name: str, stored: StoredImage, settings: Settings) -> PSF:
    """Measure a point spread function in the image of a bead, as :func:`read_psf` does.

    Parameters
    ----------
    bead, name
        The image of the bead, and how errors name it.
    stored, settings
        The image to deconvolve, and what is done with it.

    Raises
    ------
    BadImage
        If it has other axes, or shows no bead.
    """
    values, axes, notes = np.asarray(bead.whole()), bead.axes, []
    for axis in reversed(range(values.ndim)):
        if values.shape[axis] == 1 and axes[axis] not in "YX":
            values, axes = values.squeeze(axis), axes[:axis] + axes[axis + 1 :]
    # the only other axis of three is Z, though an array in a plain TIFF does not say so
    names = axes.replace("Q", "Z") if len(axes) == 3 and "Z" not in axes else axes
    if sorted(names) not in (sorted("YX"), sorted("ZYX")):
        raise BadImage(
            f"{name}: a point spread function has the axes YX or ZYX, and this one has {axes} "
            f"(shape {values.shape}); save one bead"
        )
    order = "ZYX" if "Z" in names else "YX"
    values = values.transpose([names.index(letter) for letter in order])
    spatial = settings.spatial
    if order == "ZYX" and "Z" not in spatial:
        number = int(values.max(axis=(1, 2)).argmax())
        values, order = values[number], "YX"
        notes.append(f"Its brightest plane, number {number}, was taken.")
    if order != spatial:
        raise BadImage(
            f"{name}: the point spread function has the axes {order}, and {spatial} are restored; "
            "give one with these axes"
        )
    sizes, target = (
        [image.size_in(letter, MICROMETRES, "µm") for letter in order] for image in (bead, stored)
    )
    target = [
        size and size / settings.factors.get(letter, 1)
        for size, letter in zip(target, order, strict=True)
    ]
    known = None not in sizes and None not in target
    if not known:
        notes.append("Its pixels are taken to be as large as those of the image.")
    try:
        psf = measured_psf(values, *([sizes] if known else []), target=target if known else None)  # type: ignore[arg-type]
    except BadImage as error:
        raise BadImage(f"{name}: {error}") from None
    return replace(psf, notes=(*notes, *psf.notes))
