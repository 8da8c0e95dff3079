"""Measure what the automatic stop loses against an oracle that knows the truth.

    python benchmarks/stopping.py [--seeds 3] [--sizes-up-to 128] [--resume] [--out build/bench]
    python benchmarks/stopping.py --preset paper --sizes-up-to 64 --out build/paper

Each fit runs beyond its stop, and every look is compared with the truth, refined where the preset
refines. The oracle is the best look. The table gives the loss of each case, the median and the
worst loss, and the ratio of the iterations. The trajectories are saved in a JSON file after each
fit; ``--resume`` continues an interrupted run. With ``--preset paper`` the rule replaces the
published number of iterations.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from cases import Case, decimated, frame, gaussian, half_missing, poisson, with_hole
from oracle import follow
from results_file import ResultsFile
from tables import stopping_head, stopping_row, stopping_summary


def cases(seed: int) -> list[Case]:
    return [
        gaussian("01", 64, 25, seed),
        gaussian("cell", 64, 15, seed),
        poisson("05", 64, 30, seed),
        half_missing("05", 64, seed, 0.3),
        gaussian("01", 128, 5, seed),
        gaussian("05", 128, 10, seed),
        gaussian("01", 128, 25, seed),
        gaussian("05", 128, 50, seed),
        gaussian("cbsd", 128, 25, seed, clipped=True),
        gaussian("neuron", 128, 15, seed),
        poisson("01", 128, 30, seed),
        poisson("neuron", 128, 10, seed),
        frame("fish", 128, seed),
        frame("mice", 128, seed),
        half_missing("barbara", 128, seed),
        with_hole("F16", 128, seed),
        decimated("butterfly", 128, 4, seed),
        decimated("zebra", 128, 2, seed, 10),
        gaussian("F16", 192, 25, seed, clipped=True),
        poisson("01", 192, 30, seed),
        frame("mice", 192, seed),
        gaussian("05", 256, 25, seed),
        gaussian("neuron", 256, 30, seed),
        frame("fish", 256, seed),
        half_missing("barbara", 256, seed),
        decimated("butterfly", 256, 4, seed),
        gaussian("barbara", 512, 25, seed),
        frame("mice", 512, seed),
    ]


def with_rule(case: Case, preset: str, optimiser: str | None) -> Case:
    """Change the preset or the optimiser of a case; the default rule stops the fit."""
    stopping = "consensus" if preset == "paper" else None
    changes = {"preset": preset, "prior": {"optimiser": optimiser}, "stopping": stopping}
    return replace(case, settings=case.settings.replace(**changes))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3, help="number of seeds, from 0")
    parser.add_argument("--quick", action="store_true", help="images of 64 and 128 pixels only")
    parser.add_argument(
        "--sizes-up-to", type=int, default=10_000, metavar="N", help="leave out larger images"
    )
    parser.add_argument("--preset", choices=["fast", "best", "paper"], default="fast")
    parser.add_argument(
        "--optimiser", choices=["adam", "muon"], help="replace the optimiser of the preset"
    )
    parser.add_argument("--case", metavar="NAME", help="run one case; --list prints the names")
    parser.add_argument(
        "--only", default="", metavar="PART", help="run cases whose name contains this"
    )
    parser.add_argument("--list", action="store_true", help="print the names and run nothing")
    parser.add_argument("--resume", action="store_true", help="keep the fits of an earlier run")
    parser.add_argument("--out", type=Path, default=Path("build/bench"))
    options = parser.parse_args()
    most = 128 if options.quick else options.sizes_up_to

    def wanted(case: Case) -> bool:
        named = case.name == options.case if options.case else options.only in case.name
        return named and case.side <= most

    chosen = [(seed, case) for seed in range(options.seeds) for case in cases(seed) if wanted(case)]
    if options.list or not chosen:
        names = dict.fromkeys(case.name for _, case in chosen or [(0, case) for case in cases(0)])
        print(*names, sep="\n")
        return
    record = ResultsFile(options.out / "stopping.json", ("case", "seed"), resume=options.resume)
    print(stopping_head())
    for seed, case in chosen:
        if case.tags | {"seed": seed} in record:
            continue
        path = follow(with_rule(case, options.preset, options.optimiser))
        record.add(case.tags | {"seed": seed, "loss": path.loss} | vars(path))
        print(stopping_row(record.rows[-1]), flush=True)
    print(f"\n{stopping_summary(record.rows)}")


if __name__ == "__main__":
    main()
