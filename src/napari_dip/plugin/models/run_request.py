"""Describe a run before it starts: layer, settings, target and compute options."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import psutil

from napari_dip.errors import BadSettings
from napari_dip.image.aberrations import check_estimable
from napari_dip.image.arrays import as_lazy
from napari_dip.image.layout_plan import choose_plan, make_layout
from napari_dip.image.masks import broadcast_mask
from napari_dip.image.plan_text import outlook
from napari_dip.plugin.models.image_findings import findings_in_words
from napari_dip.plugin.models.point_spread import (
    check_point_spread,
    estimated_optics,
    point_spread,
)
from napari_dip.plugin.models.psf_text import describe_point_spread

if TYPE_CHECKING:
    from napari_dip.image.axes import Layout
    from napari_dip.image.result import Result
    from napari_dip.image.sink import Sink
    from napari_dip.optics.psf import PSF
    from napari_dip.plugin.models.layer_input import LayerInput
    from napari_dip.plugin.models.target import Target
    from napari_dip.settings import Settings, Task

__all__ = [
    "ComputeOptions",
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
