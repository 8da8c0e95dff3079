"""Options that every restoring command has, and the settings that follow from them."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - typer evaluates the annotations
from dataclasses import dataclass, field
from pathlib import Path  # noqa: TC003 - typer evaluates the annotations
from typing import Annotated, Any

import typer

from napari_dip.cli.option_groups import INPUT, MACHINE, OUTPUT
from napari_dip.cli.settings_options import change_settings
from napari_dip.cli.task_options import Series, SettingsFile  # noqa: TC001 - for typer
from napari_dip.errors import BadSettings
from napari_dip.files.read_errors import read_small
from napari_dip.settings import Settings, Task

__all__ = ["RunOptions"]


@dataclass(frozen=True)
class RunOptions:
    """The options of a call.

    The fields are options that are not settings: files, workers, and what is printed. ``changes``
    holds the options of :mod:`~napari_dip.cli.settings_options`, by name; a value of ``None``
    leaves the setting to the settings file, or to the preset.
    """

    settings: SettingsFile = None
    uncertainty: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Also write half the width of the 90 % intervals; takes 3 times as long.",
            rich_help_panel=OUTPUT,
        ),
    ] = None
    series: Series = None
    pattern: Annotated[
        str | None,
        typer.Option(
            metavar="NAMES",
            show_default="all images",
            help="Which files count if IN is a folder, such as '*_ch1.tif'.",
            rich_help_panel=INPUT,
        ),
    ] = None
    workers: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Restore with N worker processes; with GPUs, one for each GPU.",
            rich_help_panel=MACHINE,
        ),
    ] = None
    scheduler: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Restore on a running dask cluster: tcp://HOST:PORT.",
            rich_help_panel=MACHINE,
        ),
    ] = None
    slurm: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.yaml",
            help="Restore on SLURM jobs: `jobs`, and the resources of each.",
            rich_help_panel=MACHINE,
        ),
    ] = None
    overwrite: Annotated[
        bool,
        typer.Option("--overwrite", help="Replace OUT if it exists.", rich_help_panel=OUTPUT),
    ] = False
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Resume an interrupted run of the same command; OUT is an OME-Zarr.",
            rich_help_panel=OUTPUT,
        ),
    ] = False
    pyramid: Annotated[
        bool,
        typer.Option(
            "--pyramid",
            help="Add smaller copies for viewers of large images; OUT is .ome.tif.",
            rich_help_panel=OUTPUT,
        ),
    ] = False
    keep_on_interrupt: Annotated[
        bool,
        typer.Option(
            "--keep-on-interrupt",
            help="On Ctrl-C, write the best result so far.",
            rich_help_panel=OUTPUT,
        ),
    ] = False
    as_json: Annotated[
        bool,
        typer.Option(
            "--json",
            help="Print only a record of the run, as JSON.",
            rich_help_panel=OUTPUT,
        ),
    ] = False
    quiet: Annotated[
        bool,
        typer.Option("--quiet", "-q", help="Print only errors.", rich_help_panel=OUTPUT),
    ] = False
    changes: Mapping[str, Any] = field(default_factory=dict)

    def build(self, task: type[Task], **options: Any) -> Settings:
        """Make settings: options override the settings file, which overrides the defaults.

        Parameters
        ----------
        task
            The task of the command.
        **options
            The task's own options; ``None`` if not given.

        Raises
        ------
        FileProblem, BadSettings
            If the settings file cannot be read or is for another task, or a value is not valid.
        """
        base = _read_settings(self.settings, task) if self.settings else Settings(task=task())
        given = {name: value for name, value in options.items() if value is not None}
        changed = task(**(dict(base.task) | given))
        return change_settings(base, {**self.changes, "task": changed})


def _read_settings(path: Path, task: type[Task]) -> Settings:
    try:
        settings = Settings.from_json(read_small(path))
    except BadSettings as error:
        raise BadSettings(f"{path}: {error}") from None
    if type(settings.task) is task:
        return settings
    if "task" in settings.model_fields_set:
        kind = settings.task.kind
        raise BadSettings(f"{path} is for {kind}; call `napari-dip {kind}` with it")
    return settings.replace(task=task())
