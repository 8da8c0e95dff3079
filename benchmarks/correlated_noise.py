"""Noise that neighbouring pixels share: this program, non-local means, and BM3D told more than it.

    python benchmarks/correlated_noise.py [--size 256] [--resume] [--out build/bench]

Gaussian noise is blurred, shared along the rows as by a scanner, enlarged together with its image,
or compressed. Non-local means and BM3D get the true standard deviation, and BM3D once more the true
spectrum of the noise; the presets get the image and nothing else.
"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import imageio.v3 as iio
import numpy as np
from cases import Case, Pixels, crop, photograph
from metrics import finish, measured, psnr
from reference_methods import installed
from results_file import ResultsFile
from scipy.ndimage import gaussian_filter, zoom
from scipy.signal import lfilter
from skimage.restoration import denoise_nl_means

from napari_dip import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

PICTURES = {"05": 25.0, "01": 25.0, "neuron": 15.0}
"""And the standard deviation of their noise."""


def blurred(truth: Pixels, sigma: float, random: np.random.Generator, width: float) -> Pixels:
    noise = gaussian_filter(random.normal(size=truth.shape), width)
    return truth + sigma * noise / noise.std()


def along_rows(truth: Pixels, sigma: float, random: np.random.Generator) -> Pixels:
    """Let each pixel keep 0.6 of the noise of the one before."""
    noise = lfilter([1], [1, -0.6], random.normal(size=truth.shape), axis=1)
    return truth + sigma * noise / noise.std()


def compressed(truth: Pixels, sigma: float, random: np.random.Generator) -> Pixels:
    noisy = (truth + random.normal(0, sigma, truth.shape)).round().clip(0, 255).astype(np.uint8)
    packed = iio.imwrite("<bytes>", noisy, extension=".jpeg", quality=70)
    return iio.imread(packed, extension=".jpeg").astype(np.float64)


def made() -> dict[str, Callable[[Pixels, float, np.random.Generator], Pixels]]:
    return {
        "white": lambda truth, sigma, random: truth + random.normal(0, sigma, truth.shape),
        "blurred by 0.6": lambda *given: blurred(*given, width=0.6),
        "blurred by 1": lambda *given: blurred(*given, width=1.0),
        "along rows": along_rows,
        "JPEG": compressed,
    }


def cases(size: int) -> list[tuple[str, Case]]:
    found = []
    for picture, sigma in PICTURES.items():
        truth = crop(photograph(picture), size)
        for kind, spoil in made().items():
            seen = spoil(truth, sigma, np.random.default_rng(0))
            found.append((kind, Case(picture, truth, seen, Settings(seed=0))))
        half, random = zoom(truth, 0.5, order=1), np.random.default_rng(0)
        twice = zoom(half + random.normal(0, sigma, half.shape), 2, order=1)
        found.append(("enlarged", Case(picture, zoom(half, 2, order=1), twice, Settings(seed=0))))
    return found


def rivals(case: Case) -> dict[str, Callable[[], Pixels]]:
    noise = case.seen - case.truth
    sigma = float(noise.std())
    methods = {
        "seen": lambda: case.seen,
        "NLM": lambda: denoise_nl_means(case.seen, 5, 9, h=0.8 * sigma, sigma=sigma),
    }
    if installed("VST + BM3D"):
        import bm3d

        # The package calls it by the name that it had before NumPy 2.4.
        np.trapz = np.trapezoid  # type: ignore[attr-defined]
        spectrum = gaussian_filter(np.abs(np.fft.fft2(noise)) ** 2, 4, mode="wrap")
        methods["BM3D"] = lambda: bm3d.bm3d(case.seen, sigma_psd=sigma)
        methods["BM3D, spectrum told"] = lambda: bm3d.bm3d(case.seen, sigma_psd=spectrum)
    return methods


def restored(case: Case, preset: str) -> Pixels:
    image: Pixels = finish(case, case.settings.replace(preset=preset)).image
    return image


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--size", type=int, default=256, help="side of the crops in pixels")
    arguments.add_argument("--presets", nargs="*", default=["fast"])
    arguments.add_argument("--resume", action="store_true")
    arguments.add_argument("--out", type=Path, default=Path("build/bench"))
    options = arguments.parse_args()
    record = ResultsFile(
        options.out / "correlated.json", ("case", "size", "noise", "method"), resume=options.resume
    )
    for kind, case in cases(options.size):
        ways = rivals(case)
        ways |= {preset: partial(restored, case, preset) for preset in options.presets}
        for method, run in ways.items():
            row = {"case": case.name, "size": options.size, "noise": kind, "method": method}
            if row in record:
                continue
            with measured() as cost:
                image = run()
            row |= {"psnr": psnr(case, image)} | cost.as_row()
            record.add(row)
            print(f"{case.name:7} {kind:15} {method:20} {row['psnr']:.2f} dB", flush=True)


if __name__ == "__main__":
    main()
