"""Measure how often the 90 % intervals of the uncertainty hold the truth.

    OMP_NUM_THREADS=1 python benchmarks/coverage.py [--group real] [--resume] [--out build/bench]

Each image is restored with ``fast``, without and with its uncertainty. The table has the coverage
of all pixels and of each fifth of the pixels by intensity, the mean half width of the intervals
relative to the root mean square error, and the CPU seconds relative to those without uncertainty.
"tuned" are the images on which the constants were chosen; "held out" are other images, other parts
of the same frames, and stacks.

The noise that is left in a reference widens the interval: of a mean of n frames it is that of the
frame, divided by the square root of n; that of the fluorescence images is estimated.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import tifffile
from cases import SHARED, Pixels, crop, pairs
from metrics import fit_gain_and_offset
from results_file import ResultsFile
from scipy.ndimage import gaussian_filter
from skimage import color, data, io

from napari_dip import Result, Settings, restore
from napari_dip.generators import finished
from napari_dip.image.standard_error import NORMAL_90
from napari_dip.noise.estimate import estimate_noise
from napari_dip.noise.model import from_record

if TYPE_CHECKING:
    from collections.abc import Iterator

SIDE = 256
OVERALL, FIFTHS = (0.86, 0.94), (0.80, 0.97)


@dataclass(frozen=True)
class Reference:
    """An observed image with its truth, and how much noise that truth still has.

    ``frames`` were averaged for a truth on a scale of its own; 0 for a simulated image.
    """

    name: str
    group: str
    truth: Pixels
    observed: Pixels
    axes: str = "YX"
    frames: int = 0
    noisy_truth: bool = False


SIMULATED = {
    "tuned": (
        ("kodim03", "Gaussian", 15),
        ("kodim05", "Gaussian", 25),
        ("kodim08", "mixed", 40),
        ("kodim13", "Gaussian", 20),
        ("kodim19", "mixed", 20),
        ("kodim23", "Poisson", 30),
        ("01", "Gaussian", 25),
        ("05", "Poisson", 30),
        ("neuron", "mixed", 30),
        ("cell 0", "mixed", 20),
        ("cell 1", "mixed", 40),
        ("cell 2", "Gaussian", 15),
        ("camera", "mixed", 60),
        ("coins", "Gaussian", 10),
        ("brick", "Gaussian", 25),
        ("chelsea", "mixed", 100),
        ("moon", "Gaussian", 8),
        ("F16", "Gaussian", 35),
        ("barbara", "Poisson", 60),
        ("cbsd", "Gaussian", 12),
        ("coffee", "mixed", 25),
        ("kate", "Poisson", 20),
    ),
    "held out": (
        ("kodim03, corner", "mixed", 30),
        ("kodim05, corner", "mixed", 80),
        ("kodim08, corner", "Gaussian", 10),
        ("kodim13, corner", "Poisson", 40),
        ("kodim19, corner", "Gaussian", 30),
        ("kodim23, corner", "mixed", 15),
        ("butterfly", "mixed", 40),
        ("astronaut", "Poisson", 50),
        ("rocket", "Gaussian", 20),
        ("library", "mixed", 60),
        ("neuron, corner", "Gaussian", 10),
        ("cell 0", "Poisson", 60),
        ("cell 1", "Gaussian", 20),
        ("zebra", "Gaussian", 25),
    ),
}
"""Image, kind of noise, and its level: the standard deviation in grey values of 255, or the photons
of the value 255; "mixed" has a read noise of 5 beside the photons."""

FILES = {
    "01": "set12/01.png",
    "05": "set12/05.png",
    "F16": "dip_repo/F16_GT.png",
    "barbara": "dip_repo/barbara.png",
    "kate": "dip_repo/kate.png",
    "library": "dip_repo/library.png",
    "zebra": "dip_repo/zebra_GT.png",
    "butterfly": "set5/butterfly.bmp",
    "cbsd": "cbsd68/101087.png",
    "neuron": "fluo16/xy_16bit__rat_hippocampal_neuron.tif",
    "cell": "fluo16/xyc_16bit__cell_dna_mts_actin.tif",
}
STACKS = {
    "golgi": "stack3d/xyz_calibrated_16bit__golgi_bfa.tif",
    "nuclei": "stack3d/xyz_8bit__nuclei_autothresh.tif",
    "calibrated, smoothed": "stack3d/image_3D_calibrated.tif",
}


def clean(name: str) -> Pixels:
    """Load a grey image of at most 256² pixels in 0..255."""
    picture, _, corner = name.partition(", ")
    picture, _, channel = picture.partition(" ")
    if picture.startswith("kodim"):
        image = io.imread(SHARED / "kodak" / f"{picture}.png")
    elif picture in FILES:
        path = SHARED / FILES[picture]
        image = tifffile.imread(path) if path.suffix == ".tif" else io.imread(path)
    else:
        image = getattr(data, picture)()
    if channel:
        image = image[int(channel)]
    if image.ndim == 3:
        image = 255 * color.rgb2gray(image[..., :3])
    image = image.astype(np.float64)
    if picture in ("neuron", "cell"):
        image = 255 * (image - image.min()) / np.ptp(image)
    return image[:SIDE, :SIDE] if corner else crop(image, SIDE)


def noisy(truth: Pixels, kind: str, level: float, seed: int = 0) -> Pixels:
    random = np.random.default_rng(seed)
    if kind == "Gaussian":
        return truth + random.normal(0, level, truth.shape)
    counted = random.poisson(truth / 255 * level) * 255 / level
    return counted + (random.normal(0, 5, truth.shape) if kind == "mixed" else 0)


def simulated() -> Iterator[Reference]:
    for group, cases in SIMULATED.items():
        for name, kind, level in cases:
            truth = clean(name)
            noisy_truth = name.startswith(("neuron", "cell"))
            label = f"{name}, {kind} {level}"
            observed = noisy(truth, kind, level)
            yield Reference(label, group, truth, observed, noisy_truth=noisy_truth)


def real() -> Iterator[Reference]:
    for folder, frames in (("fmd_confocal", 50), ("w2s", 400)):
        for case in pairs(SHARED / folder):
            images = case.truth, case.observed
            middle = (crop(image, SIDE) for image in images)
            yield Reference(case.name, "real", *middle, frames=frames)
            corner = (image[:SIDE, :SIDE] for image in images)
            yield Reference(f"{case.name}, corner", "real, held out", *corner, frames=frames)


def stacks() -> Iterator[Reference]:
    found = {name: tifffile.imread(SHARED / file).squeeze() for name, file in STACKS.items()}
    frames = sorted((SHARED / "timelapse").glob("mitocheck_T*.tif"))[:12]
    found["mitocheck"] = np.stack([tifffile.imread(frame).squeeze() for frame in frames])
    for name, stack in found.items():
        truth = stack[:12, :128, :128].astype(np.float64)
        if name.endswith("smoothed"):
            # It is as noisy as the noise that is added.
            truth = gaussian_filter(truth, (0.7, 1.5, 1.5))
        truth = 255 * (truth - truth.min()) / np.ptp(truth)
        axes = "TYX" if name == "mitocheck" else "ZYX"
        observed = noisy(truth, "mixed", 40)
        noisy_truth = not name.endswith("smoothed")
        yield Reference(name, "stacks, held out", truth, observed, axes, noisy_truth=noisy_truth)


def reference_noise(case: Reference, result: Result) -> Pixels | float:
    """Return the standard deviation of the noise that the truth has, at each pixel."""
    if case.frames:
        known = result.reports[0].noise.items()
        noise = from_record({name: value for name, value in known if value is not None})
        return noise.sigma(np.asarray(result.image)) / np.sqrt(case.frames)
    if not case.noisy_truth:
        return 0.0
    planes = case.truth.reshape(-1, *case.truth.shape[-2:]).astype(np.float32)
    noise = estimate_noise(planes, np.ones(planes.shape, bool), signal_dependent=True)
    return noise.sigma(case.truth)


def measure(case: Reference, settings: Settings) -> dict[str, object]:
    seconds, results = [], []
    for uncertainty in (False, True):
        began = time.process_time()
        steps = restore(case.observed, settings.replace(uncertainty=uncertainty))
        results.append(finished(steps))
        seconds.append(time.process_time() - began)
    result = results[1]
    image, half = np.asarray(result.image, np.float64), np.asarray(result.uncertainty)
    truth = fit_gain_and_offset(case.observed, case.truth) if case.frames else case.truth
    left = reference_noise(case, result)
    covered = np.abs(image - truth) <= np.hypot(half, NORMAL_90 * left)
    fifth = np.digitize(image, np.quantile(image, (0.2, 0.4, 0.6, 0.8)))
    square = np.mean((image - truth) ** 2) - np.mean(np.square(left))
    return {
        "coverage": float(covered.mean()),
        "fifths": [float(covered[fifth == part].mean()) for part in np.unique(fifth)],
        "half width": float(half.mean()),
        "half width / error": float(half.mean() / np.sqrt(max(square, 1e-12))),
        "seconds": seconds[0],
        "times": seconds[1] / seconds[0],
    }


def inside(row: dict[str, object]) -> bool:
    low, high = OVERALL
    return low <= row["coverage"] <= high and all(
        FIFTHS[0] <= part <= FIFTHS[1] for part in row["fifths"]
    )


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--group", nargs="*", help="only the images of these groups")
    arguments.add_argument("--preset", default="fast")
    arguments.add_argument("--resume", action="store_true", help="keep the rows of an earlier run")
    arguments.add_argument("--out", type=Path, default=Path("build/bench"))
    options = arguments.parse_args()
    name = options.out / "coverage.json"
    record = ResultsFile(name, ("case", "group", "preset"), resume=options.resume)
    for case in (*simulated(), *real(), *stacks()):
        key = {"case": case.name, "group": case.group, "preset": options.preset}
        if (options.group and case.group not in options.group) or key in record:
            continue
        settings = Settings(
            preset=options.preset,
            axes=case.axes,
            dtype="float32",
            device="cpu",
            at_once=1,
            preview_every_s=1e9,
        )
        row = key | measure(case, settings)
        record.add(row)
        fifths = " ".join(f"{100 * part:.0f}" for part in row["fifths"])
        print(
            f"{case.group:17} {case.name:26} {100 * row['coverage']:.1f} % ({fifths}) "
            f"half width / error {row['half width / error']:.2f}, {row['times']:.1f} times"
            + ("" if inside(row) else "  outside"),
            flush=True,
        )
    for group in dict.fromkeys(row["group"] for row in record.rows):
        rows = [row for row in record.rows if row["group"] == group]
        covers = np.array([row["coverage"] for row in rows])
        fifths = np.array([part for row in rows for part in row["fifths"]])
        both = sum(map(inside, rows))
        overall = ((covers >= OVERALL[0]) & (covers <= OVERALL[1])).sum()
        parts = ((fifths >= FIFTHS[0]) & (fifths <= FIFTHS[1])).mean()
        print(
            f"{group}: coverage {100 * covers.mean():.1f} % ({100 * covers.min():.1f} to "
            f"{100 * covers.max():.1f}), inside in {overall} of {len(rows)}, with all fifths in "
            f"{both}; {100 * parts:.0f} % of the fifths; "
            f"{np.median([row['times'] for row in rows]):.1f} times the seconds"
        )


if __name__ == "__main__":
    main()
