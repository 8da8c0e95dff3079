"""The command `napari-dip plan`: print the steps of a restoration without running it."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - typer evaluates the annotations
from pathlib import Path  # noqa: TC003 - typer evaluates the annotations
from typing import Annotated, Any, Literal

import typer
from pydantic_core import to_json

from napari_dip.cli.exit_codes import errors_as_exit_codes
from napari_dip.cli.options import RunOptions, TaskClass
from napari_dip.cli.task_options import (
    Artefact,
    Axis,
    Downsampling,
    Factor,
    GapType,
    KeepKnown,
    MaskAxes,
    MaskMarks,
    Series,
    SettingsFile,
    read_factor,
)
from napari_dip.cli.with_options import with_settings_options
from napari_dip.plaintext import as_json, plain
from napari_dip.settings import Denoise, Inpaint, SuperResolve

__all__ = ["plan"]

TASKS: dict[str, TaskClass] = {
    "denoise": Denoise,
    "super-resolve": SuperResolve,
    "inpaint": Inpaint,
}


@with_settings_options
@errors_as_exit_codes()
def plan(
    image: Annotated[
        Path, typer.Argument(metavar="IN", help="Image, as for the restoring commands.")
    ],
    *,
    task: Annotated[
        Literal["denoise", "super-resolve", "inpaint"],
        typer.Option(metavar="NAME", help="denoise, super-resolve or inpaint."),
    ] = "denoise",
    artefact: Artefact = None,
    factor: Factor = None,
    axis: Axis = None,
    downsampler: Downsampling = None,
    missing: GapType = None,
    keep_known: KeepKnown = None,
    mask: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Image of the missing pixels.")
    ] = None,
    mask_marks: MaskMarks = "missing",
    mask_axes: MaskAxes = None,
    series: Series = None,
    settings: SettingsFile = None,
    as_json_text: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    changes: Mapping[str, Any],
) -> None:
    """Print the measured noise, the steps and the expected time of a restoration."""
    from napari_dip.files.file_input import open_input
    from napari_dip.image.problem import make_problem
    from napari_dip.image.restoration_plan import plan_of

    of_task = {
        "artefact": artefact,
        "factor": read_factor(factor),
        "axis": axis,
        "downsampler": downsampler,
        "missing": missing,
        "keep_known": keep_known,
    }
    requested = RunOptions(settings=settings, changes=changes).build(TASKS[task], **of_task)
    opened = open_input(
        image, requested, series=series, mask=mask, marks=mask_marks, mask_axes=mask_axes
    )
    problem = make_problem(opened.stored.image, opened.settings, opened.missing, None)
    for note in opened.notes:
        typer.echo(plain(note), err=True)
    planned = plan_of(problem)
    if not as_json_text:
        typer.echo(str(planned))
        return
    record = {
        "parts": planned.parts,
        "noise": [noise.as_dict() for noise in planned.noise],
        "steps": list(planned.steps),
        "seconds": round(planned.seconds, 1),
        "device": planned.device,
        "settings": opened.settings.model_dump(mode="json"),
    }
    typer.echo(as_json(to_json(record, inf_nan_mode="null").decode()))
