"""Measure how often ``check_residual`` raises a false alarm, and how often it finds lost structure.

    python benchmarks/residual_check.py [--resume]

Noisy images with a truth are restored well (by `fast`; or by the truth itself), and badly on
purpose. The truth tells how much structure a bad result lost: the mean square of its smoothed
difference from the truth, in variances of the noise.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import tifffile
from cases import SHARED, crop, photograph
from metrics import fit_gain_and_offset
from results_file import ResultsFile
from scipy.ndimage import gaussian_filter, median_filter
from skimage import color, io

from napari_dip import SensorNoise, Settings, check_residual, denoise, problem
from napari_dip.assess.standardise import standardise

if TYPE_CHECKING:
    from napari_dip.noise.poisson_gaussian import PoissonGaussian

SIDE = 256
PHOTOGRAPHS = "01", "05", "F16", "barbara", "cbsd", "neuron"
KODAK = "03", "05", "08", "13", "19", "23"
MICROGRAPHS = "002_0", "032_2", "052_1", "082_0"
SPOTS = 6
SPOT_SIGMAS = 8.0
VISIBLE_LOSS = 0.05
"""Variances of the noise: a larger loss counts as visible."""


def grey(image: np.ndarray) -> np.ndarray:
    return crop(color.rgb2gray(image[..., :3] / 255) * 255 if image.ndim == 3 else image, SIDE)


def truths() -> dict[str, np.ndarray]:
    images = {name: grey(photograph(name)) for name in PHOTOGRAPHS}
    images |= {f"kodak {n}": grey(io.imread(SHARED / f"kodak/kodim{n}.png")) for n in KODAK}
    for name in MICROGRAPHS:
        image = tifffile.imread(SHARED / f"w2s/GT_{name}.tif").squeeze()
        images[f"w2s {name}"] = crop(image.astype(np.float64), SIDE)
    return images


def observations() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return observed image and truth, on one intensity scale."""
    pairs = {}
    for name, truth in truths().items():
        random = np.random.default_rng(0)
        for sigma in (25, 10):
            noisy = truth + random.normal(0, sigma, truth.shape)
            pairs[f"{name}, sigma {sigma}"] = noisy.astype(np.float32), truth
        for peak in (30, 5):
            photons = random.poisson(truth / 255 * peak)
            pairs[f"{name}, Poisson {peak}"] = (
                (100 * photons + 200).astype(np.uint16),
                truth / 255 * peak * 100 + 200,
            )
    for folder in ("w2s", "fmd_confocal"):
        for path in sorted((SHARED / folder).glob("NOISY_*.tif")):
            observed, truth = (
                crop(tifffile.imread(path.with_name(name)).squeeze(), SIDE)
                for name in (path.name, path.name.replace("NOISY", "GT"))
            )
            pairs[f"real {path.stem[6:]}"] = observed, fit_gain_and_offset(observed, truth)
    return pairs


def with_spots(truth: np.ndarray, sigma: np.ndarray) -> np.ndarray:
    """Return six spots of one pixel, eight standard deviations of the noise above the truth."""
    places = np.random.default_rng(1).choice(truth.size, SPOTS, replace=False)
    spots = np.zeros(truth.shape)
    spots.ravel()[places] = SPOT_SIGMAS * sigma.ravel()[places]
    return spots


def stronger(noise: PoissonGaussian, times: float) -> float | SensorNoise:
    """Return the setting of a noise whose standard deviation is so many times that of another."""
    if not noise.signal_dependent:
        return times * noise.read
    return SensorNoise(gain=times**2 * noise.gain, offset=noise.offset, read=times * noise.read)


def results(observed: np.ndarray, truth: np.ndarray) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return the image and the result of each way to restore it."""
    asked = problem(observed, Settings(device="cpu"))
    (noise,) = asked.survey.noises
    quick = {"device": "cpu", "dtype": "float32"}
    fast = denoise(observed, **quick).astype(np.float64)
    image = observed.astype(np.float64)
    spots = with_spots(truth, noise.sigma(truth))
    made = {
        "truth": truth,
        "fast": fast,
        "noise set twice too strong": denoise(observed, noise=stronger(noise, 2), **quick),
        "noise set half as strong": denoise(observed, noise=stronger(noise, 1 / 2), **quick),
        "fast, blurred by 0.7": gaussian_filter(fast, 0.7),
        "fast, blurred by 1": gaussian_filter(fast, 1),
        "fast, blurred by 1.5": gaussian_filter(fast, 1.5),
        "median filter 3 x 3 of the image": median_filter(image, 3),
        "image, blurred by 0.5": gaussian_filter(image, 0.5),
        "mean of image and fast": (image + fast) / 2,
        "the image": image,
    }
    pairs = {name: (observed, result) for name, result in made.items()}
    return pairs | {"fast, six spots of one pixel lost": (image + spots, fast)}


def loss(truth: np.ndarray, result: np.ndarray, noise: object) -> float:
    """Return the mean square of the smoothed difference, in variances of the noise."""
    return float(np.mean(gaussian_filter(standardise(truth, result, noise), 1) ** 2))


def measure(rows: ResultsFile) -> None:
    for name, (observed, truth) in observations().items():
        if {"image": name, "result": "the image"} in rows:
            continue
        for way, (image, result) in results(observed, truth).items():
            asked = problem(image, Settings(device="cpu"))
            (channel,) = check_residual(asked, result).channels
            (noise,) = asked.survey.noises
            rows.add(
                {
                    "image": name,
                    "result": way,
                    "verdict": channel.verdict,
                    "structured": channel.structured,
                    "score": channel.score,
                    "correlation": list(channel.correlation.values()),
                    "expected": list(channel.expected.values()),
                    "largest": channel.largest_variance,
                    "variance": float(np.mean(channel.variance)) if channel.variance else None,
                    "loss": loss(truth, result, noise),
                }
            )
        print(name, flush=True)


def report(rows: list[dict]) -> None:
    print("| result | images | structure | noise left | noise | structure where loss is visible |")
    print("|---|---|---|---|---|---|")
    for way in dict.fromkeys(row["result"] for row in rows):
        of_way = [row for row in rows if row["result"] == way]
        counts = [
            sum(row["verdict"] in kinds for row in of_way)
            for kinds in ({"structure"}, {"noise left", "unchanged"}, {"noise"})
        ]
        visible = [row for row in of_way if row["loss"] > VISIBLE_LOSS]
        found = sum(row["verdict"] == "structure" for row in visible)
        cells = [way, len(of_way), *counts, f"{found} of {len(visible)}"]
        print("| " + " | ".join(map(str, cells)) + " |")
    for way in ("truth", "fast"):
        of_way = [row for row in rows if row["result"] == way]
        excess = [np.subtract(row["correlation"], row["expected"]) for row in of_way]
        print(
            f"{way}: structure in at most {max(row['structured'] for row in of_way):.2g}, "
            f"score at most {max(row['score'] for row in of_way):.2f}, correlation along the axes "
            f"{min(each[:2].mean() for each in excess):.3f} to "
            f"{max(each[:2].mean() for each in excess):.3f}, across corners from "
            f"{min(each[2:].mean() for each in excess):.3f}, largest variance from "
            f"{min(row['largest'] for row in of_way):.2f}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--resume", action="store_true")
    arguments = parser.parse_args()
    rows = ResultsFile(
        Path("build/bench/residual_check.json"), ("image", "result"), resume=arguments.resume
    )
    measure(rows)
    report(rows.rows)


if __name__ == "__main__":
    main()
