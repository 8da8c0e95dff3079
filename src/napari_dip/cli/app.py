"""Define the command `napari-dip` and its subcommands."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

import typer

from napari_dip.cli.exit_codes import errors_as_exit_codes
from napari_dip.cli.options import RunOptions  # noqa: TC001 - typer evaluates the annotations
from napari_dip.cli.plan import plan
from napari_dip.cli.restore_file import restore_file
from napari_dip.cli.with_options import with_options
from napari_dip.image.plan_text import gigabytes
from napari_dip.settings import Denoise, Hole, Inpaint, SuperResolve
from napari_dip.settings.task import Downsampler  # noqa: TC001 - typer evaluates the annotations

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
    artefact: Annotated[
        Literal["noise", "jpeg"] | None,
        typer.Option(
            metavar="noise|jpeg",
            show_default="noise",
            help="What to remove: noise, or the blocks of JPEG compression.",
        ),
    ] = None,
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
    factor: Annotated[
        str | None,
        typer.Option(
            metavar="N|isotropic",
            show_default="2",
            help="New pixels along the side of an old pixel, 2 to 8; isotropic refines Z until the "
            "voxels are closest to cubes.",
        ),
    ] = None,
    axis: Annotated[
        Literal["YX", "Z"] | None,
        typer.Option(
            metavar="YX|Z",
            show_default="YX, with --ndim 3 all three",
            help="Axes to refine: Y and X, or Z of a z-stack.",
        ),
    ] = None,
    downsampler: Annotated[
        Downsampler | None,
        typer.Option(
            metavar="NAME",
            show_default="lanczos2, along Z gaussian",
            help="How the image was downsampled: lanczos2, lanczos3, gaussian, or box, which is "
            "camera binning. Along Z it is the slice profile; box is for physical sections.",
        ),
    ] = None,
    options: RunOptions,
) -> None:
    """Refine the pixels of an image by an integer factor."""
    settings = options.build(
        SuperResolve, factor=_number(factor), axis=axis, downsampler=downsampler
    )
    restore_file(image, output, options, settings)


def _number(text: str | None) -> int | str | None:
    """Read a whole number; the settings check a word."""
    try:
        return None if text is None else int(text)
    except ValueError:
        return text


@app.command()
@with_options
@errors_as_exit_codes()
def inpaint(
    image: Image,
    mask: Mask,
    output: Output,
    *,
    mask_marks: Annotated[
        Literal["missing", "known"],
        typer.Option(
            metavar="missing|known",
            help="What the non-zero pixels of MASK are: missing, as painted in napari, or known.",
        ),
    ] = "missing",
    mask_axes: Annotated[
        str | None,
        typer.Option(
            metavar="AXES",
            show_default="from the file",
            help="One letter of TCZYXQ for each axis of MASK, such as CYX.",
        ),
    ] = None,
    missing: Annotated[
        Literal["auto", Hole] | None,
        typer.Option(
            metavar="NAME",
            show_default="auto",
            help="Gap type: scratches, hole, large-hole or pixels; auto chooses from MASK.",
        ),
    ] = None,
    keep_known: Annotated[
        bool | None,
        typer.Option(
            "--keep-known/--smooth-known",
            show_default="keep-known",
            help="Leave the pixels outside MASK unchanged, or denoise them.",
        ),
    ] = None,
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
    from napari_dip.pipeline.precision import calibrate, timed_side

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
        measured, side = device["arithmetic"], timed_side(device["name"])
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
