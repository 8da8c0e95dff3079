"""The command `napari-dip plan`: print the steps of a restoration without running it."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - typer evaluates the annotations
from inspect import Parameter, signature
from pathlib import Path  # noqa: TC003 - typer evaluates the annotations
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from pydantic_core import to_json

from napari_dip.cli.exit_codes import errors_as_exit_codes
from napari_dip.cli.options import RunOptions
from napari_dip.cli.task_options import (
    MaskAxes,
    MaskMarks,
    PsfFile,
    Series,
    SettingsFile,
    read_values,
    task_parameters,
)
from napari_dip.cli.with_options import with_settings_options
from napari_dip.plaintext import as_json, plain
from napari_dip.settings import TASKS

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["plan_command"]


def plan_command() -> Callable[..., None]:
    """Make the command, with the options of each registered task."""
    *others, last = TASKS
    task = Parameter(
        "task",
        Parameter.KEYWORD_ONLY,
        default=next(iter(TASKS)),
        annotation=Annotated[
            Literal[tuple(TASKS)],
            typer.Option(metavar="NAME", help=f"{', '.join(others)} or {last}."),
        ],
    )
    of_tasks = {
        parameter.name: parameter
        for spec in TASKS.values()
        for parameter in task_parameters(spec.settings)
    }
    image, *rest = [
        parameter
        for name, parameter in signature(plan, eval_str=True).parameters.items()
        if name not in ("task", "of_task", "changes")
    ]
    return with_settings_options(plan, [image, task, *of_tasks.values(), *rest])


@errors_as_exit_codes()
def plan(
    image: Annotated[
        Path, typer.Argument(metavar="IN", help="Image, as for the restoring commands.")
    ],
    *,
    task: str,
    mask: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Image of the missing pixels.")
    ] = None,
    mask_marks: MaskMarks = "missing",
    mask_axes: MaskAxes = None,
    psf: PsfFile = None,
    series: Series = None,
    settings: SettingsFile = None,
    uncertainty: Annotated[
        bool, typer.Option("--uncertainty", help="With the fits for the uncertainty.")
    ] = False,
    as_json_text: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    changes: Mapping[str, Any],
    **of_task: Any,
) -> None:
    """Print the measured noise, the steps, the time, and what is unusual in the image."""
    from napari_dip.assess.findings import findings
    from napari_dip.files.file_input import open_input
    from napari_dip.image.problem import make_problem
    from napari_dip.image.restoration_plan import plan_of

    options = RunOptions(settings=settings, changes=changes)
    requested = options.build(TASKS[task].settings, **read_values(of_task))
    # As in a run of the command line, whose --uncertainty decides and not the preset.
    requested = requested.replace(uncertainty=uncertainty)
    opened = open_input(
        image, requested, series=series, mask=mask, marks=mask_marks, mask_axes=mask_axes, psf=psf
    )
    problem = make_problem(
        opened.stored.image,
        opened.settings,
        opened.missing,
        opened.psf,
        psf_axes=None if opened.psf is None else opened.settings.spatial,
    )
    losses = () if problem.blur is None else problem.blur.losses
    for note in (*opened.notes, *losses):
        typer.echo(plain(note), err=True)
    planned, found = plan_of(problem), findings(problem)
    if not as_json_text:
        typer.echo(str(planned))
        if found:
            typer.echo(
                "\n".join(["Found in the image:", *(f" - {one}" for one in found.sentences())])
            )
        return
    record = {
        "parts": planned.parts,
        "noise": [noise.as_dict() for noise in planned.noise],
        "steps": list(planned.steps),
        "psf": planned.psf,
        "seconds": round(planned.seconds, 1),
        "device": planned.device,
        "findings": found.as_dict()["found"],
        "settings": opened.settings.model_dump(mode="json"),
    }
    typer.echo(as_json(to_json(record, inf_nan_mode="null").decode()))
