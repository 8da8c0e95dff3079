"""Declare the options of each task, for its command and for `plan`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from napari_dip.settings import Hole
from napari_dip.settings.task import Downsampler

__all__ = [
    "Artefact",
    "Axis",
    "Downsampling",
    "Factor",
    "GapType",
    "KeepKnown",
    "MaskAxes",
    "MaskMarks",
    "Series",
    "SettingsFile",
    "read_factor",
]

SettingsFile = Annotated[
    Path | None,
    typer.Option(metavar="FILE.json", help="Settings file; other options override it."),
]

Series = Annotated[
    int | None,
    typer.Option(
        metavar="N", show_default="0", help="Image to read from a file with several images."
    ),
]

Artefact = Annotated[
    Literal["noise", "jpeg"] | None,
    typer.Option(
        metavar="noise|jpeg",
        show_default="noise",
        help="What to remove: noise, or the blocks of JPEG compression.",
    ),
]

Factor = Annotated[
    str | None,
    typer.Option(
        metavar="N|isotropic",
        show_default="2",
        help="New pixels along the side of an old pixel, 2 to 8; isotropic refines Z until the "
        "voxels are closest to cubes.",
    ),
]

Axis = Annotated[
    Literal["YX", "Z"] | None,
    typer.Option(
        metavar="YX|Z",
        show_default="YX, with --ndim 3 all three",
        help="Axes to refine: Y and X, or Z of a z-stack.",
    ),
]

Downsampling = Annotated[
    Downsampler | None,
    typer.Option(
        metavar="NAME",
        show_default="lanczos2, along Z gaussian",
        help="How the image was downsampled: lanczos2, lanczos3, gaussian, or box, which is "
        "camera binning. Along Z it is the slice profile; box is for physical sections.",
    ),
]

GapType = Annotated[
    Literal["auto", Hole] | None,
    typer.Option(
        metavar="NAME",
        show_default="auto",
        help="Gap type: scratches, hole, large-hole or pixels; auto chooses from the mask.",
    ),
]

KeepKnown = Annotated[
    bool | None,
    typer.Option(
        "--keep-known/--smooth-known",
        show_default="keep-known",
        help="Leave the pixels outside the mask unchanged, or denoise them.",
    ),
]

MaskMarks = Annotated[
    Literal["missing", "known"],
    typer.Option(
        metavar="missing|known",
        help="What the non-zero pixels of the mask are: missing, as painted in napari, or known.",
    ),
]

MaskAxes = Annotated[
    str | None,
    typer.Option(
        metavar="AXES",
        show_default="from the file",
        help="One letter of TCZYXQ for each axis of the mask, such as CYX.",
    ),
]


def read_factor(text: str | None) -> int | str | None:
    """Read a whole number; the settings check a word.

    Examples
    --------
    >>> read_factor("4"), read_factor("isotropic")
    (4, 'isotropic')
    """
    try:
        return None if text is None else int(text)
    except ValueError:
        return text
