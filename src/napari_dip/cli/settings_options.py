"""Make command line options from the fields of `Settings`.

Names, types and defaults come from :class:`~napari_dip.settings.Settings`; the help text of each
option is here.
"""

from __future__ import annotations

from dataclasses import dataclass
from inspect import Parameter
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin

import typer

from napari_dip.cli.option_groups import INPUT, MACHINE, METHOD, OUTPUT, STACK, SWITCHES
from napari_dip.errors import BadSettings
from napari_dip.settings import NETWORKS, RULES, Settings

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["change_settings", "settings_parameters"]


@dataclass(frozen=True)
class Help:
    """Help for one option.

    ``metavar`` is the placeholder of the value; if empty, it is ``N`` or the choices. ``default``
    is shown in place of that of the setting. ``names`` replaces ``{names}`` in the text. ``group``
    is that in the help; ``None`` for the first one.
    """

    text: str
    metavar: str = ""
    default: str = ""
    names: Iterable[str] = ()
    group: str | None = None


HELP = {
    "preset": Help(
        "fast stops automatically; best averages several fits and takes several times as long; "
        "paper is the published method.",
        "NAME",
    ),
    "iterations": Help("Most iterations for one plane."),
    "noise": Help(
        "Standard deviation in grey values; or GAIN,OFFSET,READ of a camera in grey values; or "
        "gaussian, equal everywhere but unknown; or none; or auto, estimated from the image.",
        "NOISE",
    ),
    "bad_pixels": Help(
        "auto treats hot and dead pixels as missing; it may take sharp spots for them."
    ),
    "seed": Help("The same seed gives the same result."),
    "axes": Help(
        "One letter for each axis: T time, C channel, Z, Y, X, S colour, Q other; such as ZYX.",
        "LETTERS",
        "from the file",
        group=INPUT,
    ),
    "voxel": Help(
        "Voxel spacing in any one unit, such as 4,0.83,0.83; see --ndim and --axis.",
        "Z,Y,X",
        "from the file",
        group=INPUT,
    ),
    "dtype": Help("Data type of the output.", group=OUTPUT),
    "conserve_total": Help(
        "Give each plane the total intensity of the image.", default="no", group=SWITCHES
    ),
    "ndim": Help("3 restores a z-stack as one volume.", group=STACK),
    "share": Help(
        "Axis along which neighbouring planes share a network: Z, T, auto (Y with --axis Z) or "
        "none; C restores the channels of a plane jointly.",
        "AXIS",
        group=STACK,
    ),
    "window": Help(
        "Most planes that share a network; 1 restores each plane by itself.", group=STACK
    ),
    "context": Help("Further planes that a network sees on each side.", default="0", group=STACK),
    "device": Help("auto, cpu, cuda, cuda:N or mps.", "NAME", group=MACHINE),
    "memory": Help("Most memory to use, such as 4GB.", "SIZE", "free memory", group=MACHINE),
    "tile": Help(
        "Side of the tiles of a large plane, in pixels.",
        default="as memory allows",
        group=MACHINE,
    ),
    "overlap": Help("Overlap of neighbouring tiles, in pixels.", group=MACHINE),
    "at_once": Help(
        "Planes, or fits of a single plane, to compute concurrently.",
        default="one per thread",
        group=MACHINE,
    ),
    "members": Help("Number of fits to average.", group=METHOD),
    "refinement": Help(
        "Passes of the non-local Bayes filter after the fit; 0 is the network alone.",
        group=METHOD,
    ),
    "network": Help("Network to fit: {names}.", "NAME", names=NETWORKS, group=METHOD),
    "stopping": Help("Stopping rule: {names}.", "RULE", names=RULES, group=METHOD),
}
"""Settings that have an option of the same name; ``network`` is ``prior.network``."""


def settings_parameters() -> list[Parameter]:
    """Return one keyword parameter for each option, for typer.

    Examples
    --------
    >>> [parameter.name for parameter in settings_parameters()][:3]
    ['preset', 'iterations', 'noise']
    """
    return [
        Parameter(
            name,
            Parameter.KEYWORD_ONLY,
            default=None,
            annotation=Annotated[
                Union[kind, None],  # noqa: UP007 - a type that is known only at run time
                typer.Option(
                    metavar=shown.metavar or _metavar(name, kind),
                    show_default=shown.default or _default(name) or False,
                    help=shown.text.replace("{names}", ", ".join(shown.names)),
                    rich_help_panel=shown.group,
                ),
            ],
        )
        for name, shown in HELP.items()
        for kind in (_type(name),)
    ]


def _type(name: str) -> Any:
    """Return the type of an option; typer reads numbers and choices, settings check the rest."""
    match name:
        case "noise" | "voxel" | "network" | "stopping":
            return str
        case "ndim":
            return int
    annotation = Settings.model_fields[name].annotation
    kinds = [kind for kind in get_args(annotation) if kind is not type(None)]
    return annotation if get_origin(annotation) is Literal or not kinds else kinds[0]


def _metavar(name: str, kind: Any) -> str | None:
    if kind is bool:
        return None
    choices = get_args(Settings.model_fields[name].annotation)
    is_choice = get_origin(kind) is Literal or name == "ndim"
    return "|".join(map(str, choices)) if is_choice else "N"


def _default(name: str) -> str:
    field = Settings.model_fields.get(name)
    return "" if field is None or field.default is None else str(field.default)


def change_settings(base: Settings, options: Mapping[str, Any]) -> Settings:
    """Replace settings by the options that are given.

    Parameters
    ----------
    base
        Settings of a file, or the defaults.
    options
        Values by the names of the options; ``None`` leaves a setting unchanged.

    Raises
    ------
    BadSettings
        If a value is not valid.

    Examples
    --------
    >>> change_settings(Settings(), {"noise": "2,100,3.5", "seed": None}).noise
    SensorNoise(gain=2.0, offset=100.0, read=3.5)
    """
    changes = {name: value for name, value in options.items() if value is not None}
    if "voxel" in changes:
        changes["voxel"] = _read_voxel(changes["voxel"])
    if "noise" in changes:
        changes["noise"] = _read_noise(changes["noise"])
    if "network" in changes:
        changes["prior"] = dict(base.prior) | {"network": changes.pop("network")}
    if base.stopping is not None and base.stopping.rule == changes.get("stopping"):
        del changes["stopping"]  # keeps the numbers that the file has for this rule
    return base.replace(**changes)


def _read_voxel(text: str) -> tuple[float, ...]:
    """Read three numbers; the settings check that they are positive."""
    try:
        z, y, x = (float(part) for part in text.split(","))
    except ValueError:
        raise BadSettings(
            f"voxel={text!r}: give Z,Y,X, three numbers with commas, such as 4,0.83,0.83"
        ) from None
    return z, y, x


def _read_noise(text: str) -> float | str | dict[str, float]:
    """Read one number or three; the settings check a word."""
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        return text
    if len(numbers) == 1:
        return numbers[0]
    if len(numbers) != 3:
        raise BadSettings(f"noise={text!r}: give GAIN,OFFSET,READ, three numbers with commas")
    return dict(zip(("gain", "offset", "read"), numbers, strict=True))
