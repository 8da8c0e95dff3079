"""Define the command `napari-dip` and its subcommands."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from napari_dip.cli.exit_codes import errors_as_exit_codes
from napari_dip.cli.options import RunOptions  # noqa: TC001 - typer evaluates the annotations
from napari_dip.cli.plan import plan
from napari_dip.cli.restore_file import restore_file
from napari_dip.cli.task_options import (
    Artefact,
    Axis,
    Downsampling,
    Factor,
    GapType,
    KeepKnown,
    MaskAxes,
    MaskMarks,
    read_factor,
)
from napari_dip.cli.with_options import with_options
from napari_dip.image.plan_text import gigabytes
from napari_dip.settings import Denoise, Inpaint, SuperResolve

__all__ = ["app"]

app = typer.Typer(
    name="napari-dip",
    help="Restore microscopy images with Deep Image Prior, without training data.",
    epilog="Exit codes: 0 done, 1 failed, 2 wrong input or option, 130 interrupted.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Image = Annotated[
    Path,
    typer.Argument(metavar="IN", help="TIFF, OME-Zarr, PNG, JPEG, BMP; with bioio also CZI, ND2 …"),
]
Mask = Annotated[Path, typer.Argument(metavar="MASK", help="Image of the missing pixels.")]
Output = Annotated[
    Path, typer.Argument(metavar="OUT", help="File to write: .tif, .ome.tif, .zarr, .png.")
]


@app.command()
@with_options
@errors_as_exit_codes()
def denoise(
    image: Image,
    output: Output,
    *,
    artefact: Artefact = None,
    options: RunOptions,
) -> None:
    """Remove noise from an image."""
    restore_file(image, output, options, options.build(Denoise, artefact=artefact))


@app.command("super-resolve")
@with_options
@errors_as_exit_codes()
def super_resolve(
    image: Image,
    output: Output,
    *,
    factor: Factor = None,
    axis: Axis = None,
    downsampler: Downsampling = None,
    options: RunOptions,
) -> None:
    """Refine the pixels of an image by an integer factor."""
    settings = options.build(
        SuperResolve, factor=read_factor(factor), axis=axis, downsampler=downsampler
    )
    restore_file(image, output, options, settings)


@app.command()
@with_options
@errors_as_exit_codes()
def inpaint(
    image: Image,
    mask: Mask,
    output: Output,
    *,
    mask_marks: MaskMarks = "missing",
    mask_axes: MaskAxes = None,
    missing: GapType = None,
    keep_known: KeepKnown = None,
    options: RunOptions,
) -> None:
    """Fill the missing pixels that a mask marks: scratches, holes, single pixels."""
    settings = options.build(Inpaint, missing=missing, keep_known=keep_known)
    restore_file(image, output, options, settings, mask=mask, marks=mask_marks, mask_axes=mask_axes)


app.command()(plan)


@app.command()
@errors_as_exit_codes()
def info(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show versions, devices, their memory, and the fastest arithmetic of each."""
    import platform
    from importlib.metadata import version

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


@app.command()
@errors_as_exit_codes()
def demo(
    out: Annotated[Path, typer.Option(help="Folder for the pictures.")] = Path("demo"),
) -> None:
    """Restore a real micrograph in three ways, and compare with the original."""
    from napari_dip.cli.console import follow
    from napari_dip.cli.demo import run_demo

    if not run_demo(out, follow):
        raise typer.Exit(1)
