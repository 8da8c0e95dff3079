"""Restore image files in a worker thread."""

from __future__ import annotations

import logging
import traceback
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from napari_dip.errors import NapariDipError, OutputExists
from napari_dip.plugin.controllers.channel import WorkerChannel
from napari_dip.plugin.controllers.worker import SCHEDULER_TIMEOUT_S
from napari_dip.plugin.models.stage_progress import StageProgress

if TYPE_CHECKING:
    from collections.abc import Generator

    from napari_dip.cluster.pool import WorkerPool
    from napari_dip.files.folder_plan import FolderItem
    from napari_dip.files.folder_run import FileStatus
    from napari_dip.plugin.models.file_job import FileJob

__all__ = ["FileChannel", "deep_image_prior_of_files"]

logger = logging.getLogger(__name__)


@dataclass(eq=False)
class FileChannel(WorkerChannel):
    """Data that the worker thread of files and the main thread share.

    Attributes
    ----------
    current
        The image in progress; ``None`` while results are looked for.
    ended
        What became of the images so far.
    interrupted
        The image that a stop has interrupted.
    notes
        What was noticed while an image was read and written, by its name.
    """

    current: FolderItem | None = None
    ended: list[FileStatus] = field(default_factory=list)
    interrupted: FolderItem | None = None
    notes: dict[str, list[str]] = field(default_factory=dict)

    def begin(self, item: FolderItem) -> None:
        """Set the image in progress."""
        self.progress = StageProgress()
        self.progress.report("reading")
        self.notes[item.name] = []
        self.current = item


class _StoppedByUser(Exception):
    """The user stopped the run; not an error of an image."""


def deep_image_prior_of_files(job: FileJob, channel: FileChannel) -> Generator[None, None, None]:
    """Restore the images of a job that are not done; the channel gets what became of each.

    An image that fails does not end the run. A stop ends it at the next iteration: the result of
    the image in progress is not written, unless it is an OME-Zarr, which can be resumed.
    """
    try:
        yield from _restore(job, channel)
    except _StoppedByUser:
        pass
    except (NapariDipError, OSError) as error:
        channel.failure = str(error)
    except Exception as error:  # noqa: BLE001 - every error must reach the user
        logger.error("%s", "".join(traceback.format_exception(error)))
        channel.failure = f"The batch failed ({type(error).__name__}: {error})."


def _restore(job: FileJob, channel: FileChannel) -> Generator[None, None, None]:
    # Here, in the worker thread, because loading torch takes seconds.
    from napari_dip.cluster.connect import connect
    from napari_dip.files.folder_run import restore_items

    compute = job.compute
    with connect(
        job.settings.device,
        compute.workers,
        compute.scheduler,
        timeout_s=SCHEDULER_TIMEOUT_S,
        stop_requested=channel.stop_requested,
    ) as pool:

        def restore(item: FolderItem, *, resume: bool, overwrite: bool) -> None:
            if channel.stop_requested():
                raise _StoppedByUser
            channel.begin(item)
            try:
                _restore_image(job, channel, pool, item, resume=resume, overwrite=overwrite)
            except _StoppedByUser:
                channel.interrupted = item
                raise
            except (NapariDipError, OSError, MemoryError):
                raise
            except Exception as error:
                logger.exception("the restoration of %s failed", item.source)
                raise NapariDipError(
                    f"unexpected error ({type(error).__name__}: {error}); report it with the text "
                    "in the terminal"
                ) from None
            finally:
                channel.current = None

        files = job.files.get("mask"), job.files.get("psf")
        steps = restore_items(job.plan, job.settings, restore, *files, overwrite=job.overwrite)
        for status in steps:
            channel.ended.append(status)
            yield
            if channel.stop_requested():
                return


def _restore_image(
    job: FileJob,
    channel: FileChannel,
    pool: WorkerPool | None,
    item: FolderItem,
    *,
    resume: bool,
    overwrite: bool,
) -> None:
    from napari_dip.cluster.file_steps import file_steps
    from napari_dip.files.file_run import open_run
    from napari_dip.generators import finished

    notes = channel.notes[item.name]
    channel.progress.report("noise")
    try:
        run = open_run(
            item.source,
            item.output,
            job.settings,
            overwrite=overwrite,
            resume=resume,
            device=pool.device if pool else None,
            **job.files,
        )
    except OutputExists:
        raise OutputExists(
            "a result of another image or with other settings exists: check Replace older "
            "results, or choose another folder"
        ) from None
    with closing(run):
        notes += run.notes
        steps = file_steps(run, pool, channel.stop_requested, channel.progress.report)
        result = finished(steps, channel.progress.add)
        if result.stopped_by_user:
            raise _StoppedByUser
        channel.progress.report("saving")
        notes += run.write(result)
