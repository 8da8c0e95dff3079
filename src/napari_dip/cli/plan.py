"""The command `napari-dip plan`: print the steps of a restoration without running it."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - typer evaluates the annotations
from pathlib import Path  # noqa: TC003 - typer evaluates the annotations
from typing import Annotated, Any, Literal

import typer
from pydantic_core import to_json

from napari_dip.cli.exit_codes import errors_as_exit_codes
from napari_dip.cli.options import RunOptions, TaskClass
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
    factor: Annotated[
        int | None, typer.Option(metavar="N", help="Factor of super-resolve, 2 to 8.")
    ] = None,
    axis: Annotated[
        Literal["YX", "Z"] | None, typer.Option(metavar="YX|Z", help="Axes that it refines.")
    ] = None,
    mask: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Image of the missing pixels.")
    ] = None,
    series: Annotated[
        int | None, typer.Option(metavar="N", help="Image to read from a file with several.")
    ] = None,
    settings: Annotated[
        Path | None,
        typer.Option(metavar="FILE.json", help="Settings file; other options override it."),
    ] = None,
    as_json_text: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    changes: Mapping[str, Any],
) -> None:
    """Print the measured noise, the steps and the expected time of a restoration."""
    from napari_dip.files.file_input import open_input
    from napari_dip.image.problem import make_problem
    from napari_dip.image.restoration_plan import plan_of

    own = {"factor": factor, "axis": axis}
    asked = RunOptions(settings=settings, changes=changes).build(TASKS[task], **own)
    given = open_input(image, asked, series=series, mask=mask)
    problem = make_problem(given.stored.image, given.settings, given.missing, None)
    for note in given.notes:
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
        "settings": given.settings.model_dump(mode="json"),
    }
    typer.echo(as_json(to_json(record, inf_nan_mode="null").decode()))
