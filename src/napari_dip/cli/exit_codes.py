"""Turn errors into one line on stderr and an exit code."""

from __future__ import annotations

import os
import sys
import warnings
from contextlib import contextmanager
from io import TextIOWrapper
from typing import TYPE_CHECKING, Any

import typer

from napari_dip.errors import InputError, NapariDipError
from napari_dip.plaintext import shortened

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["DEBUG", "FAILED", "INTERRUPTED", "errors_as_exit_codes"]

FAILED, BAD_CALL, INTERRUPTED = 1, 2, 130
"""Exit codes; 130 is the shells' code for a command that Ctrl-C ended."""

DEBUG = "NAPARI_DIP_DEBUG"
"""Environment variable: if set, an unexpected error prints its traceback."""

MAX_WARNING, MAX_ERROR = 1000, 4000  # characters: longer messages are shortened


@contextmanager
def errors_as_exit_codes() -> Iterator[None]:
    """Print an error of the body as one line, and exit with its code.

    Raises
    ------
    typer.Exit
        1 for a failure, 2 for a wrong input or option, 130 for an interrupt.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a character that cannot be encoded is no failure
            stream.reconfigure(errors="backslashreplace")
    before, warnings.showwarning = warnings.showwarning, _print_warning
    try:
        yield
    except (typer.Exit, typer.Abort):
        raise
    except InputError as error:
        _print_error(error)
        raise typer.Exit(BAD_CALL) from None
    except MemoryError as error:
        _print_error(error, "there is too little memory; crop the image, or close other programs")
        raise typer.Exit(FAILED) from None
    except KeyboardInterrupt as stop:
        _print_error(f"interrupted; {str(stop) or 'nothing was written'}")
        raise typer.Exit(INTERRUPTED) from None
    except BrokenPipeError:  # the reader of the output has ended
        _discard_stdout()
        raise typer.Exit(FAILED) from None
    except (NapariDipError, OSError) as error:  # OSError: a full disk, a file that was removed
        _print_error(error)
        raise typer.Exit(FAILED) from None
    except Exception as error:
        if os.environ.get(DEBUG):
            raise
        _print_error(
            f"{'; '.join([f'{type(error).__name__}: {error}', *_notes(error)])}. This is a bug in "
            f"napari-dip. Please set {DEBUG}=1, run the command again, and report what it prints"
        )
        raise typer.Exit(FAILED) from None
    finally:
        warnings.showwarning = before


def _notes(error: object) -> list[str]:
    """Return the notes of an exception, such as what an interrupted run has written."""
    return list(getattr(error, "__notes__", ()))


def _discard_stdout() -> None:
    """Prevent Python from writing to a closed pipe when it exits."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())


def _print_warning(message: Warning | str, *_: Any, **_named: Any) -> None:
    """Print a warning, also of another package, in one line."""
    typer.secho("Warning: ", fg="yellow", err=True, nl=False)
    typer.echo(shortened(message, MAX_WARNING), err=True)


def _print_error(error: object, if_empty: str = "") -> None:
    """Print an error and its notes in one line."""
    typer.secho("Error: ", fg="red", err=True, nl=False)
    message = "; ".join([str(error) or if_empty, *_notes(error)])
    typer.echo(shortened(message, MAX_ERROR), err=True)
