"""PNG, and JPEG and BMP to read: one plane, grey or in colours."""

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

_NAME = "napari-dip"
_SIGNATURES: dict[bytes, Callable[[Path], ImageFile.ImageFile]] = {
    b"\x89PNG\r\n\x1a\n": PngImagePlugin.PngImageFile,
    b"\xff\xd8\xff": JpegImagePlugin.JpegImageFile,
    b"BM": BmpImagePlugin.BmpImageFile,
}
_PLAIN_MODES = ("1", "L", "I;16", "I", "F", "RGB", "RGBA")
_INCH = MICROMETRES["in"]
_DEFLATED = 1032
"""The most bytes that deflate, which packs a PNG, makes of one."""

_MOST_DOTS = 1e8
"""Dots per inch that fit into a PNG, which counts them by the metre."""

_TURNED = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""How to turn an image, by the number of its orientation tag."""


def read_png_jpeg(path: Path, number: int | None = None, *, labels: bool = False) -> StoredImage:
    """Read a picture; what is neither grey nor RGB(A) becomes RGB.

    It is turned and mirrored as its orientation tag says.

    Parameters
    ----------
    path
        The file.
    number
        Of the picture in a file of several, from 0; ``None`` is the first.
    labels
        Whether the numbers of a colour table are wanted, not its colours.

    Raises
    ------
    FileProblem
        If Pillow would round the values.
    OSError
        Of Pillow, if the file is no picture or damaged.
    """
    notes: list[str] = []
    with _opened(path) as picture:
        _refuse_what_pillow_rounds(path, picture)
        frames = getattr(picture, "n_frames", 1)
        _check_promises(path, picture, frames)
        size = f"{picture.height} x {picture.width}"
        taken, listed = select_image(path, number, [size] * frames)
        notes += listed
        if frames == 1 and "mp" in picture.info:  # a JPEG with another one behind it
            notes.append("It holds several pictures; the first is taken.")
        if taken:
            picture.seek(taken)
        dots, profile, mode = picture.info.get("dpi"), picture.info.get("icc_profile"), picture.mode
        plain = mode in _PLAIN_MODES
        indices = labels and mode == "P" and _table(picture) != "grey"
        are_labels = indices and _table(picture) == "colours"
        colours = "RGBA" if picture.has_transparency_data else "RGB"
        pixels: Image.Image = picture if plain or indices else picture.convert(colours)
        if (turned := _orientation(picture)) in _TURNED:
            pixels = pixels.transpose(_TURNED[turned])
            dots = dots[::-1] if dots and turned >= 5 else dots
            notes.append(f"It is turned or mirrored as its orientation tag ({turned}) says.")
        image = np.array(pixels)
        if are_labels:
            image, note = _as_labels(image, _palette(picture))
            notes.append(note)
    if image.ndim == 3:
        image, dropped = _fewest_channels(image, grey=mode in ("P", "PA", "LA"))
        notes += dropped
    if mode in ("P", "PA") and not indices:
        notes.append("Its colour table is resolved.")
    extras: dict[str, dict[str, Any]] = {"labels": {"all": True}} if are_labels else {}
    if profile and plain and image.ndim == 3:
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
        series=taken,
    )


def write_png(file: Path | IO[bytes], stored: StoredImage, record: str) -> None:
    """Write a grey or RGB(A) image, its pixel size and a record."""
    options: dict[str, Any] = dict(stored.extras.get("png", {}))
    x, y = (stored.size_in(axis, MICROMETRES, "µm") for axis in "XY")
    fits = all(size and 1 < _INCH / size < _MOST_DOTS for size in (x, y))
    if x and y and fits and {"X", "Y"} <= set(stored.unit):
        options["dpi"] = (_INCH / x, _INCH / y)
    text = PngImagePlugin.PngInfo()
    if record:
        text.add_text(_NAME, record)
    Image.fromarray(stored.whole()).save(file, format="PNG", pnginfo=text, **options)


def png_provenance(path: Path) -> str | None:
    """Return the JSON text that :func:`write_png` put into a file, if any."""
    with _opened(path) as picture:
        text = picture.info.get(_NAME)
    return text if isinstance(text, str) else None


def _opened(path: Path) -> ImageFile.ImageFile:
    """Open a picture by its first bytes.

    ``Image.open`` would do, but its warning of large pictures can be turned off for the whole
    process only, and its limit is that of the process, too.
    """
    with path.open("rb") as file:
        start = file.read(8)
    for signature, opens in _SIGNATURES.items():
        if start.startswith(signature):
            try:
                return opens(path)
            except SyntaxError as error:  # Pillow's words for another format
                raise UnidentifiedImageError(str(error)) from error
    raise UnidentifiedImageError(f"it begins with {start!r}")


def _check_promises(path: Path, picture: ImageFile.ImageFile, frames: int) -> None:
    """Compare what the header says with the size of the file and the memory.

    Raises
    ------
    FileProblem
        If so many pixels or pictures cannot be in the file, or do not fit into the memory.
    """
    stored = path.stat().st_size
    pixels = picture.width * picture.height
    if picture.format == "PNG" and (pixels // 8 > _DEFLATED * stored or frames > stored):
        raise FileProblem(
            f"{path} is damaged: it says that it has {picture.height} x {picture.width} pixels and "
            f"{frames} pictures, more than {stored} bytes can hold; copy it again from its source"
        )
    refuse_too_large(path, pixels * len(picture.getbands()) * (4 if picture.mode in "IF" else 1))


def _refuse_what_pillow_rounds(path: Path, picture: Image.Image) -> None:
    """Pillow reads 16-bit colours as 8-bit ones without a word."""
    if picture.format == "PNG" and picture.mode in ("RGB", "RGBA", "LA"):
        with path.open("rb") as file:
            bits = file.read(25)[24]
        if bits == 16:
            raise FileProblem(
                f"{path} holds colours of 16 bits, which PNG readers here would round to 8; "
                "save it as TIFF"
            )


def _pixel_sizes(dots: Any, parser: TolerantParser) -> dict[str, float]:
    """Make sizes in micrometres of dots per inch; none of those of a screen."""
    if not isinstance(dots, tuple) or len(dots) != 2:
        return {}
    x, y = (parser.size("resolution", number) for number in dots)
    inches = resolution_of({"Y": y, "X": x}, "in")
    return {axis: size * _INCH for axis, size in inches.items()}


def _orientation(picture: Image.Image) -> int:
    """Return how a picture should be turned, 1 to 8; 1 where that is not known."""
    try:
        value = picture.getexif().get(ExifTags.Base.Orientation, 1)
    except (OSError, SyntaxError, ValueError, LookupError, TypeError, struct.error):
        return 1  # damaged tags are not needed
    return value if isinstance(value, int) else 1


def _palette(picture: Image.Image) -> NDArray[np.uint8]:
    return np.array(picture.getpalette("RGB"), np.uint8).reshape(-1, 3)


def _table(picture: Image.Image) -> Literal["colours", "grey", "inverted"]:
    """Tell what a colour table holds; ImageJ saves masks with one in which 255 is black."""
    palette = _palette(picture)
    if (palette != palette[:, :1]).any():
        return "colours"
    inverted = len(palette) == 256 and (palette[:, 0] == np.arange(255, -1, -1)).all()
    return "inverted" if inverted else "grey"


def _as_labels(
    indices: NDArray[np.uint8], palette: NDArray[np.uint8]
) -> tuple[NDArray[np.uint8], str]:
    """Make 0 the background, which a program that counted the colours may have numbered otherwise.

    That is so where number 0 is not used and black is, and where there is but one colour more.
    """
    used = np.unique(indices)
    black = [number for number in used if number < len(palette) and not palette[number].any()]
    if len(black) == 1 and black[0] and (used[0] or used.size == 2):
        other = np.arange(256, dtype=np.uint8)
        other[[0, black[0]]] = [black[0], 0]
        said = f"its colours are taken for labels, black (number {black[0]}) for the background"
        return other[indices], f"It has a colour table: {said}."
    return indices, "It has a colour table: the numbers of its colours are taken for labels."


def _fewest_channels(image: NDArray[Any], grey: bool) -> tuple[NDArray[Any], list[str]]:
    """Drop a transparency that hides nothing, and colours where there are none by design."""
    notes = []
    if image.shape[-1] == 4 and (image[..., 3] == 255).all():
        image = image[..., :3]
        notes.append("Its transparency, which hides nothing, is left out.")
    if grey and image.shape[-1] == 3 and (image == image[..., :1]).all():
        image = image[..., 0]
    return image, notes
