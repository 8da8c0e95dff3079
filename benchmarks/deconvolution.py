"""Compare deconvolution with Richardson-Lucy, Wiener and others, each stopped by an oracle.

    python benchmarks/deconvolution.py [--only golgi] [--psf-error 1.1] [--tune]

Truths are images and stacks of ../shared/data. They are blurred by the computed point spread
function of a water objective of NA 1.2, widefield or confocal, with light from outside of the crop,
and get Poisson noise and read noise of 2. Photons are those of the brightest blurred pixel.

The reference methods get an image that is mirrored at its borders, and the intensity without light;
those with "open border" estimate what is around it, as ``deconvolve`` does (Bertero and Boccacci,
Astron. Astrophys. 437 (2005), 369-374).
An oracle chooses their iterations (and the weights of total variation and Wiener) for the best PSNR
with the truth, which no user knows. ``deconvolve`` gets the image and the point spread function.
``--psf-error 1.1`` gives all methods one that is 10 % too wide. ``--tune`` runs the other images,
on which numbers were chosen.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import tifffile
from cases import SHARED
from scipy.fft import irfftn, rfftn
from scipy.ndimage import gaussian_filter
from scipy.signal import fftconvolve
from skimage import data, io, metrics, restoration

from napari_dip import Optics, deconvolve, denoise, optical_psf

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Image = NDArray[np.float64]

READ = 2.0
ITERATIONS = (1, 2, 3, 4, 5, 7, 10, 14, 20, 28, 40, 56, 80, 112, 160, 224, 320)
TV_WEIGHTS = (0.002, 0.01, 0.03)
PATIENCE = 12  # iterations that are not better
LEAST_SEEN = 0.01  # of the light of a pixel around the image: with less it is not estimated
WIENER = tuple(10.0 ** np.arange(-4, 1, 0.25))


@dataclass(frozen=True)
class Case:
    """An image to blur: ``scale`` makes pixels smaller, and the blur wider."""

    name: str
    modality: str
    photons: float
    scale: float
    shape: tuple[int, ...]

    def __str__(self) -> str:
        sides = "×".join(map(str, self.shape))
        return f"{self.name} {sides}, {self.modality}, {self.photons:g} photons"


PLANE, STACK = (128, 128), (16, 96, 96)
TEST = [
    Case("neuron", "widefield", 200, 1.0, PLANE),
    Case("microtubules", "confocal", 60, 1.3, PLANE),
    Case("actin", "widefield", 1000, 1.3, PLANE),
    Case("fish", "widefield", 100, 1.2, PLANE),
    Case("w2s 112_0", "confocal", 300, 1.2, PLANE),
    Case("w2s 052_1", "widefield", 20, 1.0, PLANE),
    Case("golgi", "widefield", 300, 1.0, STACK),
    Case("golgi", "confocal", 60, 1.2, STACK),
    Case("nuclei", "widefield", 1000, 1.0, STACK),
    Case("nuclei", "confocal", 20, 1.0, STACK),
    Case("calibrated", "widefield", 100, 1.0, STACK),
    Case("calibrated", "confocal", 200, 1.2, STACK),
]
TUNE = [
    Case("set12 01", "widefield", 100, 1.0, PLANE),
    Case("set12 05", "confocal", 30, 1.5, PLANE),
    Case("mice", "widefield", 300, 1.3, PLANE),
    Case("w2s 003_1", "confocal", 60, 1.2, PLANE),
    Case("w2s 042_0", "widefield", 1000, 1.5, PLANE),
    Case("dna", "confocal", 20, 1.3, PLANE),
    Case("mitocheck", "widefield", 100, 1.0, STACK),
    Case("golgi, T", "confocal", 30, 1.3, STACK),
    Case("filaments", "widefield", 300, 1.0, STACK),
]


def truth_of(name: str) -> Image:
    """Load an image by its name; the darkest thousandth becomes 0."""
    if not SHARED.is_dir():
        blobs = data.binary_blobs(160, n_dim=3, rng=0)[:24].astype(float)
        return gaussian_filter(blobs, 1)
    stacks, frames = SHARED / "stack3d", SHARED / "timelapse"
    channels = ("dna", "microtubules", "actin")
    match name.split():
        case ["neuron"]:
            image = tifffile.imread(SHARED / "fluo16/xy_16bit__rat_hippocampal_neuron.tif")
        case ["dna" | "microtubules" | "actin"]:
            (file,) = (SHARED / "fluo16").glob("xyc*")
            image = tifffile.imread(file)[channels.index(name)]
        case ["fish" | "mice"]:
            image = tifffile.imread(SHARED / f"fmd_confocal/GT_{name}.tif").squeeze()
        case ["w2s", number]:
            image = tifffile.imread(SHARED / f"w2s/GT_{number}.tif").squeeze()
        case ["set12", number]:
            image = io.imread(SHARED / f"set12/{number}.png")
        case ["golgi"]:
            image = tifffile.imread(stacks / "xyz_calibrated_16bit__golgi_bfa.tif")
        case ["nuclei"]:
            image = tifffile.imread(stacks / "xyz_8bit__nuclei_autothresh.tif")
        case ["calibrated"]:  # noisy and of 7 planes: smoothed, and each plane three times
            image = tifffile.imread(stacks / "image_3D_calibrated.tif").squeeze().astype(float)
            image = gaussian_filter(gaussian_filter(image, (0.5, 1, 1)).repeat(3, 0), (1, 0, 0))
        case ["mitocheck"]:
            files = sorted(frames.glob("mitocheck_T*"))
            image = np.stack([tifffile.imread(file).squeeze() for file in files])
        case ["golgi,", "T"]:
            image = tifffile.imread(next(frames.glob("xyt*")))
        case _:
            image = filaments()
    image = image.astype(float)
    return image - (np.percentile(image, 0.1) if image.ndim == 2 else image.min())


def filaments() -> Image:
    """Draw curved lines in a stack."""
    random = np.random.default_rng(5)
    image = np.zeros((40, 140, 140))
    for _ in range(25):
        place = random.uniform((8, 20, 20), (32, 120, 120))
        step = random.normal(size=3) * (0.4, 1, 1)
        brightness = random.uniform(0.4, 1)
        for _ in range(220):
            step = step + random.normal(size=3) * 0.08
            step /= np.linalg.norm(step)
            place = place + 0.5 * step
            voxel = tuple(np.round(place).astype(int))
            if min(voxel) < 0 or any(v >= s for v, s in zip(voxel, image.shape, strict=True)):
                break
            image[voxel] = brightness
    return gaussian_filter(image, (0.7, 0.8, 0.8)) + 0.02


def microscope(case: Case, error: float = 1.0) -> Optics:
    """Return the microscope; ``error`` is by how much its point spread function is too wide."""
    return Optics(
        modality=case.modality,
        na=1.2,
        ri=1.33,
        wavelength=520,
        pixel_size=0.08 / case.scale / error,
        z_step=0.25 / case.scale**0.5 / error,
    )


def simulate(case: Case, seed: int = 0, **aberrations: float) -> tuple[Image, Image]:
    """Return the truth in photons and the observation, the middle of a larger image."""
    image = truth_of(case.name)
    image = image if image.ndim == len(case.shape) else image[len(image) // 2]
    optics = Optics(**dict(microscope(case)) | aberrations)
    psf = optical_psf(optics, case.shape).values.astype(float)
    margins = [(size // 2, size // 2) for size in psf.shape]
    blurred = fftconvolve(np.pad(image, margins, mode="symmetric"), psf, mode="valid")
    middle = tuple(
        slice(max(0, (have - want) // 2), max(0, (have - want) // 2) + want)
        for have, want in zip(image.shape, case.shape, strict=True)
    )
    gain = case.photons / blurred[middle].max()
    truth, seen = image[middle] * gain, (blurred[middle] * gain).clip(0)
    random = np.random.default_rng(seed)
    return truth, random.poisson(seen) + random.normal(0, READ, seen.shape)


def psnr(truth: Image, image: Image) -> float:
    return float(metrics.peak_signal_noise_ratio(truth, image, data_range=np.ptp(truth)))


def ssim(truth: Image, image: Image) -> float:
    planes = zip(np.atleast_3d(truth), np.atleast_3d(image), strict=True)
    if truth.ndim == 2:
        planes = [(truth, image)]
    span = np.ptp(truth)
    each = [metrics.structural_similarity(a, b, data_range=span) for a, b in planes]
    return float(np.mean(each))


def best(truth: Image, images: list[Image]) -> Image:
    """Let the oracle choose."""
    return max(images, key=lambda image: psnr(truth, image))


def mirrored(image: Image, psf: Image) -> tuple[Image, tuple[slice, ...]]:
    """Pad an image by half of the kernel, and return where it is."""
    halves = [min(k // 2, n) for k, n in zip(psf.shape, image.shape, strict=True)]
    inside = tuple(slice(h, h + n) for h, n in zip(halves, image.shape, strict=True))
    return np.pad(image, [(h, h) for h in halves], mode="symmetric"), inside


def richardson_lucy(noisy: Image, psf: Image, truth: Image) -> Image:
    """Run scikit-image; for stacks the same iteration without its zeros around the image."""
    if noisy.ndim == 3:
        return iterated(noisy, psf, truth, 0.0)
    padded, inside = mirrored(noisy.clip(0), psf)
    found: list[Image] = []
    for number in ITERATIONS:
        sharp = restoration.richardson_lucy(padded, psf, num_iter=number, clip=False)
        found.append(sharp[inside])
        if len(found) > 3 and psnr(truth, found[-1]) < psnr(truth, found[-4]):
            break
    return best(truth, found)


def richardson_lucy_tv(noisy: Image, psf: Image, truth: Image) -> Image:
    """Dey et al., Microsc. Res. Tech. 69 (2006), 260-266; skimage has no such method."""
    return best(truth, [iterated(noisy, psf, truth, weight) for weight in TV_WEIGHTS])


def open_border(noisy: Image, psf: Image, truth: Image) -> Image:
    return iterated(noisy, psf, truth, 0.0, is_open=True)


def iterated(
    noisy: Image, psf: Image, truth: Image, weight: float, *, is_open: bool = False
) -> Image:
    """Iterate until the best image is some iterations ago, and return it."""
    padded, inside = mirrored(noisy.clip(0).astype(np.float32), psf)
    transfer = transfer_of(psf, padded.shape)
    observed = np.full(padded.shape, not is_open, np.float32)
    observed[inside] = 1
    least, smooth = 1e-6, 1e-3 * padded.max()

    def filtered(image: Image, by: Any) -> Image:
        return irfftn(rfftn(image) * by, padded.shape)

    seen = filtered(observed, transfer.conj())
    reached = seen > LEAST_SEEN
    x = np.full(padded.shape, padded.mean(), np.float32)
    quality, chosen, since = -np.inf, x, 0
    for _ in range(ITERATIONS[-1]):
        ratio = observed * padded / filtered(x, transfer).clip(least)
        factor = filtered(ratio, transfer.conj()) / seen.clip(LEAST_SEEN)
        x = x * np.where(reached, factor, 1)
        if weight:
            slopes = [np.diff(x, axis=a, append=x.take([-1], a)) for a in range(x.ndim)]
            length = np.sqrt(sum(slope**2 for slope in slopes) + smooth**2)
            curl = sum(np.diff(slope / length, axis=a, prepend=0) for a, slope in enumerate(slopes))
            x = x / (1 - weight * curl).clip(0.1)
        x = x.clip(0)
        now = psnr(truth, x[inside])
        since += 1
        if now > quality:
            quality, chosen, since = now, x[inside], 0
        if since > PATIENCE:
            break
    return chosen.astype(float)


def wiener(noisy: Image, psf: Image, truth: Image) -> Image:
    padded, inside = mirrored(noisy, psf)
    transfer = transfer_of(psf, padded.shape)
    spectrum = rfftn(padded) * transfer.conj()
    power = np.abs(transfer) ** 2
    sharp = (irfftn(spectrum / (power + weight), padded.shape)[inside] for weight in WIENER)
    return best(truth, [image.clip(0) for image in sharp])


def transfer_of(psf: Image, shape: tuple[int, ...]) -> Any:
    kernel = np.zeros(shape, np.float32)
    kernel[tuple(slice(size) for size in psf.shape)] = psf
    return rfftn(np.roll(kernel, [-(size // 2) for size in psf.shape], range(psf.ndim)))


def denoised(noisy: Image) -> Image:
    axes = "ZYX" if noisy.ndim == 3 else "YX"
    return denoise(noisy.astype(np.float32), axes=axes, device="cpu").astype(float)


def denoise_then_sharpen(noisy: Image, psf: Image, truth: Image) -> Image:
    return richardson_lucy(denoised(noisy), psf, truth)


def denoise_then_open_border(noisy: Image, psf: Image, truth: Image) -> Image:
    return open_border(denoised(noisy), psf, truth)


METHODS: dict[str, Callable[[Image, Image, Image], Image]] = {
    "Richardson-Lucy": richardson_lucy,
    "RL-TV": richardson_lucy_tv,
    "Wiener": wiener,
    "RL, open border": open_border,
    "fast, then RL": denoise_then_sharpen,
    "fast, then RL, open border": denoise_then_open_border,
}


def ours(noisy: Image, psf: Image, preset: str = "fast") -> Image:
    axes, ndim = ("ZYX", 3) if noisy.ndim == 3 else ("YX", 2)
    image = noisy.astype(np.float32)
    return deconvolve(image, psf, axes=axes, ndim=ndim, device="cpu", preset=preset).astype(float)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="run cases whose name contains this")
    parser.add_argument("--psf-error", type=float, default=1.0, help="factor of the given width")
    parser.add_argument("--tune", action="store_true", help="run the images of the tuning")
    parser.add_argument("--out", type=Path, default=Path("build/bench"))
    options = parser.parse_args()
    names = [*METHODS, "deconvolve"]
    print(f"| case | blurred | {' | '.join(names)} | SSIM best, ours | light | CPU s |")
    print("|---" * (len(names) + 5) + "|")
    rows = []
    for case in TUNE if options.tune else TEST:
        if options.only not in str(case):
            continue
        truth, noisy = simulate(case)
        psf = optical_psf(microscope(case, options.psf_error), case.shape).values
        found = {name: run(noisy, psf.astype(float), truth) for name, run in METHODS.items()}
        began = time.process_time()
        found["deconvolve"] = ours(noisy, psf)
        seconds = time.process_time() - began
        quality = {name: psnr(truth, image) for name, image in found.items()}
        likeness = {name: ssim(truth, image) for name, image in found.items()}
        light = found["deconvolve"].sum() / noisy.sum()
        rows.append({"case": str(case), "psnr": quality, "ssim": likeness, "cpu_s": seconds})
        cells = " | ".join(f"{quality[name]:.2f}" for name in names)
        others = max(likeness[name] for name in METHODS)
        print(
            f"| {case} | {psnr(truth, noisy):.2f} | {cells} | {others:.3f}, "
            f"{likeness['deconvolve']:.3f} | {light:.3f} | {seconds:.1f} |",
            flush=True,
        )
    means = {name: np.mean([row["psnr"][name] for row in rows]) for name in names}
    print("| mean | | " + " | ".join(f"{means[name]:.2f}" for name in names) + " | | | |")
    gains = [row["psnr"]["deconvolve"] - max(row["psnr"][m] for m in METHODS) for row in rows]
    print(f"above the best of each case: mean {np.mean(gains):+.2f}, least {min(gains):+.2f} dB")
    options.out.mkdir(parents=True, exist_ok=True)
    name = f"deconvolution{'_tune' * options.tune}_{options.psf_error:g}.json"
    (options.out / name).write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
