"""The command `napari-dip assess`: what can be said about a result without the truth."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer evaluates the annotations
from typing import Annotated

import typer
from pydantic_core import to_json

from napari_dip.cli.exit_codes import errors_as_exit_codes
from napari_dip.cli.task_options import RecordedMask, RecordedPsf  # noqa: TC001 - for typer
from napari_dip.plaintext import as_json, plain

__all__ = ["assess"]


@errors_as_exit_codes()
def assess(
    source: Annotated[Path, typer.Argument(metavar="IN", help="The input of the result.")],
    result: Annotated[Path, typer.Argument(metavar="OUT", help="A result of napari-dip.")],
    *,
    report: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write a report: .html or .json; replaces the file."),
    ] = None,
    mask: RecordedMask = None,
    psf: RecordedPsf = None,
    uncertainty: Annotated[
        bool, typer.Option("--uncertainty", help="Estimate the error of each pixel; takes longer.")
    ] = False,
    resolution: Annotated[
        bool, typer.Option("--resolution", help="Estimate the resolution; takes longer.")
    ] = False,
    invented: Annotated[
        bool, typer.Option("--invented", help="Search for invented structure; takes longer.")
    ] = False,
    as_json_text: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Tell what can be said about a result without the truth, and write a report for a paper."""
    from napari_dip.assess.report import check_report_name
    from napari_dip.files.assess_file import assess_file
    from napari_dip.files.file_conflicts import files_of, refuse_conflicts

    if report is not None:
        check_report_name(report)
        given = (file for file in (source, result, mask, psf) if file is not None)
        refuse_conflicts({"--report": report}, [one for file in given for one in files_of(file)])
    made = assess_file(
        source,
        result,
        mask=mask,
        psf=psf,
        uncertainty=uncertainty,
        resolution=resolution,
        invented=invented,
    )
    if report is not None:
        made.write(report)
    if as_json_text:
        content = made.assessment.as_dict()
        typer.echo(as_json(to_json(content, inf_nan_mode="null").decode()))
        return
    for line in str(made.assessment).splitlines():
        typer.echo(plain(line))
    if report is not None:
        typer.echo(plain(f"Wrote {report}."))
