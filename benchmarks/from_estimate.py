"""Compare PSNR and processor time of ``fast`` and of its network alone.

    OMP_NUM_THREADS=1 python benchmarks/from_estimate.py [--size 128] [--groups pixels holes]

Every method restores each image in turn, on the threads that torch has: the network alone
(``refinement=0``), which takes all its iterations, and ``fast`` with several numbers of iterations.
PSNR is that of the missing pixels, or of all but the border. Seconds are those of the processor;
the first call of each method does not count. For a processor without bfloat16 set
``ATEN_CPU_CAPABILITY=avx2 ONEDNN_MAX_CPU_ISA=AVX2``.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from cases import SHARED, Case, Pixels, crop, decimated, half_missing, photograph
from results_file import ResultsFile

from napari_dip import Inpaint, Settings, restore
from napari_dip.generators import finished

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PHOTOGRAPHS = ("barbara", "F16", "05", "butterfly", "neuron", "zebra")
PLACES = ((-0.15, -0.15), (0.0, 0.15), (0.15, 0.0))  # of holes, of the side of the image
ITERATIONS = (10, 20, 80)


def without(name: str, truth: Pixels, missing: Pixels) -> Case:
    """Remove pixels of all channels."""
    everywhere = missing if truth.ndim == 2 else missing[..., None]
    observed = np.where(everywhere, 0, truth)
    return Case(name, truth, observed, Settings(task=Inpaint()), missing)


def pixels(size: int) -> Iterator[Case]:
    """Remove 30 to 80 % of single pixels."""
    for name, part in zip(PHOTOGRAPHS, (0.5, 0.5, 0.3, 0.3, 0.3, 0.8), strict=True):
        case = half_missing(name, size, part=part)
        yield without(case.name, case.truth, case.missing)


def scratches(size: int) -> Iterator[Case]:
    """Remove three of 30 rows, and lines across them."""
    for name in PHOTOGRAPHS:
        missing = np.zeros((size, size), bool)
        for line in range(3):
            missing[20 + line :: 30] = True
        missing[:, 17::25] = missing[:, 18::25] = True
        yield without(f"{name} {size}, scratches", crop(photograph(name), size), missing)


def holes(size: int) -> Iterator[Case]:
    """Remove a disc, an eighth of the image wide, at three places."""
    for name in PHOTOGRAPHS:
        for down, right in PLACES:
            rows, columns = np.indices((size, size)) - size / 2
            missing = np.hypot(rows - down * size, columns - right * size) < size / 8
            case_name = f"{name} {size}, hole {down:g} {right:g}"
            yield without(case_name, crop(photograph(name), size), missing)


def enlarged(size: int) -> Iterator[Case]:
    """Decimate by 2 and by 4."""
    for factor in (2, 4):
        for name in PHOTOGRAPHS:
            yield decimated(name, size, factor)


GROUPS: dict[str, Callable[[int], Iterator[Case]]] = {
    "pixels": pixels,
    "scratches": scratches,
    "holes": holes,
    "enlarged": enlarged,
}


def methods() -> dict[str, Settings]:
    """Return the settings to compare, by name; the first one is the reference."""
    fast = Settings(device="cpu", dtype="float32")
    fewer = {f"fast, {count} iterations": fast.replace(iterations=count) for count in ITERATIONS}
    return {"network alone": fast.replace(refinement=0), **fewer, "fast": fast}


def measured(case: Case, settings: Settings) -> tuple[float, float]:
    """Return PSNR in dB of the missing pixels, and the processor time in seconds."""
    settings = settings.replace(task=case.settings.task)
    began = time.process_time()
    image = finished(restore(case.observed, settings, mask=case.missing)).image
    seconds = time.process_time() - began
    error = np.asarray(image, np.float64) - case.truth
    if case.missing is not None:
        error = error[case.missing]
    elif case.border:
        error = error[case.border : -case.border, case.border : -case.border]
    return float(10 * np.log10(255**2 / np.square(error).mean())), seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--groups", nargs="+", choices=GROUPS, default=[*GROUPS])
    parser.add_argument("--out", type=Path, default=Path("build/bench/from_estimate.json"))
    options = parser.parse_args()
    if not SHARED.is_dir():
        raise SystemExit(f"{SHARED} is missing: this comparison needs the evaluation images")
    compared = methods()
    capability = os.environ.get("ATEN_CPU_CAPABILITY", torch.backends.cpu.get_cpu_capability())
    print(f"{options.size}², {torch.get_num_threads()} threads, {capability}")
    results = ResultsFile(options.out, ("group", "case", "size", "method", "on"), resume=True)
    for settings in compared.values():
        measured(next(pixels(48)), settings.replace(iterations=2))
    for group in options.groups:
        rows: dict[str, list[tuple[float, float]]] = {name: [] for name in compared}
        for case in GROUPS[group](options.size):
            for name, settings in compared.items():
                level, seconds = measured(case, settings)
                rows[name].append((level, seconds))
                row = {"group": group, "case": case.name, "size": options.size, "method": name}
                results.add(row | {"on": capability, "dB": level, "cpu_s": seconds})
        reference, *_ = rows.values()
        for name, found in rows.items():
            gains = [one[0] - other[0] for one, other in zip(found, reference, strict=True)]
            print(
                f"{group:10} {name:20} {statistics.mean(one[0] for one in found):6.2f} dB, "
                f"{statistics.mean(gains):+.2f} (worst {min(gains):+.2f}); "
                f"{statistics.mean(one[1] for one in found):5.2f} CPU s",
                flush=True,
            )


if __name__ == "__main__":
    main()
