"""Measure how often ``findings`` is wrong: false alarms on ordinary images, and what it misses.

    python benchmarks/findings.py

Ordinary images are all evaluation images, and photographs with added noise. Defects are added to
micrographs and noisy photographs.
"""

from __future__ import annotations

import time
from collections import Counter

import numpy as np
import tifffile
from cases import SHARED, crop
from scipy.ndimage import gaussian_filter, median_filter, shift
from skimage import color, io
from skimage.transform import resize

from napari_dip import Settings, findings, problem
from napari_dip.noise.jpeg import compress_jpeg

SIDE = 256
MICROGRAPHS = "fluo16", "fmd_confocal", "w2s", "noisy_no_gt16", "stack3d"
PHOTOGRAPHS = "dip_repo", "set12", "set5", "cbsd68", "kodak"


def read(path) -> np.ndarray:
    image = tifffile.imread(path).squeeze() if path.suffix == ".tif" else io.imread(path)
    if image.ndim == 3 and image.shape[-1] in (3, 4):
        return (color.rgb2gray(image[..., :3]) * 255).round().astype(np.uint8)
    return image[len(image) // 2] if image.ndim == 3 else image


def images() -> dict[str, dict[str, np.ndarray]]:
    groups = {"micrographs": {}, "photographs": {}, "photographs, noisy": {}}
    for folder in MICROGRAPHS + PHOTOGRAPHS:
        for path in sorted((SHARED / folder).iterdir()):
            if "mask" in path.name or path.suffix not in (".tif", ".png", ".bmp"):
                continue
            name = f"{folder}/{path.stem}"
            image = read(path)
            if folder in MICROGRAPHS:
                groups["micrographs"][name] = image
                continue
            random = np.random.default_rng(0)
            groups["photographs"][name] = image
            noisy = image + random.normal(0, 10, image.shape)
            groups["photographs, noisy"][f"{name}, sigma 10"] = noisy.astype(np.float32)
            photons = random.poisson(image / 255 * 30).astype(np.uint16)
            groups["photographs, noisy"][f"{name}, Poisson 30"] = photons
    return groups


def kinds(image: np.ndarray, axes: str = "YX", mask: np.ndarray | None = None) -> list[str]:
    found = findings(problem(image, Settings(axes=axes, device="cpu"), mask=mask)).found
    return [each.kind for each in found]


def defects(image: np.ndarray) -> dict[str, np.ndarray]:
    """Return the image with each defect, and the kind that should be found."""
    random = np.random.default_rng(1)
    plane = image.astype(np.float64)
    sigma = np.median(np.abs(np.diff(plane, axis=1))) / 0.954 or 1.0
    rows, columns = np.indices(plane.shape)
    hot = plane.copy()
    places = random.choice(plane.size, plane.size // 2000, replace=False)
    hot.ravel()[places] += 40 * sigma
    bright = np.quantile(plane, 2 / 3)
    byte = (255 * (plane - plane.min()) / np.ptp(plane)).astype(np.uint8)
    obliquely = np.sin(2 * np.pi * (rows / 9.3 + columns / 5.1))
    return {
        "periodic noise": plane + sigma * obliquely,
        "row noise": plane + random.normal(0, sigma / 2, (plane.shape[0], 1)),
        "saturated": plane.clip(None, bright),
        "jpeg": compress_jpeg(byte, 60),
        "cut spectrum": resize(plane, [2 * side for side in plane.shape], order=1),
        "correlated noise": gaussian_filter(plane, 1).astype(np.float32),
        "median filter": median_filter(image, 3),
        "bad pixels": hot,
    }


def rounded(image: np.ndarray, sigma: float) -> np.ndarray:
    """Return the filtered image, with 256 or more grey levels."""
    plane = image.astype(np.float64)
    span = np.ptp(plane)
    if span < 255:
        plane = (plane - plane.min()) * 255 / span
    return np.round(gaussian_filter(plane, sigma)).astype(np.uint16)


def main() -> None:
    groups = images()
    noisy = groups["micrographs"] | groups["photographs, noisy"]
    for group, members in groups.items():
        found, quiet, seconds = Counter(), 0, []
        for name, image in members.items():
            began = time.process_time()
            asked = problem(image, Settings(axes="YX", device="cpu"))
            surveyed = time.process_time()
            own = [each.kind for each in findings(asked).found]
            seconds.append(time.process_time() - surveyed)
            quiet += not own
            found.update(own)
            if own:
                print(f"  {name}: {', '.join(own)} ({surveyed - began:.2f} s for the survey)")
        print(
            f"{group}: nothing found in {quiet} of {len(members)}; {dict(found)}; "
            f"{np.median(seconds):.2f} s in the median, {max(seconds):.2f} s at most",
            flush=True,
        )
    detected, other = Counter(), Counter()
    tried = [crop(image, SIDE) for name, image in noisy.items() if "GT" not in name]
    for image in tried:
        for kind, damaged in defects(image).items():
            own = kinds(damaged)
            detected[kind] += kind in own
            also = kind == "correlated noise" and "cut spectrum" in own
            other[kind] += also and kind not in own
    for kind, count in detected.items():
        print(f"{kind}: found in {count} of {len(tried)} (+ {other[kind]} as a cut spectrum)")
    for name, filtered in {
        "median filter 3 x 3": lambda image: median_filter(image, 3),
        "Gaussian filter of 1 pixel, rounded": lambda image: rounded(image, 1),
        "Gaussian filter of 2 pixels, rounded": lambda image: rounded(image, 2),
    }.items():
        count = sum(
            bool({"cut spectrum", "correlated noise"} & {*kinds(filtered(image))})
            for image in tried
        )
        print(f"{name}: found in {count} of {len(tried)}", flush=True)
    made_to_fool()


def made_to_fool() -> None:
    random = np.random.default_rng(2)
    rows, columns = np.indices((256, 256))
    disc = np.hypot(rows - 128, columns - 128) < 40
    noisy = 100 + 60 * disc + random.normal(0, 8, disc.shape)
    spot = 100 + random.normal(0, 8, disc.shape)
    spot[100, 50] += 32
    print(
        "a hole over the only object:", kinds(noisy, mask=np.hypot(rows - 128, columns - 128) < 45)
    )
    print("a faint spot of one pixel:", kinds(spot))
    print("a disc:", kinds(noisy))
    frames = [
        shift(
            100 + 60 * gaussian_filter(disc.astype(float), 3) * 0.97**t,
            (0.4 * t, -0.2 * t),
            mode="nearest",
        )
        + random.normal(0, 3, disc.shape)
        for t in range(20)
    ]
    print("a bleaching, drifting disc:", kinds(np.stack(frames), "TYX"))
    files = sorted((SHARED / "timelapse").glob("mitocheck*"))
    print("mitocheck:", kinds(np.stack([tifffile.imread(path) for path in files]), "TYX"))
    (path,) = (SHARED / "timelapse").glob("xyt*")
    print("golgi, time-lapse:", kinds(tifffile.imread(path), "TYX"))


if __name__ == "__main__":
    main()
