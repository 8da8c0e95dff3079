"""Restore the published examples, and save input and result side by side.

    python docs/make_examples.py [kate library vase] [--preset fast] [--out build/examples]

The photographs and masks come from the repository of the published code
(DmitryUlyanov/deep-image-prior, Apache-2.0), and must be in ../shared/data/dip_repo. Missing pixels
are black in a mask, and grey in the saved input. Name the source if you show the photographs. The
masks of the vase and the library hide objects to remove, so their PSNR in the holes says little.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np
from PIL import Image

from napari_dip import Inpaint, Result, Settings, restore
from napari_dip.generators import finished

PHOTOGRAPHS = Path(__file__).parents[2] / "shared" / "data" / "dip_repo"
EXAMPLES = ("kate", "library", "vase")

MAX_WIDTH = 480  # pixels of one picture: both together stay below 300 kB

GREY = 200
GAP = 8


def inpainted(image: np.ndarray, missing: np.ndarray, preset: str) -> Result:
    """Fill missing pixels without previews."""
    settings = Settings(task=Inpaint(), preset=preset, axes="YXS", preview_every_s=1e9)
    return finished(restore(image, settings, mask=missing))


def side_by_side(seen: np.ndarray, restored: np.ndarray) -> Image.Image:
    panels = [Image.fromarray(each) for each in (seen, restored)]
    for panel in panels:
        panel.thumbnail((MAX_WIDTH, MAX_WIDTH), Image.Resampling.LANCZOS)
    width, height = panels[0].size
    sheet = Image.new("RGB", (2 * width + GAP, height), "white")
    for number, panel in enumerate(panels):
        sheet.paste(panel, (number * (width + GAP), 0))
    return sheet


def make(name: str, preset: str, folder: Path) -> None:
    image = np.asarray(Image.open(PHOTOGRAPHS / f"{name}.png").convert("RGB"))
    missing = np.asarray(Image.open(PHOTOGRAPHS / f"{name}_mask.png").convert("L")) == 0
    seen = image.copy()
    seen[missing] = GREY
    began = time.perf_counter()
    result = inpainted(seen, missing, preset)
    (report,) = result.reports
    path = folder / f"example-{name}.jpg"
    side_by_side(seen, result.image).save(path, quality=85, optimize=True)
    error = (result.image[missing].astype(float) - image[missing]) ** 2
    print(
        f"{path}: {path.stat().st_size / 1000:.0f} kB, {time.perf_counter() - began:.0f} s, "
        f"{report.iterations} iterations, {report.reason}; in the gaps "
        f"{10 * np.log10(255**2 / error.mean()):.2f} dB"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", default=EXAMPLES, metavar="NAME")
    parser.add_argument("--preset", choices=["fast", "best", "paper"], default="fast")
    parser.add_argument("--out", type=Path, default=Path("build/examples"))
    asked = parser.parse_args()
    if not PHOTOGRAPHS.is_dir():
        sys.exit(f"the photographs are missing: {PHOTOGRAPHS}")
    asked.out.mkdir(parents=True, exist_ok=True)
    for name in asked.names:
        make(name, asked.preset, asked.out)


if __name__ == "__main__":
    main()
