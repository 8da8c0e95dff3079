"""Restore all images of a folder or a plate, and print what became of each."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import typer

from napari_dip.cli.exit_codes import FAILED
from napari_dip.cli.restore_file import connect_workers, restore_file
from napari_dip.errors import BadSettings, NapariDipError
from napari_dip.plaintext import as_json, as_utf8, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from napari_dip.cli.options import RunOptions
    from napari_dip.cluster.pool import WorkerPool
    from napari_dip.files.folder_plan import FolderItem
    from napari_dip.files.folder_run import FileStatus
    from napari_dip.settings import Settings

__all__ = ["is_folder", "restore_folder"]


def is_folder(source: Path) -> bool:
    """Return whether a path is a folder of images, a plate, or a well of one."""
    if not source.is_dir():
        return False
    from napari_dip.files.ngff import is_zarr
    from napari_dip.files.plate import is_plate

    return not is_zarr(source) or is_plate(source)


def restore_folder(
    source: Path, output: Path, options: RunOptions, settings: Settings, **given: Any
) -> None:
    """Restore the images of a folder that are not done; an error does not end the run.

    Parameters
    ----------
    source, output, options, settings, **given
        As for :func:`~napari_dip.cli.restore_file.restore_file`.

    Raises
    ------
    NapariDipError
        If there is no image, or the output is not valid.
    typer.Exit
        If the user stopped the run, or an image failed.
    """
    from napari_dip.files.folder_plan import plan_folder
    from napari_dip.files.folder_run import restore_items

    if options.uncertainty is not None:
        raise BadSettings("--uncertainty names one file, and IN is a folder; restore file by file")
    plan = plan_folder(source, output, overwrite=options.overwrite, pattern=options.pattern or "")
    count = len(plan.items)
    sources = {item.name: item.source for item in plan.items}
    for note in plan.notes:
        _say(options, note)

    failed, skipped = [], 0
    several: list[str] = []
    files = given.get("mask"), given.get("psf")
    with _SharedWorkers(partial(connect_workers, options, settings)) as workers:

        def restore(item: FolderItem, *, resume: bool, overwrite: bool) -> None:
            _say(options, f"{plan.items.index(item) + 1} of {count}: {item.name}")
            one = replace(options, resume=resume, overwrite=overwrite)
            images = restore_file(
                *(item.source, item.output, one, settings),
                final=item.final,
                workers=workers.borrow,
                **given,
            )
            if images and options.series is None:
                several.append(item.name)

        for ended in restore_items(plan, settings, restore, *files, overwrite=options.overwrite):
            skipped += ended.status == "skipped"
            if options.as_json and ended.status != "restored":
                _print_status(ended, sources[ended.name])
            if workers.error is not None:
                raise workers.error
            if ended.status == "failed":
                typer.echo(plain(f"Error: {ended.name}: {ended.reason}"), err=True)
                failed.append(ended.name)
    if several:
        _say(
            options,
            f"Only the first image is restored of files with several: {_names(several)}. "
            "--series N restores another; give it another folder.",
        )
    done = f"{count - len(failed) - skipped} restored, {skipped} done before"
    if failed:
        names = _names(failed)
        begun = (
            f" {output} is written when all fields are complete; move a damaged one out of "
            f"{source} to leave it out."
            if plan.plate is not None
            else ""
        )
        typer.echo(
            plain(f"{done}, {len(failed)} failed: {names}.{begun} Run it again to go on."), err=True
        )
        raise typer.Exit(FAILED)
    _say(options, f"{done}. The results are in {output}.")


class _SharedWorkers:
    """Workers that are started for the first image, and are used for all.

    Parameters
    ----------
    start
        Starts them, or yields ``None`` if there are none.

    Attributes
    ----------
    error
        Why they could not be started: no other image can be restored either.
    """

    def __init__(self, start: Callable[[], AbstractContextManager[WorkerPool | None]]) -> None:
        self._start = start
        self._open = ExitStack()
        self._pool: WorkerPool | None = None
        self.error: NapariDipError | None = None

    def __enter__(self) -> _SharedWorkers:
        return self

    def __exit__(self, *error: object) -> None:
        self._open.close()

    @contextmanager
    def borrow(self) -> Iterator[WorkerPool | None]:
        """Provide the workers; those that were lost with an image are started again."""
        if self._pool is None or not self._pool.alive:
            self._open.close()
            try:
                self._pool = self._open.enter_context(self._start())
            except NapariDipError as error:
                self.error = error
                raise
        yield self._pool


def _print_status(ended: FileStatus, source: Path) -> None:
    """Print a record of an image that was not restored, with keys of one that was."""
    record = {
        "output": as_utf8(ended.output),
        "status": ended.status,
        "reason": ended.reason,
        "input": {"path": as_utf8(source.absolute())},
    }
    typer.echo(as_json(json.dumps(record)))


def _names(names: list[str]) -> str:
    return ", ".join(names[:5]) + (" …" if len(names) > 5 else "")


def _say(options: RunOptions, sentence: str) -> None:
    if not (options.quiet or options.as_json):
        typer.echo(plain(sentence), err=True)
