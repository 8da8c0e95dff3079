"""Compare the presets with other methods, over groups of images.

    OMP_NUM_THREADS=1 python benchmarks/compare.py [--groups NAME ...] [--methods NAME ...]
        [--most 4] [--data FOLDER] [--resume] [--out build/bench/compare.json]

Every method gets the same pixels, one run, and no tuning. Quick methods run first; the slow ones
then take one image of each group in turn, so that an interrupted run has as many of each group. A
row is saved at once: ``--resume`` continues. Seconds are those of the processor, without the first
call of a method, which loads libraries: they count only if the machine is quiet. For a processor
without bfloat16 set ``ATEN_CPU_CAPABILITY=avx2 ONEDNN_MAX_CPU_ISA=AVX2``. ``paper`` takes 36 min
for 256² in colour and runs only if it is named. ``page_tables.py`` makes tables of the rows.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from cases import SHARED, Case, crop, pairs
from image_groups import GROUPS
from metrics import finish, quality
from reference_methods import REFERENCE_METHODS, installed
from results_file import ResultsFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cases import Pixels

    Method = Callable[[Case], Pixels]

NOISY_INPUT = "noisy input"
OWN_PAIRS = "own pairs"

QUICK = (
    "fast",
    "filter alone",
    "non-local means",
    "VST + BM3D",
    "bicubic",
    "Telea",
    "biharmonic",
    'fast, noise="none"',
)
SLOW = ("network alone", "best", "Noise2Fast", "ZS-N2N")
EXTRA = ("paper",)

SETTINGS = {
    "fast": {},
    "best": {"preset": "best"},
    "paper": {"preset": "paper"},
    "filter alone": {"prior": "none"},
    "network alone": {"refinement": 0},
    'fast, noise="none"': {"noise": "none"},
}

ONLY = {"filter alone": "denoise", 'fast, noise="none"': "super-resolve", NOISY_INPUT: "denoise"}
"""Methods of one task."""


def method_of(name: str, kind: str) -> Method | None:
    """Return a method by its name; ``None`` if it cannot do this task or is not installed."""
    if ONLY.get(name, kind) != kind:
        return None
    if name == NOISY_INPUT:
        return lambda case: case.observed
    if name in SETTINGS:
        return lambda case: finish(case, case.settings.replace(**SETTINGS[name])).image
    return REFERENCE_METHODS[kind].get(name) if installed(name) else None


def chosen_cases(groups: list[str], most: int | None, data: Path | None) -> dict[str, list[Case]]:
    """Return the cases by group, on the CPU; ``most`` of each group."""
    found = {group: [*islice(GROUPS[group](), most)] for group in groups}
    if data:
        found[OWN_PAIRS] = pairs(data)
    return {
        group: [
            replace(case, group=group, settings=case.settings.replace(device="cpu"))
            for case in cases
        ]
        for group, cases in found.items()
    }


def work(cases: dict[str, list[Case]], methods: list[str]) -> Iterator[tuple[str, Case]]:
    """Yield methods and cases: quick methods one by one, then slow ones image by image."""
    for method in (NOISY_INPUT, *QUICK):
        if method in methods:
            for group in cases.values():
                yield from ((method, case) for case in group)
    for number in range(max(map(len, cases.values()))):
        for method in (*SLOW, *EXTRA):
            if method in methods:
                yield from (
                    (method, group[number]) for group in cases.values() if number < len(group)
                )


def warm_up(method: Method, case: Case) -> None:
    """Call a method on a small case of the same kind."""
    if case.kind == "super-resolve":
        factor = case.truth.shape[0] // case.observed.shape[0]
        small = replace(
            case, truth=crop(case.truth, 64), observed=crop(case.observed, 64 // factor)
        )
    else:
        missing = None if case.missing is None else np.eye(64, dtype=bool)
        small = replace(
            case, truth=crop(case.truth, 64), observed=crop(case.observed, 64), missing=missing
        )
    method(small)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    names = [NOISY_INPUT, *QUICK, *SLOW]
    parser.add_argument("--groups", nargs="+", choices=GROUPS, default=[*GROUPS], metavar="NAME")
    parser.add_argument(
        "--methods", nargs="+", choices=[*names, *EXTRA], default=names, metavar="NAME"
    )
    parser.add_argument("--most", type=int, help="images of each group; all by default")
    parser.add_argument(
        "--data", type=Path, help="folder with more image pairs, NOISY_*.tif and GT_*.tif"
    )
    parser.add_argument("--resume", action="store_true", help="keep the rows of an earlier run")
    parser.add_argument("--out", type=Path, default=Path("build/bench/compare.json"))
    options = parser.parse_args()
    if not SHARED.is_dir():
        raise SystemExit(f"{SHARED} is missing: this comparison needs the evaluation images")
    processor = torch.backends.cpu.get_cpu_capability()
    record = ResultsFile(
        options.out, ("group", "case", "method", "processor"), resume=options.resume
    )
    warm: set[tuple[str, str]] = set()
    for name, case in work(
        chosen_cases(options.groups, options.most, options.data), options.methods
    ):
        row = case.tags | {"method": name, "processor": processor}
        method = method_of(name, case.kind)
        if method is None or row in record:
            continue
        if name not in EXTRA and name in SETTINGS and (name, case.kind) not in warm:
            warm_up(method, case)
            warm.add((name, case.kind))
        began = time.process_time()
        image = method(case)
        seconds = time.process_time() - began
        found = quality(case, image) | {"cpu_s": seconds}
        record.add(row | found)
        print(
            f"{case.group:26} {case.name:26} {name:16} {found['psnr']:6.2f} dB "
            f"{found['ssim']:.3f} {found['cpu_s']:7.1f} s",
            flush=True,
        )


if __name__ == "__main__":
    main()
