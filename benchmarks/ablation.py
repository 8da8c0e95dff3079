"""Measure what each choice in the prior of ``fast`` is worth, changed one at a time.

    python benchmarks/ablation.py {denoise,inpaint,super-resolve} [--size 128] [--only VARIANT ...]

All variants get the same images, noise, holes and random numbers. The table gives the mean PSNR of
the network alone and of the result, and the gain of the result over ``fast``. Each fit is saved in
a JSON file. One thread; seconds are CPU seconds of that thread.
"""

from __future__ import annotations

import argparse
import statistics
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from cases import Case, decimated, frame, gaussian, half_missing, poisson, with_hole
from metrics import psnr
from oracle import apply_later_steps, prepare_fits
from results_file import ResultsFile, Row
from tables import line

from napari_dip.generators import finished

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_dip.dip.recipe import Recipe
    from napari_dip.settings.architectures import SkipNet

IMAGES = {
    "01": 25,
    "05": 25,
    "F16": 15,
    "barbara": 25,
    "butterfly": 25,
    "zebra": 40,
    "neuron": 15,
    "cell": 15,
    "coins": 10,
}
"""Images, and the standard deviation of their noise in grey values."""


def cases(task: str, size: int) -> list[Case]:
    match task:
        case "denoise":
            noisy = [gaussian(name, size, sigma) for name, sigma in IMAGES.items()]
            return [*noisy, poisson("01", size, 30), frame("fish", size), frame("mice", size)]
        case "inpaint":
            gaps = [half_missing(name, size) for name in IMAGES]
            return [*gaps, *(with_hole(name, size) for name in ("F16", "05", "neuron"))]
        case _:
            return [decimated(name, size, 4) for name in IMAGES]


def with_skips(net: SkipNet, width: int) -> SkipNet:
    """Set the number of filters of every skip."""
    return replace(net, skip=(width,) * len(net.skip))


def with_levels(net: SkipNet, more: int) -> SkipNet:
    """Remove the last level, or add another like it."""
    count = len(net.down) + more
    down, up, skip = ((*side, side[-1])[:count] for side in (net.down, net.up, net.skip))
    return replace(net, down=down, up=up, skip=skip)


NETWORKS: dict[str, Callable[[SkipNet], SkipNet]] = {
    "nearest upsampling": lambda net: replace(net, upsampling="nearest"),
    "mixed upsampling": lambda net: replace(net, upsampling="mixed"),
    "bilinear upsampling": lambda net: replace(net, upsampling="bilinear"),
    "no skips": lambda net: with_skips(net, 0),
    "4 skip filters": lambda net: with_skips(net, 4),
    "16 skip filters": lambda net: with_skips(net, 16),
    "32 skip filters": lambda net: with_skips(net, 32),
    "one level less": lambda net: with_levels(net, -1),
    "one level more": lambda net: with_levels(net, 1),
    "5 x 5 filters down": lambda net: replace(net, kernel_down=5),
    "not tapered": lambda net: replace(net, taper=False),
}

FIT_OPTIONS: dict[str, Callable[[Recipe], Recipe]] = {
    "no total variation": lambda recipe: replace(recipe, tv_weight=0.0),
    "twice the total variation": lambda recipe: replace(recipe, tv_weight=2 * recipe.tv_weight),
    "averaging 0.9": lambda recipe: replace(recipe, averaging=0.9),
    "averaging 0.98": lambda recipe: replace(recipe, averaging=0.98),
    "32 code channels": lambda recipe: replace(recipe, code_channels=32),
    "noise on the code 1/30": lambda recipe: replace(recipe, code_noise=1 / 30),
}

BASELINE = "fast"


def changed(recipe: Recipe, variant: str) -> Recipe:
    if variant in NETWORKS:
        return replace(recipe, network=NETWORKS[variant](recipe.network))
    return recipe if variant == BASELINE else FIT_OPTIONS[variant](recipe)


def run_variant(case: Case, variant: str) -> Row:
    """Restore a case with one change of the prior."""
    fits, show = prepare_fits(case, case.settings.replace(preview_every_s=1e9))
    one = next(fits)
    fit = replace(one.pipeline.fit, recipe=changed(one.pipeline.recipe, variant))
    began = time.thread_time()
    fitted = finished(fit.advance(fit.begin(one.data, one.context), one.context))
    alone = psnr(case, show(apply_later_steps(one, fitted.estimate, filtered=False)))
    chosen = fit.choose(fitted.latest, fitted.estimate)
    refined = psnr(case, show(apply_later_steps(one, chosen)))
    took = time.thread_time() - began
    return {"psnr": refined, "alone": alone, "iterations": fitted.iterations, "seconds": took}


def summary(variant: str, rows: list[Row], baseline: list[Row]) -> str:
    """Format the means of a variant and its gains over ``fast``."""
    gains = [row["psnr"] - own["psnr"] for row, own in zip(rows, baseline, strict=True)]
    means = {key: statistics.fmean(row[key] for row in rows) for key in MEANS}
    cells = [
        variant,
        f"{means['alone']:.2f}",
        f"{means['psnr']:.2f}",
        f"{statistics.fmean(gains):+.3f}",
        f"{min(gains):+.2f} to {max(gains):+.2f}",
        f"{sum(gain > 0 for gain in gains)} of {len(gains)}",
        f"{means['iterations']:.0f}",
        f"{means['seconds']:.1f}",
    ]
    return line(cells)


MEANS = ("psnr", "alone", "iterations", "seconds")
HEADS = ("", "network alone", "result", "gain", "worst, best", "better", "iterations", "CPU s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("task", choices=["denoise", "inpaint", "super-resolve"])
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--only", nargs="+", metavar="VARIANT", default=[*NETWORKS, *FIT_OPTIONS])
    parser.add_argument("--resume", action="store_true", help="keep the fits of an earlier run")
    parser.add_argument("--out", type=Path, default=Path("build/bench"))
    options = parser.parse_args()
    torch.set_num_threads(1)
    record = ResultsFile(
        options.out / f"ablation-{options.task}.json", ("case", "variant"), resume=options.resume
    )
    chosen = cases(options.task, options.size)
    print(f"{line(HEADS)}\n{'|---' * len(HEADS)}|")
    for variant in (BASELINE, *options.only):
        for case in chosen:
            tags = case.tags | {"variant": variant}
            if tags not in record:
                record.add(tags | run_variant(case, variant))
        found = {(row["case"], row["variant"]): row for row in record.rows}
        baseline, rows = (
            [found[case.name, name] for case in chosen] for name in (BASELINE, variant)
        )
        print(summary(variant, rows, baseline), flush=True)


if __name__ == "__main__":
    main()
