"""Compare the presets with classical methods, side by side in one run.

    python benchmarks/compare.py [--quick] [--presets fast best] [--resume] [--out build/bench]

Every case is spoilt with a fixed seed, every method gets the same pixels, and the presets stop by
themselves; beside what they return stands the best they could have returned, had they known the
truth. ``paper`` runs if it is named among the presets, and takes hours. Each row is taken in a
process of its own, so that its memory is its own, and goes to a JSON file at once: ``--resume``
goes on where that file ends, and ``tables.py`` sets it in Markdown.
"""

from __future__ import annotations

import argparse
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from cases import SHARED, Case, decimated, frame, gaussian, half_missing, pairs, poisson, stack
from metrics import finish, fitted_psnr, measured, psnr, ssim
from oracle import follow
from reference_methods import PUBLISHED_STEPS, installed, rivals
from results_file import ResultsFile, Row
from tables import quality, quality_head, quality_row

if TYPE_CHECKING:
    from cases import Pixels

    from napari_dip import Settings

SEEN = "as it was seen"


def chosen_cases(quick: bool, data: Path | None) -> list[Case]:
    size = 96 if quick else 256
    six = [
        frame("fish", size),
        frame("mice", size),
        gaussian("01", size, 25),
        gaussian("05", size, 25),
        poisson("01", size, 30),
        poisson("05", size, 30),
    ]
    rest = [
        replace(gaussian("F16", 96 if quick else 512, 25, clipped=True), group="denoise, colour"),
        half_missing("barbara", 96 if quick else 512),
        decimated("zebra", 128 if quick else 1000, 4),
        decimated("butterfly", 128 if quick else 1000, 4),
        stack(8, 48, 15) if quick else stack(16, 96, 15),
    ]
    return [*six, *rest, *(pairs(data) if data else [])]


def ways(case: Case, presets: list[str]) -> dict[str, Settings]:
    """Give what this program can do, with a prior and without."""
    settings = case.settings
    bare = settings.replace(refinement=0, iterations=500, stopping="fixed")
    smooth = {"network": "pixels", "tv_weight": 0.05, "learning_rate": 0.01}
    found = {
        "no prior": bare.replace(prior={"network": "pixels", "tv_weight": 0}),
        "TV only": bare.replace(prior=smooth),
    }
    found |= {preset: settings.replace(preset=preset) for preset in presets}
    if case.kind in ("denoise", "stack"):
        found["fast, not refined"] = settings.replace(refinement=0)
    if case.kind == "stack":
        found["fast, as planes"] = settings.replace(ndim=2)
    return found


def methods(case: Case, asked: argparse.Namespace) -> list[str]:
    seen = [] if case.kind == "super-resolve" else [SEEN]
    others = [name for name in rivals(case.kind, asked.zs_n2n_steps) if name not in asked.without]
    names = [*seen, *others, *ways(case, asked.presets)]
    return [name for name in names if not asked.methods or name in asked.methods]


def take(case: Case, method: str, asked: argparse.Namespace) -> Row:
    """Run one method on one case."""
    others = rivals(case.kind, asked.zs_n2n_steps)
    if method == SEEN:
        return figures(case, case.seen)
    if method not in others:
        return take_own(case, ways(case, asked.presets)[method], oracle=not asked.without_oracle)
    with measured() as cost:
        image = others[method](case)
    return figures(case, image) | cost.as_row()


def take_own(case: Case, settings: Settings, *, oracle: bool) -> Row:
    with measured() as cost:
        result = finish(case, settings)
    row = figures(case, result.image) | cost.as_row()
    row["iterations"] = sum(report.iterations for report in result.reports)
    row["reason"] = "; ".join(dict.fromkeys(report.reason for report in result.reports))
    # What is told to go on for so many iterations does not stop by itself.
    if oracle and settings.stopping is None and len(result.reports) == 1:
        path = follow(case, settings)
        row |= {"oracle": path.oracle, "oracle_iterations": path.best * result.reports[0].members}
    return row


def figures(case: Case, image: Pixels) -> Row:
    return {
        "psnr": psnr(case, image),
        "fitted_psnr": fitted_psnr(case, image),
        "ssim": ssim(case, image),
    }


def take_apart(case: Case, method: str, asked: argparse.Namespace) -> Row:
    """Take a row in a process of its own, which finds the libraries loaded where that is known."""
    if "forkserver" in multiprocessing.get_all_start_methods():
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["oracle", "rivals"])
    else:
        context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, context) as pool:
        try:
            return pool.submit(take, case, method, asked).result()
        except BrokenProcessPool:
            return {"note": "its process died, of too little memory maybe"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small crops")
    parser.add_argument("--presets", nargs="*", default=["fast", "best"])
    parser.add_argument("--only", default="", metavar="PART", help="cases named with this")
    parser.add_argument(
        "--without", nargs="+", default=[], metavar="RIVAL", help="leave out, as 'VST + BM3D'"
    )
    parser.add_argument(
        "--methods", nargs="+", default=[], metavar="NAME", help="run only the methods named so"
    )
    parser.add_argument(
        "--zs-n2n-steps",
        type=int,
        default=PUBLISHED_STEPS,
        metavar="N",
        help="budget of ZS-N2N, the slowest rival: %(default)s steps as published take minutes at "
        "256² and one thread; 200 are quick, 0 leave it out; the row says how many",
    )
    parser.add_argument(
        "--without-oracle",
        action="store_true",
        help="spare the second run of each preset, that goes on beyond its stop",
    )
    parser.add_argument("--data", type=Path, help="folder with NOISY_*.tif and GT_*.tif")
    parser.add_argument("--resume", action="store_true", help="keep the rows that are there")
    parser.add_argument("--out", type=Path, default=Path("build/bench"))
    asked = parser.parse_args()
    record = ResultsFile(asked.out / "compare.json", ("case", "method"), resume=asked.resume)
    print(f"Images: {'evaluation images' if SHARED.is_dir() else 'scikit-image'}\n")
    print(quality_head())
    for case in chosen_cases(asked.quick, asked.data):
        if asked.only not in case.name:
            continue
        for method in methods(case, asked):
            row = case.tags | {"method": method}
            if row in record:
                continue
            there = installed(method)
            found = take_apart(case, method, asked) if there else {"note": "not installed"}
            record.add(row | found)
            print(quality_row(record.rows[-1]), flush=True)
    (asked.out / "compare.md").write_text(quality(record.rows) + "\n")


if __name__ == "__main__":
    main()
