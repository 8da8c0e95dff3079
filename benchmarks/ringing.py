"""Measure rings, amplified noise, and power beyond the cut-off of a deconvolution.

    python benchmarks/ringing.py

Discs and lines of a known brightness on a flat ground are blurred by a widefield objective. Rings
are the largest mean error at one distance from the edge of a disc, outside and inside, as a part
of its brightness above the ground. The noise is that of the flat ground far from all structure, of
result and image. Power beyond the cut-off is the part of the power of all but the mean, of truth
and result. Negative is the darkest pixel of the result, in units of the ground.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from deconvolution import READ, ours, psnr, richardson_lucy
from scipy.ndimage import distance_transform_edt
from scipy.signal import fftconvolve

from napari_dip import Optics, optical_psf

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Image = NDArray[np.float64]

SIDE = 144
GROUND = 0.1  # of the brightness
NEAR = 14  # pixels from an edge, within which rings are searched
OPTICS = Optics(na=1.2, ri=1.33, wavelength=520, pixel_size=0.065)


def phantom() -> tuple[Image, NDArray[np.bool_]]:
    """Draw discs and lines, and mark the discs."""
    y, x = np.indices((SIDE, SIDE))
    discs = np.zeros((SIDE, SIDE), bool)
    for row, column, radius in ((36, 36, 14), (36, 104, 8), (84, 36, 5)):
        discs |= np.hypot(y - row, x - column) <= radius
    lines = (y > 70) & (y < 118) & (x > 84) & (x < 120) & (x % 9 == 0)
    return GROUND + (1 - GROUND) * (discs | lines), discs


def rings(image: Image, truth: Image, discs: NDArray[np.bool_]) -> tuple[float, float]:
    """Return the largest mean error at one distance, outside and inside of the discs."""
    others = (truth > GROUND) & ~discs
    apart = distance_transform_edt(~others) > NEAR
    error = (image - truth) / (1 - GROUND)
    found = []
    for distance in (distance_transform_edt(~discs), distance_transform_edt(discs)):
        # The two pixels at the edge are blur, not rings.
        shells = [apart & (distance > d) & (distance <= d + 1) for d in range(2, NEAR)]
        means = [error[shell].mean() for shell in shells if shell.sum() > 20]
        found.append(float(max(means, key=abs)))
    return found[0], found[1]


def beyond_cutoff(image: Image) -> float:
    """Return the part of the power at frequencies that the objective does not transmit."""
    window = np.hanning(SIDE)[:, None] * np.hanning(SIDE)
    power = np.abs(np.fft.fft2((image - image.mean()) * window)) ** 2
    frequency = np.fft.fftfreq(SIDE, OPTICS.pixel_size)
    outside = np.hypot(frequency[:, None], frequency) > OPTICS.cutoff
    return float(power[outside].sum() / power.sum())


def row(name: str, image: Image, truth: Image, discs: NDArray[np.bool_], seen: Any) -> str:
    flat = distance_transform_edt(truth <= GROUND) > NEAR
    flat[:NEAR] = flat[-NEAR:] = flat[:, :NEAR] = flat[:, -NEAR:] = False
    noise = image[flat].std() / seen[flat].std()
    outside, inside = rings(image, truth, discs)
    return (
        f"| {name} | {psnr(truth, image):.2f} | {100 * outside:+.1f}, {100 * inside:+.1f} | "
        f"{noise:.2f} | {100 * beyond_cutoff(image):.2f} | {image.min() / GROUND:.2f} |"
    )


def main() -> None:
    truth, discs = phantom()
    psf = optical_psf(OPTICS, truth.shape).values.astype(float)
    margins = [(size // 2, size // 2) for size in psf.shape]
    blurred = fftconvolve(np.pad(truth, margins, constant_values=GROUND), psf, mode="valid")
    print(f"power of the truth beyond the cut-off: {100 * beyond_cutoff(truth):.2f} %\n")
    print("| | PSNR / dB | rings outside, inside / % | noise | beyond / % | darkest |")
    print("|---" * 6 + "|")
    for photons in (30, 200, 2000):
        random = np.random.default_rng(0)
        noisy = random.poisson(blurred * photons) + random.normal(0, READ, blurred.shape)
        found = {
            "image": noisy,
            "Richardson-Lucy, oracle": richardson_lucy(noisy, psf, truth * photons),
            "deconvolve": ours(noisy, psf.astype(np.float32)),
        }
        for name, image in found.items():
            print(
                row(f"{name}, {photons}", image / photons, truth, discs, noisy / photons),
                flush=True,
            )


if __name__ == "__main__":
    main()
