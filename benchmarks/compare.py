"""Compare the presets with classical methods on the same images.

    python benchmarks/compare.py [--quick] [--presets fast best] [--resume] [--out build/bench]

Every case gets noise with a fixed seed, and every method gets the same pixels. The presets stop
automatically; the oracle is the best result that they pass on the way. ``paper`` runs only if it is
named, and takes hours. Each row is computed in its own process, so that its memory is its own, and
is saved at once: ``--resume`` continues an interrupted run. ``tables.py`` prints the rows as
Markdown, ``page_tables.py`` makes the tables of the page on quality.
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
from reference_methods import PUBLISHED_STEPS, installed, methods_for
from results_file import ResultsFile, Row
from tables import quality, quality_head, quality_row

if TYPE_CHECKING:
    from cases import Pixels

    from napari_dip import Settings

NOISY_INPUT = "noisy input"


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


def preset_settings(case: Case, presets: list[str]) -> dict[str, Settings]:
    """Name the settings to compare: the presets, the network alone, and fits without a network."""
    settings = case.settings
    bare = settings.replace(refinement=0, iterations=500, stopping="fixed")
    smooth = {"network": "pixels", "tv_weight": 0.05, "learning_rate": 0.01}
    found = {
        "no prior": bare.replace(prior={"network": "pixels", "tv_weight": 0}),
        "total variation, no network": bare.replace(prior=smooth),
    }
    found |= {preset: settings.replace(preset=preset) for preset in presets}
    if case.kind in ("denoise", "stack"):
        found["network alone"] = settings.replace(refinement=0)
    if case.kind == "stack":
        found["fast, plane by plane"] = settings.replace(ndim=2)
    return found


def methods(case: Case, options: argparse.Namespace) -> list[str]:
    observed = [] if case.kind == "super-resolve" else [NOISY_INPUT]
    others = [
        name for name in methods_for(case.kind, options.zs_n2n_steps) if name not in options.without
    ]
    names = [*observed, *others, *preset_settings(case, options.presets)]
    return [name for name in names if not options.methods or name in options.methods]


def run_method(case: Case, method: str, options: argparse.Namespace) -> Row:
    """Run one method on one case."""
    others = methods_for(case.kind, options.zs_n2n_steps)
    if method == NOISY_INPUT:
        return scores(case, case.observed)
    if method not in others:
        return run_preset(
            case, preset_settings(case, options.presets)[method], oracle=not options.without_oracle
        )
    with measured() as cost:
        image = others[method](case)
    return scores(case, image) | cost.as_row()


def run_preset(case: Case, settings: Settings, *, oracle: bool) -> Row:
    with measured() as cost:
        result = finish(case, settings)
    row = scores(case, result.image) | cost.as_row()
    row["iterations"] = sum(report.iterations for report in result.reports)
    row["reason"] = "; ".join(dict.fromkeys(report.reason for report in result.reports))
    # A fit with a fixed number of iterations has no automatic stop to compare with the oracle.
    if oracle and settings.stopping is None and len(result.reports) == 1:
        path = follow(case, settings)
        row |= {"oracle": path.oracle, "oracle_iterations": path.best * result.reports[0].members}
    return row


def scores(case: Case, image: Pixels) -> Row:
    compared = fitted_psnr if case.relative else psnr
    return {
        "psnr": psnr(case, image),
        "fitted_psnr": fitted_psnr(case, image),
        "compared": compared(case, image),
        "ssim": ssim(case, image),
    }


def run_in_subprocess(case: Case, method: str, options: argparse.Namespace) -> Row:
    """Run one method in its own process, so that its memory is its own."""
    if "forkserver" in multiprocessing.get_all_start_methods():
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["oracle", "reference_methods"])
    else:
        context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, context) as pool:
        try:
            return pool.submit(run_method, case, method, options).result()
        except BrokenProcessPool:
            return {"note": "the process died, perhaps for lack of memory"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="use small crops")
    parser.add_argument("--presets", nargs="*", default=["fast", "best"])
    parser.add_argument(
        "--only", default="", metavar="PART", help="run cases whose name contains this"
    )
    parser.add_argument(
        "--without",
        nargs="+",
        default=[],
        metavar="NAME",
        help="leave out methods, such as 'VST + BM3D'",
    )
    parser.add_argument(
        "--methods", nargs="+", default=[], metavar="NAME", help="run only these methods"
    )
    parser.add_argument(
        "--zs-n2n-steps",
        type=int,
        default=PUBLISHED_STEPS,
        metavar="N",
        help="steps of ZS-N2N, the slowest method: %(default)s as published take minutes at 256², "
        "200 are quick, 0 leaves it out",
    )
    parser.add_argument(
        "--without-oracle",
        action="store_true",
        help="do not repeat each preset beyond its stop",
    )
    parser.add_argument(
        "--data", type=Path, help="folder with more image pairs, NOISY_*.tif and GT_*.tif"
    )
    parser.add_argument("--resume", action="store_true", help="keep the rows of an earlier run")
    parser.add_argument("--out", type=Path, default=Path("build/bench"))
    options = parser.parse_args()
    record = ResultsFile(options.out / "compare.json", ("case", "method"), resume=options.resume)
    print(f"Images: {'evaluation images' if SHARED.is_dir() else 'scikit-image'}\n")
    print(quality_head())
    for case in chosen_cases(options.quick, options.data):
        if options.only not in case.name:
            continue
        for method in methods(case, options):
            row = case.tags | {"method": method}
            if row in record:
                continue
            available = installed(method)
            found = (
                run_in_subprocess(case, method, options) if available else {"note": "not installed"}
            )
            record.add(row | found)
            print(quality_row(record.rows[-1]), flush=True)
    (options.out / "compare.md").write_text(quality(record.rows) + "\n")


if __name__ == "__main__":
    main()
