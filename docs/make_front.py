"""Make the pictures of the front page: a micrograph with noise, scratches and blur, and restored.

    python docs/make_front.py [--out docs/images]

The input images are the samples of the plugin, made from the stained tissue of scikit-image (no
known restrictions). Each pair becomes two pictures for the slider of the site; the picture of all
pairs is for the README. Pixels are shown one to one. The distance from the truth is printed.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image
from skimage import metrics

from napari_dip import Optics, deconvolve, denoise, inpaint
from napari_dip.plugin import sample_data

if TYPE_CHECKING:
    from collections.abc import Iterator

GAP = 6  # pixels, between pictures
MICROSCOPE = Optics(na=0.15, ri=1.0, wavelength=520, pixel_size=0.5)  # of the sample "blurred"

Case = tuple[str, np.ndarray, np.ndarray, np.ndarray]


def cases() -> Iterator[Case]:
    """Yield the name, the truth, the image before and the image after of each pair."""
    truth, before = (layer[0] for layer in sample_data.noisy())
    yield "noisy", truth, before, denoise(before, axes="YX")
    truth, before, mask = (layer[0] for layer in sample_data.scratched())
    yield "scratched", truth, before, inpaint(before, mask, axes="YXS")
    truth, before = (layer[0] for layer in sample_data.blurred())
    yield "blurred", truth, before, deconvolve(before, optics=MICROSCOPE, axes="YX")


def picture(pixels: np.ndarray, limits: tuple[float, float]) -> Image.Image:
    """Show grey pixels between contrast limits; colours as they are."""
    if pixels.ndim == 3:
        return Image.fromarray(pixels)
    low, high = limits
    grey = np.clip((pixels.astype(float) - low) / (high - low), 0, 1)
    return Image.fromarray(np.round(255 * grey).astype(np.uint8)).convert("RGB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("docs/images"))
    folder = parser.parse_args().out
    pairs = []
    for name, truth, *images in cases():
        low, high = np.percentile(truth, (0.1, 99.9))  # the same limits before and after
        pairs.append([picture(pixels, (low, high)) for pixels in images])
        for word, pixels, shown in zip(("before", "after"), images, pairs[-1], strict=True):
            shown.save(folder / f"front-{name}-{word}.webp", quality=88, method=6)
            span = float(truth.max()) - float(truth.min())
            psnr = metrics.peak_signal_noise_ratio(truth, pixels, data_range=span)
            print(f"{name} {word}: {psnr:.1f} dB")
    side = pairs[0][0].width + GAP
    sheet = Image.new("RGB", (len(pairs) * side - GAP, 2 * side - GAP), "white")
    for column, pair in enumerate(pairs):
        for row, shown in enumerate(pair):
            sheet.paste(shown, (column * side, row * side))
    sheet.save(folder / "front.webp", quality=88, method=6)


if __name__ == "__main__":
    main()
