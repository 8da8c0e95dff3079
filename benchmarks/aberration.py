"""Compare deconvolution with and without an estimate of the aberrations.

    python benchmarks/aberration.py [--only golgi]

The stacks are those of ``deconvolution.py``, blurred with aberrations that are not told.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from deconvolution import Case, microscope, ours, psnr, simulate

from napari_dip import Optics, estimate_aberrations, optical_psf

STACK = (16, 64, 64)
CASES = [
    Case("golgi", "widefield", 300, 1.0, STACK),
    Case("filaments", "widefield", 300, 1.0, STACK),
    Case("nuclei", "widefield", 1000, 1.0, STACK),
    Case("calibrated", "widefield", 200, 1.0, STACK),
    Case("mitocheck", "widefield", 100, 1.0, STACK),
]
ABERRATIONS: list[dict[str, float]] = [
    {},
    {"spherical": 0.15},
    {"astigmatism": 0.12, "astigmatism_angle": 30},
    {"spherical": -0.1, "astigmatism": 0.1, "astigmatism_angle": 120},
]


def words(optics: Optics) -> str:
    return f"{optics.spherical:g}, {optics.astigmatism:g} at {optics.astigmatism_angle:g}°"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="run cases whose name contains this")
    options = parser.parse_args()
    print("| case | spherical, astigmatism | found | as told | estimated | known | CPU s |")
    print("|---" * 7 + "|")
    gains = []
    for case in CASES:
        if options.only not in case.name:
            continue
        for aberrations in ABERRATIONS:
            truth, noisy = simulate(case, **aberrations)
            told = microscope(case)
            known = Optics(**dict(told) | aberrations)
            began = time.process_time()
            found = estimate_aberrations(noisy.astype(np.float32), told, axes="ZYX", device="cpu")
            seconds = time.process_time() - began
            tried = {
                words(each): psnr(truth, ours(noisy, optical_psf(each, case.shape).values))
                for each in (told, found, known)
            }
            quality = [tried[words(each)] for each in (told, found, known)]
            gains.append(quality[1] - quality[0])
            cells = " | ".join(f"{each:.2f}" for each in quality)
            print(
                f"| {case} | {words(known)} | {words(found)} | {cells} | {seconds:.0f} |",
                flush=True,
            )
    print(f"gain: mean {np.mean(gains):+.2f} dB, least {min(gains):+.2f}")


if __name__ == "__main__":
    main()
