"""Compare the presets with non-local means and BM3D on correlated noise.

    python benchmarks/correlated_noise.py [--size 256] [--resume] [--out build/bench]

Gaussian noise is blurred, correlated along the rows as by a scanner, enlarged or compressed with
its image. Non-local means and BM3D get the true standard deviation, a second BM3D the true spectrum
of the noise. The presets estimate the noise.
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
"""Images, and the standard deviation of their noise in grey values."""


def blurred(truth: Pixels, sigma: float, random: np.random.Generator, width: float) -> Pixels:
    noise = gaussian_filter(random.normal(size=truth.shape), width)
    return truth + sigma * noise / noise.std()


def along_rows(truth: Pixels, sigma: float, random: np.random.Generator) -> Pixels:
    """Add noise of which a pixel keeps 0.6 from the previous pixel of its row."""
    noise = lfilter([1], [1, -0.6], random.normal(size=truth.shape), axis=1)
    return truth + sigma * noise / noise.std()


def compressed(truth: Pixels, sigma: float, random: np.random.Generator) -> Pixels:
    noisy = (truth + random.normal(0, sigma, truth.shape)).round().clip(0, 255).astype(np.uint8)
    packed = iio.imwrite("<bytes>", noisy, extension=".jpeg", quality=70)
    return iio.imread(packed, extension=".jpeg").astype(np.float64)


def noise_kinds() -> dict[str, Callable[[Pixels, float, np.random.Generator], Pixels]]:
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
        for kind, corrupt in noise_kinds().items():
            observed = corrupt(truth, sigma, np.random.default_rng(0))
            found.append((kind, Case(picture, truth, observed, Settings(seed=0))))
        half, random = zoom(truth, 0.5, order=1), np.random.default_rng(0)
        twice = zoom(half + random.normal(0, sigma, half.shape), 2, order=1)
        found.append(("enlarged", Case(picture, zoom(half, 2, order=1), twice, Settings(seed=0))))
    return found


def reference_runs(case: Case) -> dict[str, Callable[[], Pixels]]:
    noise = case.observed - case.truth
    sigma = float(noise.std())
    methods = {
        "noisy input": lambda: case.observed,
        "NLM": lambda: denoise_nl_means(case.observed, 5, 9, h=0.8 * sigma, sigma=sigma),
    }
    if installed("VST + BM3D"):
        import bm3d

        # bm3d calls numpy.trapezoid by its name before NumPy 2.4.
        np.trapz = np.trapezoid  # type: ignore[attr-defined]
        spectrum = gaussian_filter(np.abs(np.fft.fft2(noise)) ** 2, 4, mode="wrap")
        methods["BM3D"] = lambda: bm3d.bm3d(case.observed, sigma_psd=sigma)
        methods["BM3D, spectrum"] = lambda: bm3d.bm3d(case.observed, sigma_psd=spectrum)
    return methods


def restored(case: Case, preset: str) -> Pixels:
    image: Pixels = finish(case, case.settings.replace(preset=preset)).image
    return image


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--size", type=int, default=256, help="side of the crops in pixels")
    arguments.add_argument("--presets", nargs="*", default=["fast"])
    arguments.add_argument("--resume", action="store_true", help="keep the rows of an earlier run")
    arguments.add_argument("--out", type=Path, default=Path("build/bench"))
    options = arguments.parse_args()
    record = ResultsFile(
        options.out / "correlated.json", ("case", "size", "noise", "method"), resume=options.resume
    )
    for kind, case in cases(options.size):
        runs = reference_runs(case)
        runs |= {preset: partial(restored, case, preset) for preset in options.presets}
        for method, run in runs.items():
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
