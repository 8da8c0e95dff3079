"""The point spread function of a run: choose, check, use and show it."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from napari_dip.errors import BadImage, BadSettings
from napari_dip.image.layout_plan import make_layout
from napari_dip.image.psf import psf_of
from napari_dip.plugin.models.bead import Bead
from napari_dip.plugin.models.layer_input import is_unfinished, read_layer
from napari_dip.plugin.models.layer_output import own_transform
from napari_dip.plugin.models.pixel_sizes import sized_image, unknown_size
from napari_dip.settings import Settings
from napari_dip.settings.optics import ABERRATIONS, PIXEL_SIZES

if TYPE_CHECKING:
    from pathlib import Path

    from napari.layers import Layer

    from napari_dip.image.axes import Layout
    from napari_dip.image.layout_plan import Tiling
    from napari_dip.image.problem import Problem
    from napari_dip.optics.psf import PSF
    from napari_dip.plugin.models.layer_input import LayerInput
    from napari_dip.plugin.models.layer_output import LayerData
    from napari_dip.settings import Task

__all__ = [
    "bead_in_file",
    "check_point_spread",
    "estimated_optics",
    "measured_psf_of",
    "point_spread",
    "problem_of",
    "psf_layer",
    "read_bead",
]

MAX_BEAD_VALUES = 2**24  # values: more than 256³ is not one bead, and would take seconds to measure

SIZE_NAMES = {"X": "pixel_size", "Z": "z_step"}


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


def bead_in_file(path: Path) -> Bead:
    """Read a file as the image of a bead.

    Raises
    ------
    FileProblem
        If it cannot be read.
    """
    from napari_dip.files.image_io import read_image

    return Bead(read_image(path), path.name, path)


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
        raise BadSettings(unknown_size(source, unknown[0]))


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


def problem_of(
    source: LayerInput,
    settings: Settings,
    device: str | None = None,
    tiling: Tiling | None = None,
) -> Problem:
    """Check a layer with its mask and its bead, and survey it; slow, for a worker thread.

    Parameters
    ----------
    source, settings
        The layer, and the settings of its run.
    device, tiling
        As for :func:`~napari_dip.image.problem.make_problem`.

    Raises
    ------
    NapariDipError
        If the image, the mask, the bead or the settings are not valid.
    """
    from napari_dip.image.problem import make_problem  # loading torch takes seconds

    psf = measured_psf_of(source, settings)
    problem = make_problem(
        source.data,
        settings,
        source.whole_mask,
        psf,
        device,
        tiling,
        psf_axes=None if psf is None else settings.spatial,
    )
    return replace(problem, origin=source.origin)


def estimated_optics(source: LayerInput, settings: Settings) -> Task:
    """Return the task with aberrations estimated from the layer; slow, for a worker thread.

    Raises
    ------
    BadImage, BadSettings
        If the layer or the microscope does not tell them.
    """
    told = {name: value for name, value in settings.task if name not in ABERRATIONS}
    task = type(settings.task)(**told | {"estimate_aberrations": True})
    return problem_of(source, settings.replace(task=task)).settings.task


@lru_cache(maxsize=4)
def _computed(task: Task, layout: Layout) -> PSF | None:
    """Compute the point spread function of a task; the plan and *Show PSF* ask for the same."""
    return psf_of(None, None, layout, Settings(task=task))


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
