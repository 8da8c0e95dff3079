"""Restore one file: check, restore, write, and print where the result is."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Literal

import typer
from pydantic_core import to_json

from napari_dip.cli.exit_codes import INTERRUPTED
from napari_dip.image.plan_text import in_a_sentence, incomplete, outcome, summary
from napari_dip.plaintext import as_json, as_utf8, plain

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from napari_dip.cli.options import RunOptions
    from napari_dip.cluster.pool import WorkerPool
    from napari_dip.files.file_run import FileRun
    from napari_dip.image.restore import Result
    from napari_dip.settings import Settings

__all__ = ["connect_workers", "restore_file"]


def restore_file(
    source: Path,
    output: Path,
    options: RunOptions,
    settings: Settings,
    *,
    mask: Path | None = None,
    marks: Literal["missing", "known"] = "missing",
    mask_axes: str | None = None,
    psf: Path | None = None,
    final: Path | None = None,
    workers: Callable[[], AbstractContextManager[WorkerPool | None]] | None = None,
) -> int:
    """Restore a file as the command line asks.

    Parameters
    ----------
    source, output
        Files, or folders of OME-Zarr.
    options
        Options of the command line.
    settings
        What to do.
    mask, marks, mask_axes
        File of a mask, what its non-zero pixels are, and one letter for each of its axes.
    psf
        File of a point spread function.
    final
        Where the result is moved to later, if not to `output`.
    workers
        Provides workers while the file is restored; ``None`` starts those of the options.

    Returns
    -------
    int
        How many images the file holds, of which one was restored; 0 if there is no other.

    Raises
    ------
    NapariDipError
        If the files, the image or the settings are not valid, or the run fails.
    typer.Exit
        If the user stopped the run, and its best result so far is written.
    """
    from napari_dip.cli.console import follow, interruptible
    from napari_dip.cluster.file_steps import file_steps
    from napari_dip.files.file_run import open_run

    def say(sentence: str) -> None:
        if not (options.quiet or options.as_json):
            typer.echo(plain(sentence), err=True)

    with (
        interruptible(options.keep_on_interrupt) as stop_requested,
        (workers or partial(connect_workers, options, settings))() as pool,
        ExitStack() as closing,
    ):
        run = open_run(
            source,
            output,
            settings,
            series=options.series,
            mask=mask,
            marks=marks,
            mask_axes=mask_axes,
            psf=psf,
            uncertainty=options.uncertainty,
            overwrite=options.overwrite,
            resume=options.resume,
            pyramid=options.pyramid,
            device=pool.device if pool else None,
            reads=[file for file in (options.settings, options.slurm) if file],
            say=say,
        )
        closing.callback(run.close)
        for note in (*run.notes, *(pool.notes if pool else ())):
            say(note)
        say(in_a_sentence(source, run.problem, str(pool) if pool else None))
        if stop_requested():
            raise KeyboardInterrupt(
                run.describe_unfinished()
            )  # no iteration is done, so there is no result
        begin = partial(file_steps, run, pool, stop_requested)
        try:
            result = follow(begin, settings.task.kind, quiet=options.quiet)
        except KeyboardInterrupt:
            raise KeyboardInterrupt(run.describe_unfinished()) from None
        except Exception as error:
            error.add_note(run.describe_unfinished())
            raise
        for note in run.write(result):
            say(note)

    try:
        _print_outcome(run, result, final or output, options)
    except OSError as error:
        error.add_note(f"{run.place} was written")
        raise
    if result.stopped_by_user:
        raise typer.Exit(INTERRUPTED)
    return len(run.stored.images)


def connect_workers(
    options: RunOptions, settings: Settings
) -> AbstractContextManager[WorkerPool | None]:
    """Provide the workers of the options; ``None`` if they name none."""
    from napari_dip.cluster.connect import connect

    return connect(settings.device, options.workers, options.scheduler, options.slurm)


def _print_outcome(run: FileRun, result: Result, output: Path, options: RunOptions) -> None:
    """Print where the result is, as text or as JSON."""
    place = output if run.place == run.path else run.place
    if options.as_json:
        record = {
            "output": as_utf8(output),
            "status": "restored",
            "notes": [plain(note) for note in run.notes],
            **summary(run.restored(result), result),
            **result.provenance(),
        }
        typer.echo(as_json(to_json(record, inf_nan_mode="null").decode()))
    elif not options.quiet:
        typer.echo(plain(outcome(place, result)))
        if options.uncertainty is not None and not result.stopped_by_user:
            typer.echo(plain(f"Wrote {options.uncertainty}: half the width of the 90 % intervals."))
    if warning := incomplete(place, result):  # printed even with --quiet
        typer.echo(plain(warning), err=True)
