"""Compare PSNR and processor time of ``fast`` and VST + BM3D, on micrographs and photographs.

    OMP_NUM_THREADS=1 python benchmarks/against_bm3d.py [--size 256] [--steps] [--groups W2S FMD]

Both run one after the other on each image, on the threads that torch has; BM3D has one thread.
``--steps`` adds the filter alone and fits of 10, 20 and 80 iterations. Seconds are those of the
processor. The first call of each method, which loads libraries, does not count. For a processor
without bfloat16 set ``ATEN_CPU_CAPABILITY=avx2 ONEDNN_MAX_CPU_ISA=AVX2``.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import tifffile
import torch
from cases import SHARED, Case, Pixels, crop, gaussian
from metrics import fitted_psnr, psnr
from reference_methods import bm3d
from results_file import ResultsFile
from skimage import io

from napari_dip import Settings, restore
from napari_dip.generators import finished

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PHOTOGRAPHS = (
    *(f"kodak/kodim{number}.png" for number in ("03", "05", "08", "13", "19", "23")),
    "set12/01.png",
    "set12/05.png",
    "dip_repo/F16_GT.png",
    "dip_repo/barbara.png",
    "dip_repo/zebra_GT.png",
)
LUMA = (0.299, 0.587, 0.114)


def photographs(size: int) -> Iterator[Case]:
    """Add noise of sigma 25 to grey photographs."""
    for name in PHOTOGRAPHS:
        image = io.imread(SHARED / name).astype(np.float64)
        truth = crop(image if image.ndim == 2 else image[..., :3] @ LUMA, size)
        observed = truth + np.random.default_rng(0).normal(0, 25, truth.shape)
        yield Case(Path(name).stem, truth, observed, Settings(), known={"sigma": 25.0})


def real_frames(folder: str, size: int) -> Iterator[Case]:
    """Cut crops from real frames, whose truth is the mean of many; two of a frame of 512²."""
    for path in sorted((SHARED / folder).glob("NOISY_*")):
        pair = [
            tifffile.imread(each).squeeze().astype(np.float64)
            for each in (path.with_name(path.name.replace("NOISY", "GT")), path)
        ]
        corners = [0, 256] if folder == "fmd_confocal" and size == 256 else [None]
        for corner in corners:
            truth, observed = (
                crop(image, size)
                if corner is None
                else image[corner : corner + size, corner : corner + size]
                for image in pair
            )
            name = path.stem.removeprefix("NOISY_") + ("" if corner is None else f" {corner}")
            yield Case(name, truth, observed, Settings(), relative=True)


def simulated(size: int) -> Iterator[Case]:
    """Add noise to a clean neuron and to channels of a cell."""
    yield gaussian("neuron", size, 15, seed=1)
    channels = tifffile.imread(SHARED / "fluo16/xyc_16bit__cell_dna_mts_actin.tif")
    if size > channels.shape[-1]:
        return
    for number, channel in enumerate(channels.astype(np.float64)):
        truth = crop(255 * channel / channel.max(), size)
        observed = np.random.default_rng(number).poisson(truth / 255 * 20) * 255 / 20
        yield Case(f"cell {number}, 20 photons", truth, observed, Settings())


GROUPS: dict[str, Callable[[int], Iterator[Case]]] = {
    "FMD": partial(real_frames, "fmd_confocal"),
    "W2S": partial(real_frames, "w2s"),
    "simulated": simulated,
    "photographs": photographs,
}


def restored(case: Case, settings: Settings) -> Pixels:
    """Restore a case in float64, so that rounding does not count."""
    result = finished(restore(case.observed, settings))
    return np.asarray(result.image, np.float64)


def methods(*, steps: bool) -> dict[str, Callable[[Case], Pixels]]:
    """Return the methods by name, BM3D first."""
    settings = Settings(device="cpu", dtype="float32")
    found: dict[str, Callable[[Case], Pixels]] = {"VST + BM3D": bm3d}
    if steps:
        found["filter alone"] = partial(restored, settings=settings.replace(prior="none"))
        for count in (10, 20, 80):
            name = f"fast, {count} iterations"
            found[name] = partial(restored, settings=settings.replace(iterations=count))
    return found | {"fast": partial(restored, settings=settings)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--steps", action="store_true")
    parser.add_argument("--groups", nargs="+", choices=GROUPS, default=[*GROUPS])
    parser.add_argument("--out", type=Path, default=Path("build/bench/against_bm3d.json"))
    options = parser.parse_args()
    if not SHARED.is_dir():
        raise SystemExit(f"{SHARED} is missing: this comparison needs the evaluation images")
    compared = methods(steps=options.steps)
    capability = os.environ.get("ATEN_CPU_CAPABILITY", torch.backends.cpu.get_cpu_capability())
    print(f"{options.size}², {torch.get_num_threads()} threads, {capability}")
    results = ResultsFile(options.out, ("group", "case", "size", "method", "on"), resume=True)
    small = next(photographs(64))
    for method in compared.values():
        method(small)
    for group in options.groups:
        rows: dict[str, list[tuple[float, float]]] = {name: [] for name in compared}
        for case in GROUPS[group](options.size):
            for name, method in compared.items():
                began = time.process_time()
                image = method(case)
                seconds = time.process_time() - began
                level = fitted_psnr(case, image) if case.relative else psnr(case, image)
                rows[name].append((level, seconds))
                row = {"group": group, "case": case.name, "size": options.size, "method": name}
                results.add(row | {"on": capability, "dB": level, "cpu_s": seconds})
        reference = rows["VST + BM3D"]
        for name, measured in rows.items():
            gains = [one[0] - other[0] for one, other in zip(measured, reference, strict=True)]
            ratios = [one[1] / other[1] for one, other in zip(measured, reference, strict=True)]
            print(
                f"{group:12} {name:20} {statistics.mean(one[0] for one in measured):6.2f} dB, "
                f"{statistics.mean(gains):+.2f} (worst {min(gains):+.2f}); "
                f"{statistics.mean(one[1] for one in measured):5.1f} CPU s, "
                f"{statistics.median(ratios):.2f} times BM3D's",
                flush=True,
            )


if __name__ == "__main__":
    main()
