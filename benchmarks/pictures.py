"""Draw input, result, truth and residual of a few images, one pixel to a pixel.

    python benchmarks/pictures.py

Writes docs/images/quality-*.webp for the page on quality, from the evaluation images whose licence
allows it: frames of FMD, and a cell and a stack of NEUBIAS. The residual is input minus result,
divided by the standard deviation of the noise there: black is -3, white +3.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from cases import SHARED, with_photons
from image_groups import cells, real_frames
from metrics import fit_gain_and_offset
from PIL import Image
from stacks import add_noise, stacks

from napari_dip import Settings, restore
from napari_dip.generators import finished
from napari_dip.noise.estimate import estimate_noise

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cases import Pixels

IMAGES = Path(__file__).parents[1] / "docs" / "images"
SIDE = 144  # pixels: four pictures fit beside each other on the page


def examples() -> Iterator[tuple[str, Pixels, Pixels, Pixels]]:
    """Yield names with the planes of the input, of the result and of the truth."""
    for name, number in (("fish", 3), ("mice", 6)):
        case = [*real_frames("fmd_confocal")][number]
        yield name, case.observed, restored(case.observed), case.truth
    case = with_photons("actin", cells()["actin"], 20)
    yield "actin", case.observed, restored(case.observed), case.truth
    truth, observed = add_noise(stacks()["nuclei, Z of 4 µm"][:25])
    middle = len(truth) // 2
    yield "nuclei", observed[middle], restored(observed, axes="ZYX")[middle], truth[middle]


def restored(observed: Pixels, axes: str | None = None) -> Pixels:
    settings = Settings(device="cpu", dtype="float32", preview_every_s=1e9, axes=axes)
    return np.asarray(finished(restore(observed, settings)).image, np.float64)


def save(name: str, image: Pixels, low: float, high: float) -> None:
    grey = np.uint8(255 * ((image - low) / (high - low)).clip(0, 1))
    path = IMAGES / f"quality-{name}.webp"
    Image.fromarray(grey[:SIDE, :SIDE]).save(path, quality=92, method=6)
    print(path, path.stat().st_size, "bytes")


def main() -> None:
    if not SHARED.is_dir():
        raise SystemExit(f"{SHARED} is missing: the pictures are of the evaluation images")
    for name, observed, result, truth in examples():
        noise = estimate_noise(observed)
        residual = (observed - result) / noise.sigma(result)
        low, high = np.quantile(truth, (0.002, 0.998))
        # The mean of many frames may have another scale than one frame.
        save(f"{name}-input", fit_gain_and_offset(truth, observed), low, high)
        save(f"{name}-result", fit_gain_and_offset(truth, result), low, high)
        save(f"{name}-truth", truth, low, high)
        save(f"{name}-residual", residual, -3, 3)


if __name__ == "__main__":
    main()
