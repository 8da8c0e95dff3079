"""Degrade a real micrograph in three ways, restore it, and compare with the original.

The image is human colon tissue, stained by immunohistochemistry. It is part of scikit-image
(``skimage.data.immunohistochemistry``), so nothing is downloaded.
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
    from napari_dip.progress import Report

    Begin = Callable[[Report], Restoration]

__all__ = ["CASES", "Case", "Outcome", "ground_truth", "run_demo"]

SEED = 0
MARGIN = 8  # pixels: between the panels of a picture
CAPTION = 18  # pixels: above the panels, for their captions
ZOOM = 2  # picture pixels for one image pixel
_DEMO_RECORD = {"demo": True}
"""Metadata of a picture: the demo may replace a picture that has it."""


def ground_truth() -> NDArray[np.uint8]:
    """Return the original micrograph, of shape (128, 128, 3), with values from 0 to 255."""
    tissue: NDArray[np.uint8] = data.immunohistochemistry()
    return tissue[310:438, 245:373]


def _is_from_demo(picture: Path) -> bool:
    try:
        return read_provenance(picture) == _DEMO_RECORD
    except FileProblem:
        return False


def add_noise(image: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], None]:
    """Add Gaussian noise with standard deviation 25, clipped to 0 to 255."""
    return _noisy(image, 25), None


def bin_pixels(image: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], None]:
    """Average 2 x 2 pixels, as camera binning does, and add noise with standard deviation 20."""
    return _noisy(transform.downscale_local_mean(image, (2, 2, 1)), 20), None


def _noisy(image: NDArray[Any], sigma: float) -> NDArray[np.uint8]:
    noise = np.random.default_rng(SEED).normal(0, sigma, image.shape)
    noisy: NDArray[np.uint8] = (image + noise).round().clip(0, 255).astype(np.uint8)
    return noisy


def scratch(image: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Draw twelve white lines, three pixels high; return the image and the mask."""
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
    """One way to degrade the original, and the settings that restore it."""

    name: str
    degradation: str
    degrade: Callable[[NDArray[np.uint8]], tuple[NDArray[np.uint8], NDArray[np.bool_] | None]]
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
"""Cases of `run_demo`. For binned pixels, "before" is bicubic interpolation."""


@dataclass(frozen=True)
class Outcome:
    """The result of a case; ``before`` and ``after`` are PSNRs against the original, in dB."""

    case: Case
    before: float
    after: float
    degraded: NDArray[Any]
    result: Result

    @property
    def improved(self) -> bool:
        """Whether the restored image is closer to the original than the degraded one."""
        return self.after > self.before


def run_demo(
    folder: Path,
    follow: Callable[[Begin, str], Result],
    *,
    cases: tuple[Case, ...] = CASES,
) -> bool:
    """Restore every case, print a table, and write a picture of each case.

    Parameters
    ----------
    folder
        Where the pictures go; it is created if it does not exist.
    follow
        Runs a restoration to its end, and shows its progress under the given label.
    cases
        Cases to run.

    Returns
    -------
    bool
        Whether every restored image is closer to the original than the degraded one.

    Raises
    ------
    FileProblem
        If the folder cannot be created or written to, or holds other files with these names.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileProblem(
            f"{folder} cannot be created: {error.strerror}; choose another folder"
        ) from None
    pictures = [folder / f"{case.name}.png" for case in cases]
    for picture in pictures:
        check_writable(picture)
        if picture.exists() and not _is_from_demo(picture):
            raise FileProblem(f"{picture} exists, and is not from this demo; choose another folder")
    console, began = Console(), time.monotonic()
    outcomes = []
    metadata = PngImagePlugin.PngInfo()
    metadata.add_text("napari-dip", json.dumps(_DEMO_RECORD))
    for case, picture in zip(cases, pictures, strict=True):
        outcome = _run(case, follow)
        outcomes.append(outcome)
        with atomic_file(picture) as partial:
            _side_by_side(outcome).save(partial, format="PNG", pnginfo=metadata)
    console.print(_table(outcomes))
    console.print(
        f"{time.monotonic() - began:.0f} s on {outcomes[0].result.device}. For super-resolution, "
        '"before" is bicubic interpolation. '
        f"Pictures of original, before and after: {escape(plain(folder.resolve()))}",
        soft_wrap=True,
    )
    for outcome in outcomes:
        if not outcome.improved:
            console.print(f"{outcome.case.name} is no closer to the original", style="red")
    return all(outcome.improved for outcome in outcomes)


def _run(case: Case, follow: Callable[[Begin, str], Result]) -> Outcome:
    original = ground_truth()
    degraded, missing = case.degrade(original)
    settings = case.settings.replace(axes="YXS", seed=SEED)
    result = follow(
        lambda report: restore(degraded, settings, mask=missing, report=report), case.name
    )
    if degraded.shape != original.shape:
        degraded = transform.resize(degraded, original.shape, order=3, preserve_range=True)
        degraded = degraded.round().clip(0, 255).astype(np.uint8)
    before, after = (
        float(metrics.peak_signal_noise_ratio(original, image, data_range=255))
        for image in (degraded, result.image)
    )
    return Outcome(case, before, after, degraded, result)


def _table(outcomes: list[Outcome]) -> Table:
    table = Table(
        title="PSNR against the original, in dB",
        box=box.SIMPLE_HEAD,
        collapse_padding=True,
        pad_edge=False,
    )
    for heading in ("task", "degradation"):
        table.add_column(heading, no_wrap=True)
    for heading in ("before", "after", "gain", "iterations", "s"):
        table.add_column(heading, justify="right", no_wrap=True)
    for outcome in outcomes:
        (report,) = outcome.result.reports
        table.add_row(
            outcome.case.name,
            outcome.case.degradation,
            f"{outcome.before:.2f}",
            f"{outcome.after:.2f}",
            f"{outcome.after - outcome.before:+.2f}",
            str(report.iterations),
            f"{outcome.result.elapsed_s:.0f}",
        )
    return table


def _side_by_side(outcome: Outcome) -> Image.Image:
    panels = (
        ("original", ground_truth()),
        (f"before, {outcome.before:.2f} dB", outcome.degraded),
        (f"after, {outcome.after:.2f} dB", np.asarray(outcome.result.image)),
    )
    height, width = (ZOOM * side for side in ground_truth().shape[:2])
    sheet = Image.new("RGB", (3 * width + 2 * MARGIN, height + CAPTION), "white")
    draw_on_sheet = ImageDraw.Draw(sheet)
    for column, (caption, image) in enumerate(panels):
        left = column * (width + MARGIN)
        draw_on_sheet.text((left, 2), caption, fill="black")
        panel = Image.fromarray(image).resize((width, height), Image.Resampling.NEAREST)
        sheet.paste(panel, (left, CAPTION))
    return sheet
