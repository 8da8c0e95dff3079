"""A real micrograph, spoilt in three ways and restored, beside the truth.

The picture is human colon tissue, stained by immunohistochemistry, that scikit-image brings along
(``skimage.data.immunohistochemistry``): nothing is downloaded.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageDraw, PngImagePlugin
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from skimage import data, draw, metrics, transform

from napari_dip.errors import FileProblem
from napari_dip.files.atomic_write import atomic_file, check_writable
from napari_dip.files.image_io import read_provenance
from napari_dip.image.restore import restore
from napari_dip.plaintext import plain
from napari_dip.settings import Settings, SuperResolve

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_dip.image.restore import Restoration, Result

__all__ = ["CASES", "Case", "Outcome", "run_demo", "truth"]

SEED = 0
MARGIN, CAPTION, ENLARGED = 8, 18, 2
"""Of the written pictures: pixels between panels and above them, and screen pixels for one."""
_MADE_BY = {"demo": True}
"""In a picture, under the name of this package: one of an earlier demo may be replaced."""


def truth() -> NDArray[np.uint8]:
    """Return the micrograph that is to be found again: (128, 128, 3), 0 to 255."""
    tissue: NDArray[np.uint8] = data.immunohistochemistry()
    return tissue[310:438, 245:373]


def _is_of_a_demo(picture: Path) -> bool:
    try:
        return read_provenance(picture) == _MADE_BY
    except FileProblem:
        return False


def add_noise(image: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], None]:
    """Add Gaussian noise of standard deviation 25, clipped as a camera does."""
    return _noisy(image, 25), None


def bin_pixels(image: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], None]:
    """Take the mean of 2 x 2 pixels, as camera binning does, and add noise of 20."""
    return _noisy(transform.downscale_local_mean(image, (2, 2, 1)), 20), None


def _noisy(image: NDArray[Any], sigma: float) -> NDArray[np.uint8]:
    noise = np.random.default_rng(SEED).normal(0, sigma, image.shape)
    noisy: NDArray[np.uint8] = (image + noise).round().clip(0, 255).astype(np.uint8)
    return noisy


def scratch(image: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Draw a dozen white lines, three pixels high, and say where."""
    scratched, missing = image.copy(), np.zeros(image.shape[:2], dtype=bool)
    ends = np.random.default_rng(SEED).integers(1, min(missing.shape) - 1, (12, 4))
    for row, column, to_row, to_column in ends:
        rows, columns = draw.line(row, column, to_row, to_column)
        for step in (-1, 0, 1):
            missing[rows + step, columns] = True
    scratched[missing] = 255
    return scratched, missing


@dataclass(frozen=True)
class Case:
    """One way to spoil the truth, and the settings that should mend it."""

    name: str
    spoilt: str
    spoil: Callable[[NDArray[np.uint8]], tuple[NDArray[np.uint8], NDArray[np.bool_] | None]]
    settings: Settings


CASES = (
    Case("denoise", "noise 25", add_noise, Settings(task="denoise")),
    Case(
        "super-resolve",
        "binned 2x2, noise 20",
        bin_pixels,
        Settings(task=SuperResolve(factor=2, downsampler="box"), noise=20.0),
    ),
    Case("inpaint", "scratched", scratch, Settings(task="inpaint")),
)
"""What `run_demo` does; "before" is the bicubic interpolation where pixels were binned."""


@dataclass(frozen=True)
class Outcome:
    """How near a case came to the truth: peak signal-to-noise ratios in dB, pictures, times."""

    case: Case
    before: float
    after: float
    spoilt: NDArray[Any]
    result: Result

    @property
    def nearer(self) -> bool:
        """Whether the restoration is nearer to the truth than what it was given."""
        return self.after > self.before


def run_demo(
    folder: Path,
    follow: Callable[[Restoration, str], Result],
    *,
    cases: tuple[Case, ...] = CASES,
) -> bool:
    """Restore every case, print a table and write a picture of each.

    Parameters
    ----------
    folder
        Where the pictures go; it is made if need be.
    follow
        Runs a restoration to its end and shows how it comes along.
    cases
        What to run.

    Returns
    -------
    bool
        Whether every restoration is nearer to the truth than what it was made from.

    Raises
    ------
    FileProblem
        If the folder cannot be made or written to, or holds other pictures of these names.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileProblem(f"{folder} cannot be made: {error.strerror}; choose another") from None
    pictures = [folder / f"{case.name}.png" for case in cases]
    for picture in pictures:
        check_writable(picture)
        if picture.exists() and not _is_of_a_demo(picture):
            raise FileProblem(
                f"{picture} is there already, and not of this demo; choose another folder"
            )
    console, began = Console(), time.monotonic()
    outcomes = []
    mark = PngImagePlugin.PngInfo()
    mark.add_text("napari-dip", json.dumps(_MADE_BY))
    for case, picture in zip(cases, pictures, strict=True):
        outcome = _run(case, follow)
        outcomes.append(outcome)
        with atomic_file(picture) as partial:
            _side_by_side(outcome).save(partial, format="PNG", pnginfo=mark)
    console.print(_table(outcomes))
    console.print(
        f"{time.monotonic() - began:.0f} s on {outcomes[0].result.device}. Before "
        "super-resolution is the bicubic interpolation. "
        f"Truth, before and after are side by side in {escape(plain(folder.resolve()))}",
        soft_wrap=True,
    )
    for outcome in outcomes:
        if not outcome.nearer:
            console.print(f"{outcome.case.name} is no nearer to the truth than before", style="red")
    return all(outcome.nearer for outcome in outcomes)


def _run(case: Case, follow: Callable[[Restoration, str], Result]) -> Outcome:
    wanted = truth()
    spoilt, missing = case.spoil(wanted)
    settings = case.settings.replace(axes="YXS", seed=SEED)
    result = follow(restore(spoilt, settings, mask=missing), case.name)
    if spoilt.shape != wanted.shape:
        # What any program can do without knowing more: bicubic interpolation.
        spoilt = transform.resize(spoilt, wanted.shape, order=3, preserve_range=True)
        spoilt = spoilt.round().clip(0, 255).astype(np.uint8)
    before, after = (
        float(metrics.peak_signal_noise_ratio(wanted, image, data_range=255))
        for image in (spoilt, result.image)
    )
    return Outcome(case, before, after, spoilt, result)


def _table(outcomes: list[Outcome]) -> Table:
    table = Table(
        title="PSNR against the truth, in dB",
        box=box.SIMPLE_HEAD,
        collapse_padding=True,
        pad_edge=False,
    )
    for heading in ("task", "the truth was"):
        table.add_column(heading, no_wrap=True)
    for heading in ("before", "after", "gain", "iterations", "s"):
        table.add_column(heading, justify="right", no_wrap=True)
    for outcome in outcomes:
        (report,) = outcome.result.reports
        table.add_row(
            outcome.case.name,
            outcome.case.spoilt,
            f"{outcome.before:.2f}",
            f"{outcome.after:.2f}",
            f"{outcome.after - outcome.before:+.2f}",
            str(report.iterations),
            f"{outcome.result.elapsed_s:.0f}",
        )
    return table


def _side_by_side(outcome: Outcome) -> Image.Image:
    panels = (
        ("truth", truth()),
        (f"before, {outcome.before:.2f} dB", outcome.spoilt),
        (f"after, {outcome.after:.2f} dB", np.asarray(outcome.result.image)),
    )
    height, width = (ENLARGED * side for side in truth().shape[:2])
    sheet = Image.new("RGB", (3 * width + 2 * MARGIN, height + CAPTION), "white")
    pen = ImageDraw.Draw(sheet)
    for column, (caption, image) in enumerate(panels):
        left = column * (width + MARGIN)
        pen.text((left, 2), caption, fill="black")
        panel = Image.fromarray(image).resize((width, height), Image.Resampling.NEAREST)
        sheet.paste(panel, (left, CAPTION))
    return sheet
