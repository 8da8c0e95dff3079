"""The command `napari-dip reproduce`: restore again, and compare with a result."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer evaluates the annotations
from typing import Annotated

import typer
from pydantic_core import to_json

from napari_dip.cli.exit_codes import FAILED, INTERRUPTED, errors_as_exit_codes
from napari_dip.cli.task_options import RecordedMask, RecordedPsf  # noqa: TC001 - for typer
from napari_dip.plaintext import as_json, plain

__all__ = ["reproduce"]


@errors_as_exit_codes()
def reproduce(
    result: Annotated[Path, typer.Argument(metavar="FILE", help="A result of napari-dip.")],
    *,
    source: Annotated[
        Path | None,
        typer.Option("--input", metavar="IN", help="Its input, if it is no longer where it was."),
    ] = None,
    mask: RecordedMask = None,
    psf: RecordedPsf = None,
    as_json_text: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print only the verdict.")] = False,
) -> None:
    """Restore again as the record of a result says, and compare. Nothing is written.

    Exit codes: 0 the same bytes, 1 other pixels, 2 wrong input or option.
    """
    from napari_dip.cli.console import follow, interruptible
    from napari_dip.files.reproduce import open_reproduction

    with interruptible(keep=False) as stop_requested:
        again = open_reproduction(result, source, mask, psf=psf)
        kind = again.problem.settings.task.kind
        silent = quiet or as_json_text
        try:
            restored = follow(
                lambda report: again.steps(stop_requested, report), kind, quiet=silent
            )
        except KeyboardInterrupt:
            raise KeyboardInterrupt("nothing was compared") from None
    if restored.stopped_by_user:
        raise typer.Exit(INTERRUPTED)
    found = again.compare(restored)
    if as_json_text:
        typer.echo(as_json(to_json(found.as_dict(), inf_nan_mode="null").decode()))
    else:
        typer.echo(plain(found))
    if not found.same:
        raise typer.Exit(FAILED)
