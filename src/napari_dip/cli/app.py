"""The command ``napari-dip``: a file in, a restored file out."""

from __future__ import annotations

import json
import os
import sys
import warnings
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from pydantic_core import to_json

from napari_dip.cli.options import RunOptions  # noqa: TC001 - typer evaluates the annotations
from napari_dip.cli.shared_options import with_options
from napari_dip.errors import InputError, NapariDipError
from napari_dip.image.plan_text import gigabytes, in_a_sentence, incomplete, outcome, summary
from napari_dip.plaintext import as_json, plain, shortened
from napari_dip.settings import Denoise, Inpaint, Settings, SuperResolve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from napari_dip.cluster.machines import Crew
    from napari_dip.files.file_run import FileRun
    from napari_dip.image.restore import Restoration, Result

__all__ = ["app"]

INTERRUPTED = 130
DEBUG = "NAPARI_DIP_DEBUG"
"""If this is set in the environment, an unexpected error ends in its traceback."""

app = typer.Typer(
    name="napari-dip",
    help="Restore microscopy images with Deep Image Prior, without any training data.",
    epilog="Exit codes: 0 done, 1 failed, 2 bad call, 130 interrupted.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Image = Annotated[
    Path,
    typer.Argument(metavar="IN", help="TIFF, OME-Zarr, PNG, JPEG, BMP; CZI, ND2 … by bioio."),
]
Mask = Annotated[Path, typer.Argument(metavar="MASK", help="Which pixels are missing.")]
Output = Annotated[
    Path, typer.Argument(metavar="OUT", help="To write: .tif, .ome.tif, .zarr, .png.")
]


@contextmanager
def _errors_as_exit_codes() -> Iterator[None]:
    """Say what went wrong in one line."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # no letter is worth a failure
            stream.reconfigure(errors="backslashreplace")
    before, warnings.showwarning = warnings.showwarning, _warn
    try:
        yield
    except (typer.Exit, typer.Abort):
        raise
    except InputError as error:
        _complain("; ".join([str(error), *_notes(error)]))
        raise typer.Exit(2) from None
    except (NapariDipError, MemoryError) as error:
        about = str(error) or "too little memory; crop the image, or close other programs"
        _complain("; ".join([about, *_notes(error)]))
        raise typer.Exit(1) from None
    except KeyboardInterrupt as stop:
        _complain(f"interrupted; {str(stop) or 'nothing was written'}")
        raise typer.Exit(INTERRUPTED) from None
    except BrokenPipeError:  # whoever read the output has gone, and wants no words either
        _mute()
        raise typer.Exit(1) from None
    except OSError as error:  # a disk that is full, or a file that was taken away
        _complain("; ".join([str(error), *_notes(error)]))
        raise typer.Exit(1) from None
    except Exception as error:
        if os.environ.get(DEBUG):
            raise
        _complain(
            f"{'; '.join([f'{type(error).__name__}: {error}', *_notes(error)])}. This is a mistake "
            "in napari-dip: please report it with the text that the same command prints after "
            f"{DEBUG}=1 was set"
        )
        raise typer.Exit(1) from None
    finally:
        warnings.showwarning = before


def _notes(error: BaseException) -> list[str]:
    """Give what was added to an error on its way, such as what is left of a run."""
    return list(getattr(error, "__notes__", ()))


def _mute() -> None:
    """Have Python write nothing more at its end to a pipe that nobody reads."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())


def _warn(message: Warning | str, *_: Any, **_named: Any) -> None:
    """Show a warning, also one of another package, in one line."""
    typer.secho("Warning: ", fg="yellow", err=True, nl=False)
    typer.echo(shortened(message, 1000), err=True)


def _complain(about: object) -> None:
    typer.secho("Error: ", fg="red", err=True, nl=False)
    typer.echo(shortened(about, 4000), err=True)


def _in_utf8(path: Path) -> str:
    """Write a name for JSON, which has no room for bytes that are no text."""
    return str(path).encode("utf-8", "backslashreplace").decode()


@app.command()
@with_options
@_errors_as_exit_codes()
def denoise(
    image: Image,
    output: Output,
    *,
    artefact: Annotated[
        Literal["noise", "jpeg"] | None,
        typer.Option(
            metavar="noise|jpeg",
            show_default="noise",
            help="What to remove: noise, or the blocks that JPEG leaves.",
        ),
    ] = None,
    options: RunOptions,
) -> None:
    """Remove noise from an image."""
    _restore_file(image, output, options, options.build(Denoise, artefact=artefact))


@app.command("super-resolve")
@with_options
@_errors_as_exit_codes()
def super_resolve(
    image: Image,
    output: Output,
    *,
    factor: Annotated[
        str | None,
        typer.Option(
            metavar="N|isotropic",
            show_default="2",
            help="How many new pixels stand along the side of an old one, 2 to 8; isotropic "
            "refines Z until the voxels are nearest to cubes.",
        ),
    ] = None,
    axis: Annotated[
        Literal["YX", "Z"] | None,
        typer.Option(
            metavar="YX|Z",
            show_default="YX, with --ndim 3 all three",
            help="Refine Y and X, or a z-stack along Z alone.",
        ),
    ] = None,
    downsampler: Annotated[
        Literal["lanczos2", "lanczos3", "box", "gaussian"] | None,
        typer.Option(
            metavar="NAME",
            show_default="lanczos2, along Z gaussian",
            help="How the coarse pixels came about: lanczos2, lanczos3, gaussian, or box, which "
            "is camera binning; along Z it is the slice profile, box for sections that were cut.",
        ),
    ] = None,
    options: RunOptions,
) -> None:
    """Refine the pixels of an image by an integer factor."""
    settings = options.build(
        SuperResolve, factor=_number(factor), axis=axis, downsampler=downsampler
    )
    _restore_file(image, output, options, settings)


def _number(text: str | None) -> int | str | None:
    """Read a whole number; a word is left to the settings."""
    try:
        return None if text is None else int(text)
    except ValueError:
        return text


@app.command()
@with_options
@_errors_as_exit_codes()
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
            show_default="the file's",
            help="One letter of TCZYXQ for each axis of MASK, such as CYX.",
        ),
    ] = None,
    missing: Annotated[
        Literal["auto", "scratches", "hole", "large-hole", "pixels"] | None,
        typer.Option(
            metavar="NAME",
            show_default="auto",
            help="What MASK hides: scratches, hole, large-hole or pixels; auto looks at it.",
        ),
    ] = None,
    keep_known: Annotated[
        bool | None,
        typer.Option(
            "--keep-known/--smooth-known",
            show_default="keep-known",
            help="Whether the pixels outside MASK stay as they are.",
        ),
    ] = None,
    options: RunOptions,
) -> None:
    """Fill in what a mask hides: scratches, holes, missing pixels."""
    settings = options.build(Inpaint, missing=missing, keep_known=keep_known)
    _restore_file(
        image, output, options, settings, mask=mask, marks=mask_marks, mask_axes=mask_axes
    )


@app.command()
@_errors_as_exit_codes()
def info(
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """Show versions, devices, their memory, and in what arithmetic they are fastest."""
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
        for way, milliseconds in measured["milliseconds"].items():
            chosen = "  <- used by fast and best" if way == measured["chosen"] else ""
            took = f"{milliseconds:g} ms an iteration at {side} x {side}"
            typer.echo(f"{'':14} {took} in {way}{chosen}")


@app.command()
@_errors_as_exit_codes()
def demo(
    out: Annotated[Path, typer.Option(help="Folder for the pictures.")] = Path("demo"),
) -> None:
    """Restore a real micrograph three ways and compare with the truth."""
    from napari_dip.cli.console import follow
    from napari_dip.cli.demo import run_demo

    if not run_demo(out, follow):
        raise typer.Exit(1)


def _restore_file(
    source: Path,
    output: Path,
    options: RunOptions,
    settings: Settings,
    *,
    mask: Path | None = None,
    marks: Literal["missing", "known"] = "missing",
    mask_axes: str | None = None,
) -> None:
    """Read, check, restore, write, and say so."""
    from napari_dip.cli.console import follow, interruptible
    from napari_dip.cluster.machines import hire
    from napari_dip.files.file_run import open_run

    def say(sentence: str) -> None:
        if not (options.quiet or options.as_json):
            typer.echo(plain(sentence), err=True)

    with (
        interruptible(options.keep_on_interrupt) as stop_requested,
        hire(settings.device, options.workers, options.scheduler, options.slurm) as crew,
        ExitStack() as closing,
    ):
        run = open_run(
            source,
            output,
            settings,
            series=options.series,
            mask=mask,
            marks=marks,
            mask_axes=mask_axes,
            uncertainty=options.uncertainty,
            overwrite=options.overwrite,
            resume=options.resume,
            device=crew.device if crew else None,
            reads=[file for file in (options.settings, options.slurm) if file],
            say=say,
        )
        closing.callback(run.close)
        for note in (*run.notes, *(crew.notes if crew else ())):
            say(note)
        say(in_a_sentence(source, run.problem, str(crew) if crew else None))
        if stop_requested():
            raise KeyboardInterrupt(run.left())  # there is no best so far
        steps = _steps(run, crew, stop_requested)
        try:
            result = follow(steps, settings.task.kind, quiet=options.quiet)
        except KeyboardInterrupt:
            raise KeyboardInterrupt(run.left()) from None
        except Exception as error:
            error.add_note(run.left())
            raise
        for note in run.write(result):
            say(note)

    try:
        _tell(run, result, {"input": source, "mask": mask, "output": output}, options)
    except OSError as error:
        error.add_note(f"{run.place} was written")
        raise
    if result.stopped_by_user:
        raise typer.Exit(INTERRUPTED)


def _tell(run: FileRun, result: Result, names: dict[str, Path | None], options: RunOptions) -> None:
    """Say where the result is, as was asked."""
    if options.as_json:
        files = {of: name and _in_utf8(name) for of, name in names.items()}
        found = summary(run.restored(result), result)
        record = (
            files | {"notes": [plain(note) for note in run.notes]} | found | result.provenance()
        )
        typer.echo(as_json(to_json(record, inf_nan_mode="null").decode()))
    elif not options.quiet:
        typer.echo(plain(outcome(run.place, result)))
    if said := incomplete(run.place, result):  # never in silence, not even with --quiet
        typer.echo(plain(said), err=True)


def _steps(run: FileRun, crew: Crew | None, stop_requested: Callable[[], bool]) -> Restoration:
    """Restore here, or on the workers if there are some."""
    if crew is None:
        return run.steps(stop_requested)
    from napari_dip.cluster.run import restore_on_cluster

    return restore_on_cluster(
        run.problem,
        run.output,
        crew.client,
        stop_requested=stop_requested,
        threads=crew.threads,
        previews=False,  # nobody would see them
    )
