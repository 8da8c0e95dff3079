"""Draw what compare.py and stopping.py have found, beside their JSON, without running anything.

    python benchmarks/figures.py [build/bench] [--cases NAME ...]

quality.png: PSNR against seconds, a panel for each group of cases; "no prior" is left out.
trajectories.png: PSNR over the iterations of some fits, with the automatic stop and the oracle's;
without ``--cases`` those from the least loss to the worst, evenly spaced. Both are SVG, too.
``pip install matplotlib`` for the benchmark alone.
"""

from __future__ import annotations

import argparse
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from results_file import Row, read_rows
from tables import means

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

OWN = ("fast", "best", "paper")
PANELS = 6
"""Of trajectories, at most."""


def quality(rows: list[Row]) -> Figure:
    """Draw a point for each method that has all cases of a group; its own methods stand out."""
    # Without any prior so little is restored that the rest would be pressed into a line.
    timed = [mean for mean in means(rows) if "seconds" in mean and mean["method"] != "no prior"]
    groups = list(dict.fromkeys(mean["group"] for mean in timed))
    figure, panels = grid(len(groups), columns=2)
    for panel, group in zip(panels, groups, strict=True):
        own = [mean for mean in timed if mean["group"] == group]
        for mean in own:
            ours = mean["method"].startswith(OWN)
            panel.plot(mean["seconds"], mean["psnr"], "o" if ours else "s", color=colour(ours))
        label_apart(panel, own)
        count = own[0]["count"]
        panel.set(title=f"{group}: {f'mean of {count}' if count > 1 else '1 case'}", xscale="log")
        panel.set(xlabel="seconds an image", ylabel="PSNR / dB")
        left, right = panel.get_xlim()
        panel.set_xlim(left, right * (right / left) ** 0.35)  # room for the names
        panel.margins(y=0.12)
        panel.grid(alpha=0.3)
    return figure


def label_apart(panel: Axes, means: list[Row]) -> None:
    """Write names beside their points, and move those down that would cover one another."""
    decibels = [mean["psnr"] for mean in means]
    decades = np.log10([mean["seconds"] for mean in means])
    line, word = max(np.ptp(decibels), 0.1) / 20, max(np.ptp(decades), 1) / 2
    written: list[tuple[float, float]] = []
    for mean in sorted(means, key=lambda mean: -mean["psnr"]):
        decade = np.log10(mean["seconds"])
        above = [level for other, level in written if abs(other - decade) < word]
        level = min([mean["psnr"], *(level - line for level in above)])
        written.append((decade, level))
        panel.annotate(
            f"  {mean['method']}",
            (mean["seconds"], mean["psnr"]),
            (mean["seconds"], level),
            fontsize=8,
            color=colour(mean["method"].startswith(OWN)),
            verticalalignment="center",
        )


def trajectories(rows: list[Row]) -> Figure:
    figure, panels = grid(len(rows), columns=3)
    for panel, row in zip(panels, rows, strict=True):
        iterations, averaged, returned = np.transpose(row["looks"])
        if not np.array_equal(averaged, returned):
            panel.plot(iterations, averaged, "--", color="0.6", label="average of the outputs")
        panel.plot(iterations, returned, color=colour(False), label="what would be returned")
        panel.axvline(row["stop"], color=colour(True), lw=1)
        panel.plot(row["stop"], row["automatic"], "o", color=colour(True), label="automatic stop")
        panel.plot(row["best"], row["oracle"], "k*", ms=9, label="oracle")
        panel.set_title(f"{row['case']}, seed {row['seed']}\n{row['loss']:.3f} dB lost", fontsize=9)
        # The first outputs are grey: they would press the rest into a line.
        low = min(row["oracle"] - 4, row["automatic"] - 1, max(averaged) - 1)
        panel.set_ylim(bottom=max(low, min(averaged)))
        panel.grid(alpha=0.3)
    figure.supxlabel("iterations")
    figure.supylabel("PSNR / dB")
    handles = max((panel.get_legend_handles_labels() for panel in panels), key=lambda h: len(h[1]))
    figure.legend(*handles, loc="outside upper center", ncols=4)
    return figure


def spread_out(rows: list[Row], names: list[str]) -> list[Row]:
    """Take the cases that were named, or some from the least loss to the worst."""
    if names:
        return [row for row in rows if row["case"] in names]
    ranked = sorted(rows, key=lambda row: row["loss"])
    places = np.linspace(0, len(ranked) - 1, min(PANELS, len(ranked)))
    return [ranked[round(place)] for place in places]


def colour(ours: bool) -> str:
    return "tab:orange" if ours else "tab:blue"


def grid(count: int, columns: int) -> tuple[Figure, list[Axes]]:
    from matplotlib import pyplot

    columns = min(columns, count)
    lines = -(-count // columns)
    figure, panels = pyplot.subplots(
        lines, columns, figsize=(4.6 * columns, 3.4 * lines), squeeze=False, layout="constrained"
    )
    for panel in panels.flat[count:]:
        panel.remove()
    return figure, [*panels.flat[:count]]


def save(figure: Figure, path: Path) -> None:
    for ending in (".png", ".svg"):
        figure.savefig(path.with_suffix(ending), dpi=130)
        print(path.with_suffix(ending))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, default=Path("build/bench"))
    parser.add_argument("--cases", nargs="+", default=[], help="whose trajectories are drawn")
    asked = parser.parse_args()
    if not find_spec("matplotlib"):
        sys.exit("matplotlib is not installed; `pip install matplotlib`, and the figures are drawn")
    if (asked.folder / "compare.json").is_file():
        save(quality(read_rows(asked.folder / "compare.json")), asked.folder / "quality")
    if (asked.folder / "stopping.json").is_file():
        chosen = spread_out(read_rows(asked.folder / "stopping.json"), asked.cases)
        if not chosen:
            sys.exit(f"no fit of {', '.join(asked.cases)} in {asked.folder / 'stopping.json'}")
        save(trajectories(chosen), asked.folder / "trajectories")


if __name__ == "__main__":
    main()
