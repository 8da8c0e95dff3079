"""Measure what ``bad_pixels="auto"`` finds, what it destroys, and what it gains.

    python benchmarks/bad_pixels.py

Crops of 256 x 256 pixels. Hot pixels are 20 to 60 standard deviations of the noise bright, one in
2000. Spots of the specimen are single emitters, blurred by a Gaussian.
"""

from __future__ import annotations

import numpy as np
import tifffile
from cases import SHARED, crop
from metrics import fit_gain_and_offset
from scipy.ndimage import gaussian_filter
from skimage.metrics import peak_signal_noise_ratio

from napari_dip import Settings, denoise, problem
from napari_dip.noise.estimate import estimate_noise

SIDE = 256
WIDTHS = 0.0, 0.5, 0.6, 0.7, 0.8, 1.0, 1.3


def frames() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    pairs = {}
    for folder in ("w2s", "fmd_confocal"):
        for path in sorted((SHARED / folder).glob("NOISY_*.tif")):
            truth = path.with_name(path.name.replace("NOISY", "GT"))
            pairs[path.stem[6:]] = tuple(
                crop(tifffile.imread(p).squeeze(), SIDE) for p in (path, truth)
            )
    return pairs


def found(image: np.ndarray) -> np.ndarray:
    asked = problem(image, Settings(bad_pixels="auto", axes="YX", device="cpu"))
    return np.asarray(asked.observed.missing[()])


def psnr(truth: np.ndarray, image: np.ndarray) -> float:
    truth = truth.astype(np.float64)
    return float(peak_signal_noise_ratio(truth, fit_gain_and_offset(truth, image), data_range=255))


def main() -> None:
    random = np.random.default_rng(0)
    clean_alarms, hits, false, gains, losses = [], [], [], [], []
    for name, (observed, truth) in frames().items():
        image = observed.astype(np.float32)
        sigma = estimate_noise(image).sigma(image)
        clean_alarms.append(int(found(image).sum()))
        places = random.choice(image.size, image.size // 2000, replace=False)
        hot = image.copy()
        hot.ravel()[places] += random.uniform(20, 60, places.size) * sigma.ravel()[places]
        marked = found(hot).ravel()
        hits.append(marked[places].mean())
        false.append(int(marked.sum() - marked[places].sum()))
        quick = {"device": "cpu", "dtype": "float32", "axes": "YX"}
        ways = {way: psnr(truth, denoise(hot, bad_pixels=way, **quick)) for way in ("keep", "auto")}
        without = {
            way: psnr(truth, denoise(image, bad_pixels=way, **quick)) for way in ("keep", "auto")
        }
        gains.append(ways["auto"] - ways["keep"])
        losses.append(without["auto"] - without["keep"])
        print(
            f"{name}: {clean_alarms[-1]} found without hot pixels; with them "
            f"{100 * hits[-1]:.0f} % and {false[-1]} others; {ways['keep']:.2f} -> "
            f"{ways['auto']:.2f} dB; without {without['keep']:.2f} -> {without['auto']:.2f} dB",
            flush=True,
        )
    print(
        f"all: {sum(clean_alarms)} found in {len(clean_alarms)} frames without hot pixels; "
        f"{100 * np.mean(hits):.0f} % of the hot pixels, {sum(false)} others; "
        f"{np.mean(gains):+.2f} dB ({min(gains):+.2f} to {max(gains):+.2f}) with hot pixels, "
        f"{np.mean(losses):+.3f} dB ({min(losses):+.3f} to {max(losses):+.3f}) without"
    )
    spots()


def spots() -> None:
    """Print how many spots of the specimen are taken for hot pixels."""
    random = np.random.default_rng(0)
    print("| width of the spots, sigma in pixels | " + " | ".join(f"{w:g}" for w in WIDTHS) + " |")
    print("|---" * (len(WIDTHS) + 1) + "|")
    for strength in (15, 40):
        cells = []
        for width in WIDTHS:
            image = np.zeros((SIDE, SIDE))
            ys, xs = np.mgrid[12:SIDE:16, 12:SIDE:16]
            image[ys, xs] = 1
            if width:
                image = gaussian_filter(image, width)
            image *= strength * 5 / image.max()
            lost = found(100 + image + random.normal(0, 5, image.shape))[ys, xs].mean()
            cells.append(f"{100 * lost:.0f} %")
        print(f"| taken for hot, {strength} sigma | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
