"""The point spread function of a run: choose, check, describe and show it."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from scipy.interpolate import CubicSpline

from napari_dip.errors import BadImage, BadSettings
from napari_dip.image.layout_plan import make_layout
from napari_dip.image.metadata import MICROMETRES
from napari_dip.image.psf import psf_of
from napari_dip.plugin.models.bead import Bead
from napari_dip.plugin.models.layer_file import stored_in_file
from napari_dip.plugin.models.layer_input import is_unfinished, read_layer
from napari_dip.plugin.models.layer_output import own_transform
from napari_dip.plugin.models.target import stored_image
from napari_dip.settings import Settings
from napari_dip.settings.optics import LARGEST_UM, PIXEL_SIZES, SMALLEST_UM

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from napari.layers import Layer

    from napari_dip.image.axes import Layout
    from napari_dip.image.metadata import StoredImage
    from napari_dip.optics.psf import PSF
    from napari_dip.plugin.models.layer_input import LayerInput
    from napari_dip.plugin.models.layer_output import LayerData
    from napari_dip.settings import Task

__all__ = [
    "bead_in_file",
    "check_point_spread",
    "describe_point_spread",
    "measured_psf_of",
    "point_spread",
    "psf_axes",
    "psf_layer",
    "read_bead",
    "stored_layer",
    "with_pixel_sizes",
]

MAX_BEAD_VALUES = 2**24  # values: more than 256³ is not one bead, and would take seconds to measure

SIZE_NAMES = {"X": "pixel_size", "Z": "z_step"}

SAME_SIZE = 0.01  # relative: pixels whose sides differ by less are square


def read_bead(layer: Layer, *, copy: bool = False) -> Bead:
    """Read a layer as the image of a bead.

    Parameters
    ----------
    layer
        An Image layer with the axes Y and X, or Z, Y and X.
    copy
        Whether to copy the pixels, so that changes of the layer do not affect the run.

    Raises
    ------
    BadImage
        If it is another layer, or larger than a bead.
    """
    source = read_layer(layer)
    name, shape = source.name, source.data.shape
    if is_unfinished(layer):
        raise BadImage(f"'{name}' shows a run that has not ended: choose another bead.")
    if source.rgb:
        raise BadImage(f"'{name}' has colours: choose a grey image of a bead.")
    if math.prod(shape) > MAX_BEAD_VALUES:
        raise BadImage(
            f"'{name}' has {' × '.join(map(str, shape))} pixels, too many for one bead: crop it."
        )
    axes = source.axes
    long = [letter for letter, size in zip(axes, shape, strict=True) if size > 1]
    if len(shape) == 3 and "Q" in axes and "Z" not in axes:
        axes = axes.replace("Q", "Z")
    elif not set(long) <= set("ZYX"):
        raise BadImage(
            f"'{name}' has the axes {axes.replace('Q', '?')}, and a bead has YX or ZYX: choose "
            "another layer, or correct its axes."
        )
    pixels = np.array(source.data) if copy else source.data
    stored = sized_image(replace(source, data=pixels, axes=axes))
    return Bead(stored, name, source.path)


def stored_layer(layer: Layer, axes: str) -> StoredImage:
    """Return a layer with its pixel sizes, and with these axes, as a file holds it."""
    return sized_image(replace(read_layer(layer), axes=axes))


def bead_in_file(path: Path) -> Bead:
    """Read a file as the image of a bead.

    Raises
    ------
    FileProblem
        If it cannot be read.
    """
    from napari_dip.files.image_io import read_image

    return Bead(read_image(path), path.name, path)


def with_pixel_sizes(source: LayerInput, settings: Settings) -> Settings:
    """Return settings whose task knows the pixel sizes of a layer, if it needs them."""
    if not settings.task.spec.needs_psf:
        return settings
    y, x, z = (_micrometres(source, letter) for letter in "YXZ")
    found = {"z_step": z} if z else {}
    if x and y and math.isclose(x, y, rel_tol=SAME_SIZE):
        found["pixel_size"] = x
    return settings.replace(task=settings.task.with_metadata(found))


def check_point_spread(source: LayerInput, settings: Settings) -> None:
    """Check that there can be a point spread function; no pixels are read.

    Raises
    ------
    BadImage, BadSettings
        If a size of the pixels is not known, or the bead has other axes than the image.
    """
    task = settings.task
    if not task.spec.needs_psf:
        return
    volume = "Z" in settings.spatial
    if source.bead is not None:
        axes, shape = source.bead.stored.axes, source.bead.stored.image.shape
        if volume and not ("Z" in axes and shape[axes.index("Z")] > 1):
            raise BadImage(
                f"'{source.bead.name}' is a single plane, and a volume needs a z-stack of a bead: "
                "choose another bead, or set Stack to 'plane by plane'."
            )
        return
    unknown = [
        letter
        for letter, name in SIZE_NAMES.items()
        if letter in settings.spatial and task.with_metadata({name: 1.0}) != task
    ]
    try:
        task.gaussian_widths(settings.spatial)
    except BadSettings:
        # With any size, it raises for what else is wrong with the widths.
        task.with_metadata(dict.fromkeys(PIXEL_SIZES, 1.0)).gaussian_widths(settings.spatial)
    else:
        if task.microscope is None:
            return
    if unknown:
        raise BadSettings(_unknown_size(source, unknown[0]))


def point_spread(source: LayerInput, settings: Settings) -> PSF | None:
    """Return the point spread function of a run; slow, for a worker thread.

    Raises
    ------
    BadImage, BadSettings
        If the layer of the bead shows none, or it does not fit the image.
    """
    layout = make_layout(source.data.shape, settings)
    measured = measured_psf_of(source, settings)
    if measured is not None:
        return psf_of(measured, layout.spatial, layout, settings)
    return _computed(settings.task, layout)


def measured_psf_of(source: LayerInput, settings: Settings) -> PSF | None:
    """Return the point spread function of the bead of an input; ``None`` without one."""
    return None if source.bead is None else source.bead.psf(sized_image(source), settings)


def psf_axes(psf: PSF | None, settings: Settings) -> str | None:
    """Return the letters of the axes of a point spread function; ``None`` without one."""
    return None if psf is None else settings.spatial


@lru_cache(maxsize=4)
def _computed(task: Task, layout: Layout) -> PSF | None:
    """Compute the point spread function of a task; the plan and *Show PSF* ask for the same."""
    return psf_of(None, None, layout, Settings(task=task))


def describe_point_spread(psf: PSF, source: LayerInput, settings: Settings) -> str:
    """Say how wide a point spread function is, and warn of coarse pixels; details below.

    Examples
    --------
    >>> from napari_dip.optics.psf import gaussian_psf
    >>> from napari.layers import Image
    >>> source = read_layer(Image(np.zeros((32, 32))))
    >>> task = {"kind": "deconvolve", "fwhm": 3}
    >>> settings = Settings(task=task, axes="YX")
    >>> print(describe_point_spread(gaussian_psf((3, 3)), source, settings))
    PSF: Gaussian, 3 pixels wide.
    <BLANKLINE>
    Gaussian of 3 × 3 pixels (full width at half maximum), 13 × 13 pixels.
    """
    microscope, is_gaussian = settings.task.microscope, settings.task.gaussian_widths
    kind = "Gaussian" if is_gaussian(settings.spatial) else psf.source
    kind = kind if microscope is None else microscope.microscopy
    lines = [f"PSF: {kind}, {_widths(psf, source, settings)}."]
    if coarse := _below_nyquist(psf, settings):
        lines.append(f"Below Nyquist sampling ({coarse}).")
    details = [f"{psf.describe()}.", *psf.notes, *psf.losses]
    return " ".join(lines) + "\n\n" + "\n".join(details)


def psf_layer(psf: PSF, source: LayerInput, settings: Settings) -> LayerData:
    """Make the layer that shows a point spread function in the middle of its image."""
    letters = source.axes.replace("S", "")
    first = min(letters.index(letter) for letter in settings.spatial)
    kept = letters[first:]
    order = [settings.spatial.index(letter) for letter in kept if letter in settings.spatial]
    shape = [
        psf.values.shape[settings.spatial.index(letter)] if letter in settings.spatial else 1
        for letter in kept
    ]
    placement = source.placement
    middle = (np.array(source.data.shape[: len(letters)], float) - 1) / 2
    scale = np.abs(placement["scale"][first:])
    half = (np.array(shape, float) - 1) / 2
    keywords = {
        "name": f"{source.name} PSF",
        "scale": scale,
        "translate": own_transform(placement)(middle)[first:] - scale * half,
        "units": placement["units"][first:],
        "axis_labels": placement["axis_labels"][first:],
        "colormap": "inferno",
        "blending": "additive",
        "contrast_limits": (0.0, float(psf.values.max())),
        "metadata": {"napari-dip psf": psf.record()},
    }
    return psf.values.transpose(order).reshape(shape), keywords, "image"


def sized_image(source: LayerInput) -> StoredImage:
    """Return a layer with the sizes of its pixels, which its file may know if it does not."""
    scale = np.abs(source.placement["scale"])
    stored = stored_image(replace(source, placement={**source.placement, "scale": scale}))
    layer = source.layer()
    file = stored_in_file(layer) if layer is not None and not stored.unit else None
    if file is None or len(file.axes) != len(source.axes):
        return stored
    # napari reads no pixel sizes from most files
    letters = dict(zip(file.axes, source.axes, strict=True))
    return replace(
        stored,
        pixel_size={letters[axis]: size for axis, size in file.pixel_size.items()},
        unit={letters[axis]: unit for axis, unit in file.unit.items()},
    )


def _micrometres(source: LayerInput, letter: str) -> float | None:
    """Return the size of the pixels along an axis; ``None`` if it is unknown."""
    stored = sized_image(source)
    return stored.size_in(letter, MICROMETRES, "µm") if letter in stored.unit else None


def _unknown_size(source: LayerInput, letter: str) -> str:
    """Say why the size of the pixels along an axis cannot be used."""
    sizes = [_micrometres(source, each) for each in ("Z" if letter == "Z" else "YX")]
    what = "distance of the planes" if letter == "Z" else "pixel size"
    known = [size for size in sizes if size is not None]
    if len(known) < len(sizes):
        return f"The {what} of '{source.name}' is not known, and the PSF needs it: type it in Axes."
    if not all(SMALLEST_UM <= size <= LARGEST_UM for size in known):
        return (
            f"The {what} of '{source.name}' is {known[-1]:.4g} µm, and a microscope "
            f"has {SMALLEST_UM} to {LARGEST_UM} µm: correct it in Axes."
        )
    return (
        f"The pixels of '{source.name}' are {known[0]:.4g} × {known[-1]:.4g} µm, and the "
        "optics need square ones: correct them in Axes, or choose another PSF."
    )


def _widths(psf: PSF, source: LayerInput, settings: Settings) -> str:
    """Write the full widths at half maximum along X and Z, in µm if the pixel sizes are known."""
    widths = dict(zip(settings.spatial, _full_widths(psf, settings), strict=True))
    said = []
    for letter, unknown, where in (("X", "pixels", "wide"), ("Z", "planes", "along Z")):
        if letter in widths:
            size = _micrometres(source, letter)
            length = f"{widths[letter] * (size or 1):.2g} {'µm' if size else unknown}"
            said.append(f"{length} {where}")
    return ", ".join(said)


def _full_widths(psf: PSF, settings: Settings) -> Sequence[float]:
    """Return the full width at half maximum of the line through the peak along each axis."""
    values = psf.values
    if known := settings.task.gaussian_widths(settings.spatial):
        return known
    peak = np.unravel_index(int(values.argmax()), values.shape)
    widths = []
    for axis in range(values.ndim):
        index = tuple(slice(None) if one == axis else peak[one] for one in range(values.ndim))
        line = np.pad(values[index], 1)
        height = CubicSpline(np.arange(len(line)), line - values[peak] / 2)
        crossings = height.roots(extrapolate=False)
        centre = peak[axis] + 1
        right = crossings[crossings > centre].min(initial=len(line) - 1)
        left = crossings[crossings < centre].max(initial=0)
        widths.append(float(right - left))
    return widths


def _below_nyquist(psf: PSF, settings: Settings) -> str:
    """Name the largest pixels and distances of planes, where those of the image are larger."""
    microscope = settings.task.microscope
    if microscope is None:
        return ""
    limits = {
        "pixels": f"{1 / (2 * microscope.cutoff):.2g} µm",
        "planes": f"{1 / (2 * microscope.axial_cutoff):.2g} µm along Z",
    }
    return ", ".join(
        limit
        for what, limit in limits.items()
        if any(loss.startswith(f"The {what} ") for loss in psf.losses)
    )
