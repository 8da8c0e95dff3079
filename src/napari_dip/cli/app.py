"""Define the command `napari-dip` and its subcommands."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from napari_dip.cli.assess_command import assess
from napari_dip.cli.exit_codes import errors_as_exit_codes
from napari_dip.cli.option_groups import Command, Group
from napari_dip.cli.plan_command import plan_command
from napari_dip.cli.reproduce_command import reproduce
from napari_dip.cli.task_command import task_command
from napari_dip.errors import NapariDipError
from napari_dip.extensions import load_extensions
from napari_dip.image.plan_text import gigabytes
from napari_dip.settings import TASKS

__all__ = ["app", "make_app"]


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"napari-dip {version('napari-dip')}")
        raise typer.Exit


@errors_as_exit_codes()
def info(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show versions, devices, their memory, and the fastest arithmetic of each."""
    import platform

    from napari_dip.compute.device import devices
    from napari_dip.pipeline.precision import benchmark_side, calibrate

    packages = ("napari-dip", "torch", "numpy", "scipy", "scikit-image", "tifffile")
    versions = {"python": platform.python_version()} | {name: version(name) for name in packages}
    found = [vars(device) | {"arithmetic": asdict(calibrate(device.name))} for device in devices()]
    if as_json:
        typer.echo(json.dumps({"versions": versions, "devices": found}))
        return
    for name, number in versions.items():
        typer.echo(f"{name:14} {number}")
    for device in found:
        memory = [gigabytes(device[key]) for key in ("free_bytes", "memory_bytes")]
        typer.echo(f"{device['name']:14} {device['description']}, {' of '.join(memory)} free")
        measured, side = device["arithmetic"], benchmark_side(device["name"])
        for arithmetic, milliseconds in measured["milliseconds"].items():
            chosen = "  <- used by fast and best" if arithmetic == measured["chosen"] else ""
            took = f"{milliseconds:g} ms an iteration at {side} x {side}"
            typer.echo(f"{'':14} {took} in {arithmetic}{chosen}")


@errors_as_exit_codes()
def demo(
    out: Annotated[Path, typer.Option(help="Folder for the pictures.")] = Path("demo"),
) -> None:
    """Restore a real micrograph in three ways, and compare with the original."""
    from napari_dip.cli.console import follow
    from napari_dip.cli.demo import run_demo

    if not run_demo(out, follow):
        raise typer.Exit(1)


def start(
    _version: Annotated[
        bool,
        typer.Option(
            "--version",
            is_eager=True,
            callback=_print_version,
            help="Show the version and exit.",
        ),
    ] = False,
) -> None:
    """Load extensions before each command."""
    load_extensions()


def make_app() -> typer.Typer:
    """Make the command `napari-dip` with a subcommand for each task, also of extensions."""
    with suppress(NapariDipError):  # each command reports it
        load_extensions()
    made = typer.Typer(
        name="napari-dip",
        cls=Group,
        help="Restore microscopy images with Deep Image Prior, without training data.",
        epilog="Exit codes: 0 done, 1 failed, 2 wrong input or option, 130 interrupted.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    made.callback()(errors_as_exit_codes()(start))
    for spec in TASKS.values():
        made.command(spec.kind, cls=Command)(task_command(spec))
    made.command("plan", cls=Command)(plan_command())
    for command in (assess, reproduce, info, demo):
        made.command(cls=Command)(command)
    return made


app = make_app()
