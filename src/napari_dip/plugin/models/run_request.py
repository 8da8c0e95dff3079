"""Describe a run before it starts: layer, settings, target and compute options."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import psutil

from napari_dip.errors import BadImage, BadSettings
from napari_dip.image.aberrations import check_estimable
from napari_dip.image.arrays import as_lazy
from napari_dip.image.layout_plan import choose_plan, make_layout
from napari_dip.image.masks import broadcast_mask
from napari_dip.image.plan_text import outlook
from napari_dip.plugin.models.axis_labels import check_last_axis
from napari_dip.plugin.models.image_findings import findings_in_words
from napari_dip.plugin.models.layer_input import (
    LayerInput,
    is_unfinished,
    match_settings,
    read_layer,
)
from napari_dip.plugin.models.pixel_sizes import with_pixel_sizes
from napari_dip.plugin.models.point_spread import (
    check_point_spread,
    estimated_optics,
    point_spread,
    read_bead,
)
from napari_dip.plugin.models.psf_text import describe_point_spread

if TYPE_CHECKING:
    from napari.layers import Layer

    from napari_dip.image.axes import Layout
    from napari_dip.image.result import Result
    from napari_dip.image.sink import Sink
    from napari_dip.optics.psf import PSF
    from napari_dip.plugin.models.mask_layers import MaskSource
    from napari_dip.plugin.models.target import Target
    from napari_dip.settings import Settings, Task

__all__ = [
    "ComputeOptions",
    "LayerReader",
    "RequestTemplate",
    "RunRequest",
    "copy_pixels",
    "rest_request",
]

FRACTION_OF_FREE_MEMORY = 0.5  # of the free memory: for a larger result, disk is proposed

MAX_COPIED_BYTES = 2**30  # bytes: a copy of a larger image would need too much memory


@dataclass(frozen=True)
class ComputeOptions:
    """Which processes compute; by default this process.

    Attributes
    ----------
    workers
        Number of worker processes on this computer, or ``None``.
    scheduler
        Address of a dask scheduler, such as ``"tcp://host:8786"``, or ``None``.
    """

    workers: int | None = None
    scheduler: str | None = None

    def check(self) -> None:
        """Check that the address is not empty.

        Raises
        ------
        BadSettings
            If it is.
        """
        if self.scheduler == "":
            raise BadSettings("Type the address of the scheduler, such as tcp://host:8786.")


@dataclass(frozen=True)
class RunRequest:
    """A run that can start. Creating it checks shapes and settings, but reads no image pixels.

    Parameters
    ----------
    source, settings, target, compute
        Input layer, settings, place of the result and processes of the run.

    Raises
    ------
    NapariDipError
        If the run is not possible.
    """

    source: LayerInput
    settings: Settings
    target: Target
    compute: ComputeOptions

    def __post_init__(self) -> None:
        """Run the fast checks."""
        as_lazy(self.source.data)
        _ = self.layout
        check_point_spread(self.source, self.settings)
        self.target.check(self.source, self.settings)
        self.compute.check()

    @property
    def layout(self) -> Layout:
        """How the axes of the image are restored."""
        return make_layout(self.source.data.shape, self.settings)

    def psf(self) -> PSF | None:
        """Return the point spread function; ``None`` without one. Slow, for a worker thread.

        Raises
        ------
        BadImage, BadSettings
            If the layer of the bead shows none, or it does not fit the image.
        """
        return point_spread(self.source, self.settings)

    @property
    def may_estimate_optics(self) -> bool:
        """Whether the image can tell the aberrations of its microscope."""
        try:
            check_estimable(self.settings)
        except BadSettings:
            return False
        return True

    def estimated_optics(self) -> Task:
        """Return the task with estimated aberrations. Slow, for a worker thread.

        Raises
        ------
        BadImage, BadSettings
            If the layer or the microscope does not tell them.
        """
        return estimated_optics(self.source, self.settings)

    def describe_psf(self) -> str:
        """Say what the point spread function is, and after a blank line how it was found."""
        psf = self.psf()
        return "" if psf is None else describe_point_spread(psf, self.source, self.settings)

    @property
    def result_bytes(self) -> int:
        """Size of the result."""
        input_size = int(self.source.data.dtype.itemsize)
        pixels = math.prod((*self.layout.shape, *self.settings.factors.values()))
        return int(pixels * (4 if self.settings.dtype == "float32" else input_size))

    @property
    def too_large(self) -> bool:
        """Whether the result needs more than half of the free memory."""
        available = psutil.virtual_memory().available
        return bool(self.result_bytes > FRACTION_OF_FREE_MEMORY * available)

    def prepare(self) -> None:
        """Load the code of a run, which the first run of a process would wait for."""
        if self.compute.scheduler is not None or self.compute.workers:
            return  # other processes compute
        from napari_dip.compute.device import choose_device
        from napari_dip.pipeline.costs import prepare_first_fit

        prepare_first_fit(choose_device(self.settings.device))

    def describe(self) -> str:
        """Say what the run needs, and after a blank line its expected steps; this loads torch.

        What is unusual in the image is named, and the details say what to do about it.

        Raises
        ------
        NapariDipError
            If the device does not exist, or has too little memory.
        """
        settings = self.settings
        remote = self.compute.scheduler is not None
        device = settings.device if remote else None
        plan, device = choose_plan(self.layout, settings, device=device)
        if self.compute.workers:
            plan = replace(plan, at_once=1)
        summary, _, steps = outlook(
            plan,
            settings,
            None if remote else device,
            result_bytes=self.result_bytes,
            too_large=self.too_large,
            on_disk=self.target.path is not None,
            workers=self.compute.workers,
            missing=broadcast_mask(self.source.whole_mask, self.layout),
        ).partition("\n\n")
        note = self.target.placement_note(self.source)
        # Where gaps are filled, what is unusual may lie in the gaps.
        found = "" if settings.task.fills_gaps else findings_in_words(self.source)
        found, _, advice = found.partition("\n\n")
        short = "\n".join(filter(None, (" · ".join(filter(None, (summary, found))), note)))
        return "\n\n".join(filter(None, (short, advice, steps)))


@dataclass(frozen=True)
class LayerReader:
    """Read a layer, and its mask and the bead of its blur if the task needs them.

    Attributes
    ----------
    mask_source
        The mask layer; ``None`` where the task needs no mask.
    bead
        The layer with the image of a bead; ``None`` where there is none.
    """

    mask_source: MaskSource | None = None
    bead: Layer | None = None

    def check(self, layer: Layer) -> LayerInput:
        """Read a layer without the pixels of its mask, and check that a run is possible.

        Raises
        ------
        BadImage, BadMask
            If the layer is not an image or shows a run that has not ended; if no pixel of the mask
            is marked.
        """
        source = read_layer(layer)
        _refuse_unfinished(layer)
        if self.mask_source is not None:
            mask = self.mask_source.mask_for(layer)
            _refuse_unfinished(mask.layer)
            mask.check()
        return source if self.bead is None else replace(source, bead=read_bead(self.bead))

    def read(self, layer: Layer) -> LayerInput:
        """Read a layer, compute its missing pixels, and copy the image of the bead."""
        source = self.check(layer)
        if self.mask_source is not None:
            source = read_layer(layer, self.mask_source.mask_for(layer))
        return (
            source if self.bead is None else replace(source, bead=read_bead(self.bead, copy=True))
        )


@dataclass(frozen=True)
class RequestTemplate:
    """The values of the controls: a run request without its layer.

    Attributes
    ----------
    reader
        How the layer is read.
    settings, target, compute
        Settings, place of the result and processes of the run.
    """

    reader: LayerReader
    settings: Settings
    target: Target
    compute: ComputeOptions

    def for_layer(self, layer: Layer, *, read_mask: bool = False) -> RunRequest:
        """Make the request for a layer; the mask is read, or only checked.

        Raises
        ------
        NapariDipError
            If the run is not possible.
        """
        read = self.reader.read if read_mask else self.reader.check
        source, settings = match_settings(read(layer), self.settings)
        settings = with_pixel_sizes(source, settings)
        check_last_axis(layer, source.axes, source.data.shape)
        return RunRequest(source, settings, self.target, self.compute)


def rest_request(request: RunRequest, result: Result, output: Sink) -> RunRequest | None:
    """Return the request that restores the planes that a stopped run has left.

    Parameters
    ----------
    request
        The request of the stopped run.
    result, output
        Its result and its output.

    Returns
    -------
    RunRequest
        ``None`` if nothing is left, or if the image is restored as a whole.
    """
    from napari_dip.image.sink import InMemory

    coverage = result.coverage
    if coverage is None or len(coverage.parts) == 1 or not (coverage.empty or coverage.partial):
        return None
    target = replace(request.target, device=result.device, overwrite=False, note="")
    if isinstance(output, InMemory):
        target = replace(target, earlier=output)
    return replace(request, target=replace(target, resume=target.path is not None))


def copy_pixels(source: LayerInput) -> LayerInput:
    """Copy the pixels of an input, so that changes of the layer do not affect the run.

    Arrays above 1 GiB and arrays that are read from a file are not copied.
    """
    data = source.data
    in_memory = isinstance(data, np.ndarray) and not isinstance(data, np.memmap)
    if in_memory and data.nbytes <= MAX_COPIED_BYTES:
        return replace(source, data=data.copy())
    return source


def _refuse_unfinished(layer: Layer) -> None:
    if is_unfinished(layer):
        raise BadImage(
            f"'{layer.name}' shows a run that has not ended: wait for its end, or choose another "
            "layer."
        )
