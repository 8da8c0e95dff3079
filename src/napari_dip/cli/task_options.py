"""Make the options of a task from its settings, for its command and for `plan`.

Names, types, defaults and help texts come from the fields of a
:class:`~napari_dip.settings.Task`; how some of them are shown is here.
"""

from __future__ import annotations

from dataclasses import dataclass
from inspect import Parameter
from pathlib import Path
from types import NoneType
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin

import typer

from napari_dip.cli.option_groups import INPUT, SWITCHES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_dip.settings import Task

__all__ = [
    "MaskAxes",
    "MaskMarks",
    "PsfFile",
    "RecordedMask",
    "RecordedPsf",
    "Series",
    "SettingsFile",
    "read_values",
    "task_parameters",
]

SettingsFile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE.json",
        help="Settings file; other options override it.",
        rich_help_panel=INPUT,
    ),
]

Series = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        show_default="0",
        help="Image to read from a file with several images.",
        rich_help_panel=INPUT,
    ),
]

MaskMarks = Annotated[
    Literal["missing", "known"],
    typer.Option(
        metavar="missing|known",
        help="What the non-zero pixels of the mask are: missing, as painted in napari, or known.",
        rich_help_panel=INPUT,
    ),
]

MaskAxes = Annotated[
    str | None,
    typer.Option(
        metavar="AXES",
        show_default="from the file",
        help="One letter of TCZYXQ for each axis of the mask, such as CYX.",
        rich_help_panel=INPUT,
    ),
]


PsfFile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Image of a bead, or another point spread function, whose blur is removed.",
    ),
]

RecordedMask = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Its mask, if it is no longer where it was."),
]

RecordedPsf = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="Its point spread function, if it is no longer where it was."
    ),
]


@dataclass(frozen=True)
class Shown:
    """How an option is shown, where its field does not say it.

    ``metavar`` is the placeholder of the value, ``default`` what is used if the option is left out,
    ``flags`` the two names of a switch.
    """

    metavar: str = ""
    default: str = ""
    flags: str = ""


SHOWN = {
    "factor": Shown("N|isotropic"),
    "axis": Shown(default="YX, with --ndim 3 all three"),
    "downsampler": Shown("NAME", "lanczos2, along Z gaussian"),
    "missing": Shown("NAME"),
    "modality": Shown(default="from the file, or widefield"),
    "na": Shown(default="from the file"),
    "wavelength": Shown("NM", "from the file"),
    "excitation": Shown("NM", "from the file"),
    "ri": Shown(default="from the file"),
    "sample_ri": Shown(default="that of the immersion"),
    "depth": Shown("UM"),
    "spherical": Shown("WAVES"),
    "astigmatism": Shown("WAVES"),
    "astigmatism_angle": Shown("DEGREES"),
    "estimate_aberrations": Shown(default="no", flags="--estimate-aberrations/--optics-as-given"),
    "sheet": Shown("UM", "none"),
    "pixel_size": Shown("UM", "from the file"),
    "z_step": Shown("UM", "from the file"),
    "fwhm": Shown("WIDTH", "none"),
    "keep_known": Shown(default="keep", flags="--keep-known/--smooth-known"),
    "match_noise": Shown(default="no"),
}
"""By the name of the option."""


def task_parameters(task: type[Task]) -> list[Parameter]:
    """Return one keyword parameter for each setting of a task, for typer.

    Examples
    --------
    >>> from napari_dip.settings import SuperResolve
    >>> [parameter.name for parameter in task_parameters(SuperResolve)]
    ['factor', 'axis', 'downsampler']
    """
    parameters = []
    for name, field in task.model_fields.items():
        if name == "kind":
            continue
        shown = SHOWN.get(name, Shown())
        kind = _type(field.annotation)
        default = shown.default or ("" if field.default is None else str(field.default))
        option = typer.Option(
            *([shown.flags] if shown.flags else []),
            metavar=shown.metavar or _metavar(kind),
            show_default=default or False,
            help=" ".join((field.description or "").split()),
            rich_help_panel=SWITCHES if kind is bool else None,
        )
        parameters.append(
            Parameter(
                name,
                Parameter.KEYWORD_ONLY,
                default=None,
                annotation=Annotated[Union[kind, None], option],  # noqa: UP007 - known at run time
            )
        )
    return parameters


def read_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """Read numbers of options that are words too; the settings check them.

    Examples
    --------
    >>> read_values({"factor": "4", "axis": None})
    {'factor': 4, 'axis': None}
    """
    return {name: _number(value) for name, value in values.items()}


def _type(annotation: Any) -> Any:
    """Return the type of an option: a choice, a number or a switch; else a text."""
    kinds = [kind for kind in _alternatives(annotation) if kind is not NoneType]
    if all(get_origin(kind) is Literal for kind in kinds):
        return Literal[tuple(choice for kind in kinds for choice in get_args(kind))]
    return kinds[0] if len(kinds) == 1 and kinds[0] in (bool, int, float) else str


def _alternatives(annotation: Any) -> tuple[Any, ...]:
    is_one = annotation in (bool, int, float, str) or get_origin(annotation) is Literal
    return (annotation,) if is_one else get_args(annotation)


def _metavar(kind: Any) -> str | None:
    if get_origin(kind) is Literal:
        return "|".join(get_args(kind))
    return "N" if kind in (int, float) else None


def _number(value: Any) -> Any:
    try:
        return int(value) if isinstance(value, str) else value
    except ValueError:
        return value
