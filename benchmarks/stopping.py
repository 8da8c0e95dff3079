"""How much the automatic stop loses against an oracle that knows the truth.

    python benchmarks/stopping.py [--seeds 3] [--sizes-up-to 128] [--resume] [--out build/bench]
    python benchmarks/stopping.py --preset paper --sizes-up-to 64 --out build/paper

Each fit runs on beyond the stop, and the PSNR of what it would have returned is taken at every
look, refined where the preset refines. The oracle returns the best of them. Prints the loss of
each case, its median and worst, and the ratio of the iterations; the trajectories go to a JSON
file after each fit, and ``--resume`` goes on where that file ends. With ``--preset paper`` the rule
is put in the place of the published number of iterations.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from cases import Case, decimated, frame, gaussian, half_missing, holed, poisson
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
        holed("F16", 128, seed),
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
    """Have another preset or optimiser restore it, stopped by the default rule."""
    stopping = "consensus" if preset == "paper" else None
    changes = {"preset": preset, "prior": {"optimiser": optimiser}, "stopping": stopping}
    return replace(case, settings=case.settings.replace(**changes))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3, help="how many, from 0")
    parser.add_argument("--quick", action="store_true", help="64 and 128 pixels alone")
    parser.add_argument(
        "--sizes-up-to", type=int, default=10_000, metavar="N", help="leave larger images out"
    )
    parser.add_argument("--preset", choices=["fast", "best", "paper"], default="fast")
    parser.add_argument("--optimiser", choices=["adam", "muon"], help="in place of the preset's")
    parser.add_argument("--case", metavar="NAME", help="this one alone; --list tells the names")
    parser.add_argument("--only", default="", metavar="PART", help="names that contain this")
    parser.add_argument("--list", action="store_true", help="print the names, and run nothing")
    parser.add_argument("--resume", action="store_true", help="keep the fits that are there")
    parser.add_argument("--out", type=Path, default=Path("build/bench"))
    asked = parser.parse_args()
    most = 128 if asked.quick else asked.sizes_up_to

    def wanted(case: Case) -> bool:
        named = case.name == asked.case if asked.case else asked.only in case.name
        return named and case.side <= most

    chosen = [(seed, case) for seed in range(asked.seeds) for case in cases(seed) if wanted(case)]
    if asked.list or not chosen:
        names = dict.fromkeys(case.name for _, case in chosen or [(0, case) for case in cases(0)])
        print(*names, sep="\n")
        return
    record = ResultsFile(asked.out / "stopping.json", ("case", "seed"), resume=asked.resume)
    print(stopping_head())
    for seed, case in chosen:
        if case.tags | {"seed": seed} in record:
            continue
        path = follow(with_rule(case, asked.preset, asked.optimiser))
        record.add(case.tags | {"seed": seed, "loss": path.loss} | vars(path))
        print(stopping_row(record.rows[-1]), flush=True)
    print(f"\n{stopping_summary(record.rows)}")


if __name__ == "__main__":
    main()
