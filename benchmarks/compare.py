"""Compare the presets with classical methods, side by side in one run.

    python benchmarks/compare.py [--quick] [--presets fast best] [--data FOLDER] [--out build/bench]

Every case is spoilt with a fixed seed, every method gets the same pixels, and the presets stop by
themselves. ``paper`` runs if it is named among the presets, and takes hours. Prints a Markdown
table and writes it with the figures as JSON.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from cases import SHARED, Case, decimated, frame, gaussian, half_missing, pairs, poisson
from measure import finish, fitted_psnr, measured, psnr, ssim
from rivals import available

if TYPE_CHECKING:
    from collections.abc import Iterable

SIX = "mean of the six with BM3D's bar"


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
        gaussian("F16", 96 if quick else 512, 25, clipped=True),
        half_missing("barbara", 96 if quick else 512),
        decimated("zebra", 128 if quick else 1000, 4),
        decimated("butterfly", 128 if quick else 1000, 4),
    ]
    return [*six, *rest, *(pairs(data) if data else [])]


def runs(
    case: Case, presets: Iterable[str], without: Iterable[str]
) -> Iterable[tuple[str, dict[str, Any]]]:
    """Run every method on one case; yields its name and figures."""
    yield "as it was seen", {} if case.kind == "super-resolve" else figures(case, case.seen)
    for name, run in available(case.kind).items():
        if name in without:
            continue
        if run is None:
            yield name, {"note": "not installed"}
            continue
        with measured() as cost:
            image = run(case)
        yield name, figures(case, image) | {"seconds": cost.seconds, "memory": cost.memory}
    plain = case.settings.replace(prior={"network": "pixels", "tv_weight": 0}, refinement=0)
    smooth = {"network": "pixels", "tv_weight": 0.05, "learning_rate": 0.01}
    ways = {
        "no prior": plain.replace(iterations=500, stopping="fixed"),
        "TV only": plain.replace(prior=smooth, iterations=500, stopping="fixed"),
    }
    ways |= {preset: case.settings.replace(preset=preset) for preset in presets}
    ways |= (
        {"fast, not refined": case.settings.replace(refinement=0)} if case.kind == "denoise" else {}
    )
    for name, settings in ways.items():
        with measured() as cost:
            result = finish(case, settings)
        (report,) = result.reports
        yield (
            name,
            figures(case, result.image)
            | {
                "seconds": cost.seconds,
                "memory": cost.memory,
                "iterations": report.iterations,
                "reason": report.reason,
            },
        )


def figures(case: Case, image: np.ndarray) -> dict[str, Any]:
    return {
        "psnr": psnr(case, image),
        "fitted_psnr": fitted_psnr(case, image),
        "ssim": ssim(case, image),
    }


def row(case: str, method: str, found: dict[str, Any]) -> str:
    def cell(key: str, form: str, scale: float = 1) -> str:
        return format(found[key] * scale, form) if key in found else found.get("note", "")

    cells = [
        case,
        method,
        cell("psnr", ".2f"),
        cell("fitted_psnr", ".2f"),
        cell("ssim", ".3f"),
        cell("seconds", ".1f"),
        cell("memory", ".0f", 1e-6),
        str(found.get("iterations", "")),
        found.get("reason", ""),
    ]
    return f"| {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small crops")
    parser.add_argument("--presets", nargs="+", default=["fast", "best"])
    parser.add_argument("--only", default="", help="cases whose name contains this")
    parser.add_argument("--without", nargs="+", default=[], help="rivals to leave out")
    parser.add_argument("--data", type=Path, help="folder with NOISY_*.tif and GT_*.tif")
    parser.add_argument("--out", type=Path, default=Path("build/bench"))
    asked = parser.parse_args()
    print(f"Images: {'evaluation images' if SHARED.is_dir() else 'scikit-image'}\n")
    print("| case | method | PSNR / dB | after fit | SSIM | s | MB | iterations | stopped |")
    print("|---|---|---|---|---|---|---|---|---|")
    everything: dict[str, dict[str, Any]] = {}
    six: dict[str, list[tuple[float, float]]] = defaultdict(list)
    cases = chosen_cases(asked.quick, asked.data)
    for number, case in enumerate(cases):
        if asked.only not in case.name:
            continue
        for method, found in runs(case, asked.presets, asked.without):
            everything.setdefault(case.name, {})[method] = found
            if number < 6 and "psnr" in found:
                six[method].append((found["psnr"], found["ssim"]))
            print(row(case.name, method, found), flush=True)
    for method, values in six.items():
        mean_psnr, mean_ssim = np.mean(values, axis=0)
        print(row(SIX, method, {"psnr": mean_psnr, "ssim": mean_ssim}))
    asked.out.mkdir(parents=True, exist_ok=True)
    (asked.out / "compare.json").write_text(json.dumps(everything, indent=1))


if __name__ == "__main__":
    main()
