"""Draw PSNR over the iterations of fits, from the rows of stopping.py.

    python benchmarks/figures.py [build/bench] [--cases NAME ...]

trajectories.png and .svg have the automatic stop and the oracle; without ``--cases`` some fits
between the smallest and the largest loss. Nothing is run again. The script needs ``pip install
matplotlib``.
"""

from __future__ import annotations

import argparse
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from results_file import Row, read_rows

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PANELS = 6
"""Maximum number of trajectories."""


def trajectories(rows: list[Row]) -> Figure:
    figure, panels = grid(len(rows), columns=3)
    for panel, row in zip(panels, rows, strict=True):
        iterations, averaged, returned = np.transpose(row["looks"])
        if not np.array_equal(averaged, returned):
            panel.plot(iterations, averaged, "--", color="0.6", label="average of the outputs")
        panel.plot(iterations, returned, color="tab:blue", label="result")
        panel.axvline(row["stop"], color="tab:orange", lw=1)
        panel.plot(row["stop"], row["automatic"], "o", color="tab:orange", label="automatic stop")
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
    chosen = select(read_rows(options.folder / "stopping.json"), options.cases)
    if not chosen:
        sys.exit(f"no fit of {', '.join(options.cases)} in {options.folder / 'stopping.json'}")
    save(trajectories(chosen), options.folder / "trajectories")


if __name__ == "__main__":
    main()
