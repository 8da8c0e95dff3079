"""Restore simulated images as the image was, to learn how large the errors are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_dip.image.staged_fit import most_iterations
from napari_dip.image.standard_error import Replica, standard_error
from napari_dip.pipeline.block import derived_seed
from napari_dip.pipeline.conditions import mixes_pixels

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    import numpy as np
    from numpy.typing import NDArray

    from napari_dip.pipeline.block import Block
    from napari_dip.pipeline.restore_block import Restored
    from napari_dip.progress import Monitor, Snapshot
    from napari_dip.settings import Settings

    Fit = Callable[[Settings, Block, Monitor], Generator[Snapshot, None, Restored]]

__all__ = [
    "REPLICAS",
    "SENTENCE",
    "iterations_of_replicas",
    "restore_replicas",
    "settings_of_replica",
]

REPLICAS = 2
"""Restorations of simulated images: the first of the result, the second of the first."""

SENTENCE = "Restore two simulated images in the same way, to measure the uncertainty."
"""The step in the plan and in the report."""


def iterations_of_replicas(block: Block, settings: Settings, tiles: int) -> int:
    """Return the most iterations of all replicas; 0 if no uncertainty is wanted."""
    if not settings.gives_uncertainty:
        return 0
    return REPLICAS * most_iterations(block, settings_of_replica(settings, 0), tiles)


def restore_replicas(
    block: Block,
    settings: Settings,
    estimate: NDArray[np.float32],
    monitor: Monitor,
    fit: Fit,
) -> Generator[Snapshot, None, NDArray[np.float32] | None]:
    """Restore two simulated images, and return the standard error of each pixel of an estimate.

    Parameters
    ----------
    block, settings
        What was restored, and how. A replica is one fit, also if the estimate is a mean of several.
    estimate
        The restored block.
    monitor
        Its stop ends the replicas; they have no previews.
    fit
        Restores a block.

    Returns
    -------
    ndarray or None
        In the intensities of the block; ``None`` if a stop was requested before the end.
    """
    from napari_dip.pipeline.synthetic_block import synthetic_block

    monitor = monitor.through(lambda _: None)
    truth, replicas = estimate, []
    for number in range(REPLICAS):
        own = settings_of_replica(settings, number)
        simulated = synthetic_block(block, settings, truth, own.seed)
        restored = yield from fit(own, simulated, monitor)
        if restored.stopped_by_user:
            return None
        monitor = monitor.after(restored.iterations)
        replicas.append(Replica(truth, simulated, restored.estimate))
        truth = restored.estimate
    first, second = replicas
    blurred = block.psf is not None
    observes = not mixes_pixels(settings, blurred=blurred) and not settings.keeps_known
    return standard_error(block, first, second, observes_pixels=observes)


def settings_of_replica(settings: Settings, number: int) -> Settings:
    """Return the settings of one fit with a seed of its own."""
    fits = {} if settings.prior.network == "none" else {"members": 1}
    seed = derived_seed(settings.seed, f"replica {number}")
    return settings.replace(uncertainty=False, seed=seed, **fits)
