"""Read PNG, JPEG and BMP, and write PNG: one plane, grey or in colour."""

from __future__ import annotations

import struct
from typing import IO, TYPE_CHECKING, Any, Literal

import numpy as np
from PIL import (
    BmpImagePlugin,
    ExifTags,
    Image,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    UnidentifiedImageError,
)

from napari_dip.errors import FileProblem
from napari_dip.files.image_selection import select_image
from napari_dip.files.read_errors import refuse_too_large
from napari_dip.files.tiff_tags import resolution_of
from napari_dip.files.tolerant_parsing import TolerantParser
from napari_dip.image.metadata import MICROMETRES, StoredImage

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["png_provenance", "read_png_jpeg", "write_png"]

_RECORD_KEY = "napari-dip"
_SIGNATURES: dict[bytes, Callable[[Path], ImageFile.ImageFile]] = {
    b"\x89PNG\r\n\x1a\n": PngImagePlugin.PngImageFile,
    b"\xff\xd8\xff": JpegImagePlugin.JpegImageFile,
    b"BM": BmpImagePlugin.BmpImageFile,
}
_DIRECT_MODES = ("1", "L", "I;16", "I", "F", "RGB", "RGBA")
_MICROMETRES_PER_INCH = MICROMETRES["in"]
DEFLATE_MAX_RATIO = 1032
"""Bytes out per byte in: the largest ratio of deflate, the compression of PNG."""

MAX_DOTS_PER_INCH = 1e8
"""Dots per inch: the largest resolution that PNG can store, in dots per metre."""

_TRANSPOSE_OF_ORIENTATION = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""Pillow operation for each value of the orientation tag."""


def read_png_jpeg(path: Path, number: int | None = None, *, labels: bool = False) -> StoredImage:
    """Read an image; anything but grey and RGB(A) is converted to RGB.

    The orientation tag is applied.

    Parameters
    ----------
    path
        The file.
    number
        Index of the image in a file with several, from 0; ``None`` is the first.
    labels
        Whether to return the indices of a colour table instead of its colours.

    Raises
    ------
    FileProblem
        If Pillow would round the values.
    OSError
        From Pillow, if the file is not an image or is damaged.
    """
    notes: list[str] = []
    with _open(path) as picture:
        _refuse_16_bit_colours(path, picture)
        frames = getattr(picture, "n_frames", 1)
        _check_declared_size(path, picture, frames)
        size = f"{picture.height} x {picture.width}"
        selected, listed = select_image(path, number, [size] * frames)
        notes += listed
        if frames == 1 and "mp" in picture.info:  # a JPEG followed by another one
            notes.append("The file holds several images; the first is used.")
        if selected:
            picture.seek(selected)
        said = picture.info if picture.format == "PNG" else {}
        dots, profile, mode = picture.info.get("dpi"), picture.info.get("icc_profile"), picture.mode
        direct = mode in _DIRECT_MODES
        indices = labels and mode == "P" and _table_kind(picture) != "grey"
        are_labels = indices and _table_kind(picture) == "colours"
        colours = "RGBA" if picture.has_transparency_data else "RGB"
        pixels: Image.Image = picture if direct or indices else picture.convert(colours)
        if (orientation := _orientation(picture)) in _TRANSPOSE_OF_ORIENTATION:
            pixels = pixels.transpose(_TRANSPOSE_OF_ORIENTATION[orientation])
            dots = dots[::-1] if dots and orientation >= 5 else dots
            notes.append(
                f"The image is rotated or mirrored as its orientation tag ({orientation}) requires."
            )
        image = np.array(pixels)
        if are_labels:
            image, note = _as_labels(image, _palette(picture))
            notes.append(note)
    if image.ndim == 3:
        image, dropped = _fewest_channels(image, grey=mode in ("P", "PA", "LA"))
        notes += dropped
    if mode in ("P", "PA") and not indices:
        notes.append("The colour table is converted to colours.")
    extras: dict[str, dict[str, Any]] = {"labels": {"all": True}} if are_labels else {}
    if profile and direct and image.ndim == 3:
        extras["png"] = {"icc_profile": profile}
    parser = TolerantParser()
    sizes = _pixel_sizes(dots, parser)
    notes += parser.notes()
    return StoredImage(
        image=np.ascontiguousarray(image),
        axes="YX" if image.ndim == 2 else "YXS",
        pixel_size=sizes,
        unit=dict.fromkeys(sizes, "µm"),
        extras=extras,
        notes=tuple(notes),
        files=(path,),
        series=selected,
        images=(size,) * frames if frames > 1 else (),
        name=str(said.get("Title", "")),
        acquired=str(said.get("Creation Time", "")),
    )


def write_png(file: Path | IO[bytes], stored: StoredImage, record: str) -> None:
    """Write a grey or RGB(A) image with its pixel size and a record."""
    options: dict[str, Any] = dict(stored.extras.get("png", {}))
    x, y = (stored.size_in(axis, MICROMETRES, "µm") for axis in "XY")
    fits = all(size and 1 < _MICROMETRES_PER_INCH / size < MAX_DOTS_PER_INCH for size in (x, y))
    if x and y and fits and {"X", "Y"} <= set(stored.unit):
        options["dpi"] = (_MICROMETRES_PER_INCH / x, _MICROMETRES_PER_INCH / y)
    text = PngImagePlugin.PngInfo()
    entries = {_RECORD_KEY: record, "Title": stored.name, "Creation Time": stored.acquired}
    for key, value in entries.items():
        if value:
            text.add_text(key, value)
    Image.fromarray(stored.whole()).save(file, format="PNG", pnginfo=text, **options)


def png_provenance(path: Path) -> str | None:
    """Return the JSON text that :func:`write_png` stored; ``None`` without one."""
    with _open(path) as picture:
        text = picture.info.get(_RECORD_KEY)
    return text if isinstance(text, str) else None


def _open(path: Path) -> ImageFile.ImageFile:
    """Open an image by its first bytes.

    ``Image.open`` is not used: its limit and its warning for large images apply to the whole
    process.
    """
    with path.open("rb") as file:
        start = file.read(8)
    for signature, opens in _SIGNATURES.items():
        if start.startswith(signature):
            try:
                return opens(path)
            except SyntaxError as error:  # Pillow reports another format this way
                raise UnidentifiedImageError(str(error)) from error
    raise UnidentifiedImageError(f"it begins with {start!r}")


def _check_declared_size(path: Path, picture: ImageFile.ImageFile, frames: int) -> None:
    """Compare the declared size with the size of the file and the free memory.

    Raises
    ------
    FileProblem
        If the file cannot hold so many pixels or images, or the memory is too small.
    """
    stored = path.stat().st_size
    pixels = picture.width * picture.height
    if picture.format == "PNG" and (pixels // 8 > DEFLATE_MAX_RATIO * stored or frames > stored):
        raise FileProblem(
            f"{path} is damaged: it declares {picture.height} x {picture.width} pixels and "
            f"{frames} images, more than {stored} bytes can hold; copy it again from its source"
        )
    refuse_too_large(path, pixels * len(picture.getbands()) * (4 if picture.mode in "IF" else 1))


def _refuse_16_bit_colours(path: Path, picture: Image.Image) -> None:
    """Refuse 16-bit colours, which Pillow silently reduces to 8 bits."""
    if picture.format == "PNG" and picture.mode in ("RGB", "RGBA", "LA"):
        with path.open("rb") as file:
            bits = file.read(25)[24]
        if bits == 16:
            raise FileProblem(
                f"{path} holds 16-bit colours, which would be rounded to 8 bits; save it as TIFF"
            )


def _pixel_sizes(dots: Any, parser: TolerantParser) -> dict[str, float]:
    """Convert dots per inch to micrometres per pixel; screen resolutions are ignored."""
    if not isinstance(dots, tuple) or len(dots) != 2:
        return {}
    x, y = (parser.size("resolution", number) for number in dots)
    inches = resolution_of({"Y": y, "X": x}, "in")
    return {axis: size * _MICROMETRES_PER_INCH for axis, size in inches.items()}


def _orientation(picture: Image.Image) -> int:
    """Return the orientation tag, 1 to 8; 1 if it is missing or damaged."""
    try:
        value = picture.getexif().get(ExifTags.Base.Orientation, 1)
    except (OSError, SyntaxError, ValueError, LookupError, TypeError, struct.error):
        return 1  # damaged tags are ignored
    return value if isinstance(value, int) else 1


def _palette(picture: Image.Image) -> NDArray[np.uint8]:
    return np.array(picture.getpalette("RGB"), np.uint8).reshape(-1, 3)


def _table_kind(picture: Image.Image) -> Literal["colours", "grey", "inverted"]:
    """Classify a colour table. ImageJ saves masks with an inverted one, in which 255 is black."""
    palette = _palette(picture)
    if (palette != palette[:, :1]).any():
        return "colours"
    inverted = len(palette) == 256 and (palette[:, 0] == np.arange(255, -1, -1)).all()
    return "inverted" if inverted else "grey"


def _as_labels(
    indices: NDArray[np.uint8], palette: NDArray[np.uint8]
) -> tuple[NDArray[np.uint8], str]:
    """Return labels with background 0, and a note.

    A program may have numbered the colours so that black is not 0. Black then becomes 0 if index 0
    is unused, or if only one other colour is used.
    """
    used = np.unique(indices)
    black = [number for number in used if number < len(palette) and not palette[number].any()]
    if len(black) == 1 and black[0] and (used[0] or used.size == 2):
        relabelled = np.arange(256, dtype=np.uint8)
        relabelled[[0, black[0]]] = [black[0], 0]
        note = f"The colours are used as labels, black (index {black[0]}) as the background."
        return relabelled[indices], note
    return indices, "The indices of the colour table are used as labels."


def _fewest_channels(image: NDArray[Any], grey: bool) -> tuple[NDArray[Any], list[str]]:
    """Drop an opaque alpha channel, and equal colour channels of a grey colour table."""
    notes = []
    if image.shape[-1] == 4 and (image[..., 3] == 255).all():
        image = image[..., :3]
        notes.append("The alpha channel is opaque everywhere and is dropped.")
    if grey and image.shape[-1] == 3 and (image == image[..., :1]).all():
        image = image[..., 0]
    return image, notes
