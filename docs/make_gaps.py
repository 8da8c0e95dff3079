"""Fill four kinds of gaps in one image, for the page on inpainting.

    python docs/make_gaps.py [--out docs/images]

The image is the stained tissue of scikit-image (``skimage.data``, no known restrictions). The input
is above, with missing pixels in grey, and the result below.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from make_examples import GREY, inpainted
from PIL import Image, ImageDraw, ImageFont
from skimage import data

SIDE, GAP = 192, 6


def letters() -> np.ndarray:
    """Make a mask of letters, like a burnt-in label."""
    page = Image.new("L", (SIDE, SIDE))
    font = ImageFont.load_default(14)
    for line in range(0, SIDE, 24):
        words = "10 um   channel 2   t = 00:42   "
        ImageDraw.Draw(page).text((4 - line, line + 2), 3 * words, fill=255, font=font)
    return np.asarray(page) > 100


def holes(*circles: tuple[int, int, int]) -> np.ndarray:
    rows, columns = np.indices((SIDE, SIDE))
    return np.any(
        [np.hypot(rows - row, columns - column) < radius for row, column, radius in circles], axis=0
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("docs/images"))
    asked = parser.parse_args()
    tissue = data.immunohistochemistry()[100 : 100 + SIDE, 150 : 150 + SIDE]
    masks = [
        letters(),
        np.random.default_rng(0).random((SIDE, SIDE)) < 0.5,
        holes((50, 60, 6), (120, 40, 6), (90, 140, 6), (150, 120, 6), (30, 150, 6)),
        holes((96, 96, 40)),
    ]
    sheet = Image.new("RGB", (4 * SIDE + 3 * GAP, 2 * SIDE + GAP), "white")
    for number, missing in enumerate(masks):
        seen = np.where(missing[..., np.newaxis], np.uint8(GREY), tissue)
        result = inpainted(seen, missing, "fast")
        for row, picture in enumerate((seen, np.asarray(result.image))):
            sheet.paste(Image.fromarray(picture), (number * (SIDE + GAP), row * (SIDE + GAP)))
        error = (np.asarray(result.image)[missing].astype(float) - tissue[missing]) ** 2
        print(
            f"{missing.mean():.0%} missing, {10 * np.log10(255**2 / error.mean()):.1f} dB in gaps"
        )
    sheet.save(asked.out / "gaps.jpg", quality=88, optimize=True)


if __name__ == "__main__":
    main()
