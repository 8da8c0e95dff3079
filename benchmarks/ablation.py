"""What each choice in the prior of `fast` is worth, task by task, one changed at a time.

    python benchmarks/ablation.py {denoise,inpaint,super-resolve} [--size 128] [--only VARIANT ...]

The same images, noise, holes and random numbers for each variant. Prints the mean PSNR of what the
network alone made and of the result, and what the result gains over `fast`; each fit goes to a JSON
file. One thread, whose own time is told: other programs may be busy.
"""

from __future__ import annotations

import argparse
import statistics
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from cases import Case, decimated, frame, gaussian, half_missing, holed, poisson
from metrics import psnr
from oracle import fits_of
from results_file import ResultsFile, Row
from tables import line

from napari_dip.generators import finished

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_dip.dip.recipe import Recipe
    from napari_dip.network.architectures import SkipNet

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
"""And the standard deviation of the noise that each is denoised of."""


def cases(task: str, size: int) -> list[Case]:
    match task:
        case "denoise":
            noisy = [gaussian(name, size, sigma) for name, sigma in IMAGES.items()]
            return [*noisy, poisson("01", size, 30), frame("fish", size), frame("mice", size)]
        case "inpaint":
            gaps = [half_missing(name, size) for name in IMAGES]
            return [*gaps, *(holed(name, size) for name in ("F16", "05", "neuron"))]
        case _:
            return [decimated(name, size, 4) for name in IMAGES]


def with_skips(net: SkipNet, width: int) -> SkipNet:
    """Give every skip so many filters."""
    return replace(net, skip=(width,) * len(net.skip))


def with_levels(net: SkipNet, more: int) -> SkipNet:
    """Take the last level away, or add another like it."""
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
    "a level less": lambda net: with_levels(net, -1),
    "a level more": lambda net: with_levels(net, 1),
    "5 x 5 filters down": lambda net: replace(net, kernel_down=5),
    "not tapered": lambda net: replace(net, taper=False),
}

RATES: dict[str, Callable[[Recipe], Recipe]] = {
    "no total variation": lambda recipe: replace(recipe, tv_weight=0.0),
    "twice the total variation": lambda recipe: replace(recipe, tv_weight=2 * recipe.tv_weight),
    "average 0.9": lambda recipe: replace(recipe, averaging=0.9),
    "average 0.98": lambda recipe: replace(recipe, averaging=0.98),
    "32 code channels": lambda recipe: replace(recipe, code_channels=32),
    "noise on the code 1/30": lambda recipe: replace(recipe, code_noise=1 / 30),
}

USUAL = "as it is"


def changed(recipe: Recipe, variant: str) -> Recipe:
    if variant in NETWORKS:
        return replace(recipe, network=NETWORKS[variant](recipe.network))
    return recipe if variant == USUAL else RATES[variant](recipe)


def take(case: Case, variant: str) -> Row:
    """Restore with one thing changed."""
    fits, show = fits_of(case, case.settings.replace(preview_every_s=1e9))
    one = next(fits)
    one = replace(one, recipe=changed(one.recipe, variant))
    began = time.thread_time()
    fitted = finished(one.advance(one.begin(), lambda: False))
    alone, refined = (
        psnr(case, show(estimate))
        for estimate in (
            one.domain.inverse_transform(fitted.estimate),
            one.finish(one.choose(fitted.latest, fitted.estimate)),
        )
    )
    took = time.thread_time() - began
    return {"psnr": refined, "alone": alone, "iterations": fitted.iterations, "seconds": took}


def summary(variant: str, rows: list[Row], usual: list[Row]) -> str:
    """Set the means of one variant beside those of `fast`."""
    gains = [row["psnr"] - own["psnr"] for row, own in zip(rows, usual, strict=True)]
    means = {key: statistics.fmean(row[key] for row in rows) for key in FIGURES}
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


FIGURES = ("psnr", "alone", "iterations", "seconds")
HEADS = ("", "network alone", "result", "gain", "worst, best", "better", "iterations", "CPU s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("task", choices=["denoise", "inpaint", "super-resolve"])
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--only", nargs="+", metavar="VARIANT", default=[*NETWORKS, *RATES])
    parser.add_argument("--resume", action="store_true", help="keep the fits that are there")
    parser.add_argument("--out", type=Path, default=Path("build/bench"))
    asked = parser.parse_args()
    torch.set_num_threads(1)
    record = ResultsFile(
        asked.out / f"prior-{asked.task}.json", ("case", "variant"), resume=asked.resume
    )
    chosen = cases(asked.task, asked.size)
    print(f"{line(HEADS)}\n{'|---' * len(HEADS)}|")
    for variant in (USUAL, *asked.only):
        for case in chosen:
            tags = case.tags | {"variant": variant}
            if tags not in record:
                record.add(tags | take(case, variant))
        found = {(row["case"], row["variant"]): row for row in record.rows}
        usual, rows = ([found[case.name, name] for case in chosen] for name in (USUAL, variant))
        print(summary(variant, rows, usual), flush=True)


if __name__ == "__main__":
    main()
