"""The options that every restoring command understands, and the settings they make."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path  # noqa: TC003 - typer evaluates the annotations
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

import typer

from napari_dip.errors import BadSettings
from napari_dip.files.read_errors import read_small
from napari_dip.settings import Denoise, Inpaint, NetworkName, PresetName, Settings, SuperResolve

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["RunOptions"]

TaskClass = type[Denoise | SuperResolve | Inpaint]
Rule = Literal["consensus", "fixed", "es-wmv", "es-emv", "held-out", "discrepancy"]


def _choices(of: Any) -> str:
    return ", ".join(get_args(of))


@dataclass(frozen=True)
class RunOptions:
    """What was typed; ``None`` leaves it to the settings file, or else to the preset."""

    settings: Annotated[
        Path | None,
        typer.Option(metavar="FILE.json", help="Settings to begin with; other options win."),
    ] = None
    preset: Annotated[
        PresetName | None,
        typer.Option(
            metavar="NAME",
            show_default="fast",
            help="fast stops by itself; best averages several fits and takes several times as "
            "long; paper is the method as published.",
        ),
    ] = None
    iterations: Annotated[
        int | None, typer.Option(metavar="N", help="The most iterations for one plane.")
    ] = None
    noise: Annotated[
        str | None,
        typer.Option(
            metavar="NOISE",
            show_default="auto",
            help="Its standard deviation in grey values; or a camera's GAIN,OFFSET,READ in grey "
            "values; or gaussian, the same everywhere but not known; or none; or auto, estimated.",
        ),
    ] = None
    members: Annotated[
        int | None,
        typer.Option(metavar="N", help="Fits that are averaged; their spread is --uncertainty."),
    ] = None
    refinement: Annotated[
        int | None,
        typer.Option(metavar="N", help="Passes of the filter that puts texture back, 0 for none."),
    ] = None
    uncertainty: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Write the standard deviation of the fits, too; see --members."
        ),
    ] = None
    network: Annotated[
        NetworkName | None,
        typer.Option(metavar="NAME", help=f"Another prior: {_choices(NetworkName)}."),
    ] = None
    stopping: Annotated[
        Rule | None,
        typer.Option(metavar="RULE", help=f"What says when it is enough: {_choices(Rule)}."),
    ] = None
    ndim: Annotated[
        int | None,
        typer.Option(metavar="2|3", show_default="2", help="3 takes a z-stack as one volume."),
    ] = None
    voxel: Annotated[
        str | None,
        typer.Option(
            metavar="Z,Y,X",
            show_default="as the file says",
            help="Sizes of a voxel in any one unit, such as 4,0.83,0.83; see --ndim and --axis.",
        ),
    ] = None
    share: Annotated[
        Literal["auto", "none", "Z", "T", "C"] | None,
        typer.Option(
            metavar="AXIS",
            show_default="auto",
            help="Along which axis neighbouring planes share a network: Z, T, auto (Y for "
            "--axis Z) or none; or C, the channels of a plane.",
        ),
    ] = None
    window: Annotated[
        int | None,
        typer.Option(metavar="N", help="Planes that share a network, at most; 1 for none."),
    ] = None
    context: Annotated[
        int | None,
        typer.Option(
            metavar="N", show_default="0", help="Planes more on either side that a window sees."
        ),
    ] = None
    tile: Annotated[
        int | None,
        typer.Option(
            metavar="N", show_default="as memory allows", help="Side of the tiles of a large plane."
        ),
    ] = None
    overlap: Annotated[
        int | None,
        typer.Option(metavar="N", show_default="32", help="Pixels that neighbouring tiles share."),
    ] = None
    memory: Annotated[
        str | None,
        typer.Option(
            metavar="SIZE", show_default="what is free", help="Most memory to take, such as 4GB."
        ),
    ] = None
    at_once: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            show_default="one a thread",
            help="Planes, or else fits of a single one, that are computed at the same time.",
        ),
    ] = None
    axes: Annotated[
        str | None,
        typer.Option(
            metavar="LETTERS",
            show_default="as the file says",
            help="One for each axis: T time, C channel, Z, Y, X, S colour, Q other; e.g. ZYX.",
        ),
    ] = None
    series: Annotated[
        int | None,
        typer.Option(
            metavar="N", show_default="0", help="Which image of a file that holds several."
        ),
    ] = None
    dtype: Annotated[
        Literal["keep", "float32"] | None,
        typer.Option(metavar="keep|float32", show_default="keep", help="The type of the output."),
    ] = None
    seed: Annotated[
        int | None,
        typer.Option(metavar="N", show_default="0", help="Same seed, same result."),
    ] = None
    device: Annotated[
        str | None,
        typer.Option(metavar="NAME", show_default="auto", help="auto, cpu, cuda, cuda:N or mps."),
    ] = None
    workers: Annotated[
        int | None,
        typer.Option(metavar="N", help="Restore with N processes at once; on GPUs one for each."),
    ] = None
    scheduler: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS", help="Restore on a running cluster of dask: tcp://HOST:PORT."
        ),
    ] = None
    slurm: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.yaml", help="Restore on jobs of SLURM: `jobs`, and what each has."
        ),
    ] = None
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace OUT if it exists.")] = (
        False
    )
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Go on with what the same command left in OUT, an OME-Zarr."),
    ] = False
    keep_on_interrupt: Annotated[
        bool, typer.Option("--keep-on-interrupt", help="On Ctrl-C, write the best so far.")
    ] = False
    as_json: Annotated[
        bool, typer.Option("--json", help="Print a record of the run as JSON, nothing else.")
    ] = False
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print errors alone.")] = False

    def build(self, task: TaskClass, **asked: Any) -> Settings:
        """Lay the options over the settings file, and both over the defaults.

        Parameters
        ----------
        task
            What the command does.
        **asked
            The task's own options; ``None`` where one was not given.

        Raises
        ------
        FileProblem, BadSettings
            If the settings file cannot be read, or is for another task; if a value is no good.
        """
        base = _read_settings(self.settings, task) if self.settings else Settings(task=task())
        names = (
            "preset",
            "iterations",
            "members",
            "refinement",
            "ndim",
            "share",
            "window",
            "context",
            "tile",
            "overlap",
            "memory",
            "at_once",
            "axes",
            "dtype",
            "seed",
            "device",
        )
        changes = _given({name: getattr(self, name) for name in names})
        changes["task"] = task(**(dict(base.task) | _given(asked)))
        if self.voxel is not None:
            changes["voxel"] = _sizes(self.voxel)
        if self.noise is not None:
            changes["noise"] = _noise(self.noise)
        if self.network is not None:
            changes["prior"] = dict(base.prior) | {"network": self.network}
        if self.stopping is not None and (
            base.stopping is None or base.stopping.rule != self.stopping
        ):
            changes["stopping"] = self.stopping
        return base.replace(**changes)


def _read_settings(path: Path, task: TaskClass) -> Settings:
    try:
        settings = Settings.from_json(read_small(path))
    except BadSettings as error:
        raise BadSettings(f"{path}: {error}") from None
    if isinstance(settings.task, task):
        return settings
    if "task" in settings.model_fields_set:
        raise BadSettings(f"{path} is for {settings.task.kind}; call that command with it")
    return settings.replace(task=task())


def _given(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def _sizes(text: str) -> tuple[float, ...]:
    """Read three numbers; that they are above 0 is the settings' affair."""
    try:
        z, y, x = (float(part) for part in text.split(","))
    except ValueError:
        raise BadSettings(
            f"voxel={text!r}: give Z,Y,X, three numbers with commas, such as 4,0.83,0.83"
        ) from None
    return z, y, x


def _noise(text: str) -> float | str | dict[str, float]:
    """Read a number, three numbers, or leave a word to the settings."""
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        return text
    if len(numbers) == 1:
        return numbers[0]
    if len(numbers) != 3:
        raise BadSettings(f"noise={text!r}: give GAIN,OFFSET,READ, three numbers with commas")
    return dict(zip(("gain", "offset", "read"), numbers, strict=True))
