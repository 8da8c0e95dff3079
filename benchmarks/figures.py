"""Draw the figures of quality and stopping from the rows of compare.py and stopping.py.

    python benchmarks/figures.py [build/bench] [--cases NAME ...]

quality.png and .svg: PSNR against seconds, a panel for each group of cases, without "no prior".
trajectories.png and .svg: PSNR over the iterations, with the automatic stop and the oracle; without
``--cases`` some fits between the smallest and the largest loss. Nothing is run again. The script
needs ``pip install matplotlib``.
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

PRESETS = ("fast", "best", "paper", "network alone")
PANELS = 6
"""Maximum number of trajectories."""


def quality(rows: list[Row]) -> Figure:
    """Plot a point for each method that has all cases of a group; the presets stand out."""
    # Without a prior PSNR is so low that all other points would lie on one line.
    timed = [mean for mean in means(rows) if "seconds" in mean and mean["method"] != "no prior"]
    groups = list(dict.fromkeys(mean["group"] for mean in timed))
    figure, panels = grid(len(groups), columns=2)
    for panel, group in zip(panels, groups, strict=True):
        own = [mean for mean in timed if mean["group"] == group]
        for mean in own:
            ours = mean["method"].startswith(PRESETS)
            panel.plot(mean["seconds"], mean["psnr"], "o" if ours else "s", color=colour(ours))
        label_apart(panel, own)
        count = own[0]["count"]
        panel.set(title=f"{group}: {f'mean of {count}' if count > 1 else '1 case'}", xscale="log")
        panel.set(xlabel="seconds an image", ylabel="PSNR / dB")
        left, right = panel.get_xlim()
        panel.set_xlim(left, right * (right / left) ** 0.35)  # space for the labels
        panel.margins(y=0.12)
        panel.grid(alpha=0.3)
    return figure


def label_apart(panel: Axes, means: list[Row]) -> None:
    """Write the names beside their points, and move overlapping names down."""
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
            color=colour(mean["method"].startswith(PRESETS)),
            verticalalignment="center",
        )


def trajectories(rows: list[Row]) -> Figure:
    figure, panels = grid(len(rows), columns=3)
    for panel, row in zip(panels, rows, strict=True):
        iterations, averaged, returned = np.transpose(row["looks"])
        if not np.array_equal(averaged, returned):
            panel.plot(iterations, averaged, "--", color="0.6", label="average of the outputs")
        panel.plot(iterations, returned, color=colour(False), label="result")
        panel.axvline(row["stop"], color=colour(True), lw=1)
        panel.plot(row["stop"], row["automatic"], "o", color=colour(True), label="automatic stop")
        panel.plot(row["best"], row["oracle"], "k*", ms=9, label="oracle")
        panel.set_title(f"{row['case']}, seed {row['seed']}\n{row['loss']:.3f} dB loss", fontsize=9)
        # The first outputs are grey and would stretch the axis.
        low = min(row["oracle"] - 4, row["automatic"] - 1, max(averaged) - 1)
        panel.set_ylim(bottom=max(low, min(averaged)))
        panel.grid(alpha=0.3)
    figure.supxlabel("iterations")
    figure.supylabel("PSNR / dB")
    handles = max((panel.get_legend_handles_labels() for panel in panels), key=lambda h: len(h[1]))
    figure.legend(*handles, loc="outside upper center", ncols=4)
    return figure


def select(rows: list[Row], names: list[str]) -> list[Row]:
    """Select the named cases, or some between the smallest and the largest loss."""
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
    parser.add_argument("--cases", nargs="+", default=[], help="cases whose trajectories are drawn")
    options = parser.parse_args()
    if not find_spec("matplotlib"):
        sys.exit("matplotlib is not installed; run `pip install matplotlib`")
    if (options.folder / "compare.json").is_file():
        save(quality(read_rows(options.folder / "compare.json")), options.folder / "quality")
    if (options.folder / "stopping.json").is_file():
        chosen = select(read_rows(options.folder / "stopping.json"), options.cases)
        if not chosen:
            sys.exit(f"no fit of {', '.join(options.cases)} in {options.folder / 'stopping.json'}")
        save(trajectories(chosen), options.folder / "trajectories")


if __name__ == "__main__":
    main()
