"""Make the command of a task from its row in the table."""

from __future__ import annotations

from inspect import Parameter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from napari_dip.cli.exit_codes import errors_as_exit_codes
from napari_dip.cli.restore_file import restore_file
from napari_dip.cli.restore_folder import is_folder, restore_folder
from napari_dip.cli.task_options import MaskAxes, MaskMarks, PsfFile, read_values, task_parameters
from napari_dip.cli.with_options import with_options
from napari_dip.errors import BadSettings

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_dip.cli.options import RunOptions
    from napari_dip.settings import TaskSpec

__all__ = ["task_command"]

Image = Annotated[
    Path,
    typer.Argument(metavar="IN", help="TIFF, OME-Zarr, PNG, JPEG, BMP; with bioio also CZI, ND2 …"),
]
Mask = Annotated[Path, typer.Argument(metavar="MASK", help="Image of the missing pixels.")]
Output = Annotated[
    Path, typer.Argument(metavar="OUT", help="File to write: .tif, .ome.tif, .zarr, .png.")
]


def task_command(spec: TaskSpec) -> Callable[..., None]:
    """Make the command of a task: its files, its settings, and the options of all commands.

    Parameters
    ----------
    spec
        The row of the task. Its summary is the help of the command.

    Examples
    --------
    >>> from inspect import signature
    >>> from napari_dip.settings import Inpaint
    >>> [*signature(task_command(Inpaint().spec)).parameters][:5]
    ['image', 'mask', 'output', 'mask_marks', 'mask_axes']
    """

    @errors_as_exit_codes()
    def command(image: Path, output: Path, *, options: RunOptions, **given: Any) -> None:
        masked = {name: given.pop(name) for name in ("mask", "mask_axes", "psf") if name in given}
        marks = given.pop("mask_marks", "missing")
        settings = options.build(spec.settings, **read_values(given))
        folder = is_folder(image)
        if options.pattern is not None and not folder:
            raise BadSettings(f"--pattern {options.pattern}: {image} is no folder; leave it out")
        restore = restore_folder if folder else restore_file
        restore(image, output, options, settings, marks=marks, **masked)

    command.__doc__ = spec.summary
    return with_options(command, _parameters(spec))


def _parameters(spec: TaskSpec) -> list[Parameter]:
    """Return the parameters of the files and of the task."""
    files = {"image": Image, **({"mask": Mask} if spec.needs_mask else {}), "output": Output}
    of_mask = [
        Parameter("mask_marks", Parameter.KEYWORD_ONLY, default="missing", annotation=MaskMarks),
        Parameter("mask_axes", Parameter.KEYWORD_ONLY, default=None, annotation=MaskAxes),
    ]
    return [
        *(
            Parameter(name, Parameter.POSITIONAL_OR_KEYWORD, annotation=one)
            for name, one in files.items()
        ),
        *(of_mask if spec.needs_mask else []),
        *task_parameters(spec.settings),
        Parameter("psf", Parameter.KEYWORD_ONLY, default=None, annotation=PsfFile),
    ]
