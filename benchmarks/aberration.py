"""Compare deconvolution with and without an estimate of the spherical aberration.

    python benchmarks/aberration.py

The stacks are those of ``deconvolution.py``, blurred with an aberration that is not told.
"""

from __future__ import annotations

import numpy as np
from deconvolution import Case, microscope, ours, psnr, simulate

from napari_dip import Optics, optical_psf, refine_optics

WAVES = 0.15
STACK = (16, 64, 64)
CASES = [
    Case("golgi", "widefield", 300, 1.0, STACK),
    Case("filaments", "widefield", 300, 1.0, STACK),
    Case("nuclei", "widefield", 1000, 1.0, STACK),
]


def main() -> None:
    print("| case | waves, found | as told | refined | known |")
    print("|---" * 5 + "|")
    gains = []
    for case in CASES:
        for waves in (WAVES, 0.0):
            truth, noisy = simulate(case, spherical=waves)
            told = microscope(case)
            refined = refine_optics(noisy.astype(np.float32), told, axes="ZYX", device="cpu")
            known = Optics(**dict(told) | {"spherical": waves})
            tried = {
                each.spherical: psnr(truth, ours(noisy, optical_psf(each, case.shape).values))
                for each in {told, refined, known}
            }
            quality = [tried[each.spherical] for each in (told, refined, known)]
            gains.append(quality[1] - quality[0])
            cells = " | ".join(f"{each:.2f}" for each in quality)
            print(f"| {case} | {waves:g}, {refined.spherical:g} | {cells} |", flush=True)
    print(f"gain: mean {np.mean(gains):+.2f} dB, least {min(gains):+.2f}")


if __name__ == "__main__":
    main()
