"""Measure what ``artefact="jpeg"`` gains over noise estimation on JPEG images.

    python benchmarks/jpeg.py

Crops of 96 x 96 pixels of photographs and micrographs are compressed with quality 10, 20 and 40.
"""

from __future__ import annotations

import numpy as np
from cases import photograph
from skimage import color, data
from skimage.metrics import peak_signal_noise_ratio as psnr

from napari_dip import Denoise, Settings, restore
from napari_dip.generators import finished
from napari_dip.noise.jpeg import compress_jpeg

SIDE = 96


def crop(image: np.ndarray) -> np.ndarray:
    """Cut out the middle at the edges of the JPEG blocks, in 8 bits."""
    grey = color.rgb2gray(image[..., :3]) * 255 if image.ndim == 3 else image
    row, column = ((side - SIDE) // 16 * 8 for side in grey.shape)
    return grey[row : row + SIDE, column : column + SIDE].round().clip(0, 255).astype(np.uint8)


def main() -> None:
    images = {name: photograph(name) for name in ("01", "05", "F16", "barbara", "neuron")}
    images |= {name: getattr(data, name)() for name in ("coins", "moon", "brick")}
    print("| image | quality | compressed | fast, noise | fast, jpeg |\n|---|---|---|---|---|")
    for name, image in images.items():
        truth = crop(np.asarray(image))
        for quality in (10, 20, 40):
            observed = compress_jpeg(truth, quality)
            found = [
                psnr(truth, np.asarray(finished(restore(observed, Settings(task=task))).image))
                for task in (Denoise(), Denoise(artefact="jpeg"))
            ]
            noise, jpeg = found
            before = psnr(truth, observed)
            print(f"| {name} | {quality} | {before:.2f} | {noise:.2f} | {jpeg:.2f} |", flush=True)


if __name__ == "__main__":
    main()
