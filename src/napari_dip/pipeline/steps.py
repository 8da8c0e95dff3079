"""Steps of a restoration: small frozen values that run, and that describe themselves.

A step takes :class:`Data` and returns it changed. A preview of a step passes through the
``preview`` of the steps after it, so that it has the intensities and the shape of the result.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from napari_dip.pipeline.block import derived_seed
from napari_dip.pipeline.observation import forward_operator, observe
from napari_dip.pipeline.registration import cut_from_canvas, on_canvas
from napari_dip.progress import Monitor

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

    import torch
    from numpy.typing import NDArray

    from napari_dip.dip.loop import FitResult
    from napari_dip.dip.objective import Observation
    from napari_dip.dip.state import FitState
    from napari_dip.noise.domain import Domain
    from napari_dip.pipeline.block import Block
    from napari_dip.pipeline.cost_model import Costs
    from napari_dip.pipeline.precision import Arithmetic
    from napari_dip.pipeline.registration import Shifts
    from napari_dip.progress import Snapshot
    from napari_dip.settings import Task

__all__ = [
    "Align",
    "Context",
    "Data",
    "First",
    "PutBack",
    "Stabilise",
    "Step",
    "Unstabilise",
    "with_previews",
]


@dataclass(frozen=True)
class Context:
    """Where steps run, and who monitors them.

    Parameters
    ----------
    device, threads
        ``threads`` are those of one fit on the CPU; ``None`` for all.
    seed
        The seed of the block.
    monitor
        How the caller stops the fits and sees their previews.
    preview_every_s
        The least time in seconds between two previews.
    concurrency
        How many members of an ensemble are fitted at the same time.
    arithmetic
        The precision and memory order of the convolutions.
    member
        The number of the ensemble member, from 0.
    """

    device: torch.device
    seed: int
    arithmetic: Arithmetic
    monitor: Monitor = Monitor()
    preview_every_s: float = 1.0
    concurrency: int = 1
    threads: int | None = None
    member: int = 0

    @property
    def member_seed(self) -> int:
        """The seed of the ensemble member."""
        return derived_seed(self.seed, f"fit {self.member}")


@dataclass(frozen=True)
class First:
    """What was estimated without a network, in the intensities of the fit.

    Parameters
    ----------
    fine
        float32, ``(channels, *spatial)``.
    coarse
        The means of 2 x 2 pixels, where a filter has estimated them too.
    from_outside
        Of a blurred image, the light that its surroundings send into it, where that is estimated.
    """

    fine: NDArray[np.float32]
    coarse: NDArray[np.float32] | None = None
    from_outside: NDArray[np.float32] | None = None


@dataclass(frozen=True)
class Data:
    """A block on its way through the steps.

    Parameters
    ----------
    block
        What was observed.
    observation
        The same as tensors, in the intensities of the fit.
    first
        What was estimated without a network.
    estimate
        float32, ``(channels, *spatial)``.
    fits
        How each member ended.
    fit_state
        What is needed to continue the fit of the only member.
    """

    block: Block
    observation: Observation | None = None
    first: First | None = None
    estimate: NDArray[np.float32] | None = None
    fits: tuple[FitResult, ...] = ()
    fit_state: FitState | None = None

    @property
    def stopped_by_user(self) -> bool:
        """Whether a fit was interrupted."""
        return any(fitted.stopped_by_user for fitted in self.fits)


class Step(Protocol):
    """One step of a restoration."""

    @property
    def filter_passes(self) -> float:
        """How many times the step filters all pixels; 0 for a step that does not filter."""
        ...

    def run(self, data: Data, context: Context, /) -> Generator[Snapshot, None, Data]:
        """Run, and yield where the fit stands."""
        ...

    def preview(self, estimate: NDArray[np.float32], /) -> NDArray[np.float32]:
        """Convert a preview of an earlier step, as this step converts an estimate."""
        ...

    def seconds(self, shape: Sequence[int], costs: Costs, /) -> float:
        """Estimate the time for a block of ``(channels, *spatial)``."""
        ...

    def peak_bytes(self, shape: Sequence[int], precision: str, /) -> int:
        """Estimate the memory for a block of ``(channels, *spatial)``, in bytes."""
        ...

    def describe(self) -> str:
        """Describe the step in one sentence; empty for a step that changes nothing by itself."""
        ...


def with_previews(steps: Sequence[Step], context: Context) -> Iterator[tuple[Step, Context]]:
    """Pair each step with a context whose previews pass through the steps after it."""
    for number, step in enumerate(steps, start=1):
        through = partial(_preview, steps[number:])
        yield step, replace(context, monitor=context.monitor.through(through))


def _preview(steps: Sequence[Step], estimate: NDArray[np.float32]) -> NDArray[np.float32]:
    for step in steps:
        estimate = step.preview(estimate)
    return estimate


class Immediate:
    """A step without iterations; it defines ``apply``."""

    @property
    def filter_passes(self) -> float:
        """Do not filter."""
        return 0.0

    def apply(self, data: Data, context: Context, /) -> Data:
        """Return the data changed."""
        raise NotImplementedError

    def run(self, data: Data, context: Context, /) -> Generator[Snapshot, None, Data]:
        """Run without yielding anything."""
        yield from ()
        return self.apply(data, context)

    def preview(self, estimate: NDArray[np.float32], /) -> NDArray[np.float32]:
        """Leave a preview unchanged."""
        return estimate

    def seconds(self, shape: Sequence[int], costs: Costs, /) -> float:
        """Take no time worth an estimate."""
        return 0.0

    def peak_bytes(self, shape: Sequence[int], precision: str, /) -> int:
        """Take no memory worth an estimate."""
        return 0


@dataclass(frozen=True)
class Align(Immediate):
    """Put planes that moved on one canvas."""

    shifts: Shifts

    def apply(self, data: Data, context: Context, /) -> Data:
        """Put the block on the canvas."""
        return replace(data, block=on_canvas(data.block, self.shifts))

    def describe(self) -> str:
        """Name the largest shift."""
        return f"Align the planes, which lie up to {np.max(self.shifts)} pixels apart."


@dataclass(frozen=True)
class PutBack(Immediate):
    """Cut each plane from the canvas of :class:`Align`."""

    shifts: Shifts

    def apply(self, data: Data, context: Context, /) -> Data:
        """Cut the block and the estimate."""
        assert data.estimate is not None
        values, known = (self._cut(each) for each in (data.block.values, data.block.known))
        return replace(
            data,
            block=replace(data.block, values=values, known=known),
            estimate=self.preview(data.estimate),
        )

    def preview(self, estimate: NDArray[np.float32], /) -> NDArray[np.float32]:
        """Cut a preview."""
        return self._cut(estimate)

    def _cut(self, canvas: NDArray[Any]) -> NDArray[Any]:
        return cut_from_canvas(canvas, self.shifts)

    def describe(self) -> str:
        """Name the inverse of the alignment."""
        return "Move the planes back to their places."


@dataclass(frozen=True)
class Stabilise(Immediate):
    """Bring a block into the intensities of the fit, on the device.

    Parameters
    ----------
    domain
        The intensities: as they are, or after the variance-stabilising transform.
    task
        The task, which has an operator.
    factors
        How many times longer the result is than the block along each spatial axis.
    uses_noise
        Whether channels are weighted by their noise, and clipping is modelled.
    """

    domain: Domain
    task: Task
    factors: tuple[int, ...]
    uses_noise: bool = True

    def apply(self, data: Data, context: Context, /) -> Data:
        """Make the observation."""
        block, device = data.block, context.device
        operator = forward_operator(self.task, block.psf, self.factors, device)
        seen = observe(block, self.domain, operator, device, uses_noise=self.uses_noise)
        return replace(data, observation=seen)

    def describe(self) -> str:
        """Name the transform and the operator of the task, if there are any."""
        said = []
        if self.domain.is_stabilised:
            said.append("Stabilise the variance of the noise (generalised Anscombe transform).")
        if model := self.task.observation(self.factors):
            said.append(f"Model the image as {model}.")
        return " ".join(said)


@dataclass(frozen=True)
class Unstabilise(Immediate):
    """Bring an estimate back to the intensities of the block."""

    domain: Domain

    def apply(self, data: Data, context: Context, /) -> Data:
        """Invert the transform."""
        assert data.estimate is not None
        return replace(data, estimate=self.preview(data.estimate))

    def preview(self, estimate: NDArray[np.float32], /) -> NDArray[np.float32]:
        """Invert the transform of a preview."""
        return self.domain.inverse_transform(estimate)

    def describe(self) -> str:
        """Name the transform, if there is one."""
        if not self.domain.is_stabilised:
            return ""
        return "Invert the transform without bias (Mäkitalo and Foi 2013)."
