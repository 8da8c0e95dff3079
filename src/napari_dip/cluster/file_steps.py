"""Restore a file in this process, or on the workers if there are any."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_dip.cluster.pool import WorkerPool
    from napari_dip.files.file_run import FileRun
    from napari_dip.image.restore import Restoration
    from napari_dip.progress import Report

__all__ = ["file_steps"]


def file_steps(
    run: FileRun,
    pool: WorkerPool | None,
    stop_requested: Callable[[], bool],
    report: Report,
) -> Restoration:
    """Restore the units of a file that are not complete; no snapshot shows one in progress.

    Parameters
    ----------
    run
        The restoration, from :func:`~napari_dip.files.file_run.open_run`.
    pool
        The workers; ``None`` restores in this process.
    stop_requested, report
        As for :func:`napari_dip.restore`; workers report no stages.
    """
    if pool is None:
        return run.steps(stop_requested, report)
    from napari_dip.cluster.restoration import restore_on_cluster  # it needs dask

    return restore_on_cluster(
        run.problem,
        run.output,
        pool.client,
        stop_requested=stop_requested,
        threads=pool.threads,
        previews=False,
    )
