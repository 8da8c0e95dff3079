"""Make the tables of the page on quality from the results of the benchmarks.

    python benchmarks/page_tables.py [build/bench] [--write]

Reads compare*.json, seconds.json, stacks.json and deconvolution_1.json in the folder; tables
without results are left as they are. ``--write`` replaces the tables in NOTES.md, which the page
includes.

Means have 95 % intervals over the images (Student's t). The tables of differences have `fast` minus
each method, on the images that both restored, and how often `fast` has the higher and the lower
PSNR: for a method that was measured on a part of the images, these are the numbers to compare.
"""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import stats
from tables import line

if TYPE_CHECKING:
    from collections.abc import Callable

    Row = dict[str, Any]

NOTES = Path(__file__).with_name("NOTES.md")
OURS = "fast"
SPACE = "\N{NO-BREAK SPACE}"

TABLES = {
    "denoising": (
        "FMD, real frames",
        "W2S, real frames",
        "micrographs, 20 photons",
        "photographs, sigma 25",
        "colour, sigma 25",
    ),
    "gaps": ("half of the pixels", "scratches", "holes"),
    "super-resolution": (
        "photographs, x2",
        "micrographs, x2",
        "photographs, x4",
        "micrographs, x4",
    ),
}
"""Groups of compare.py for each pair of tables."""


class Group:
    """Rows of one group: ``methods[method][case]``."""

    def __init__(self, rows: list[Row]) -> None:
        self.cases = {image_of(row) for row in rows}
        self.methods: dict[str, dict[str, Row]] = {}
        for row in rows:
            self.methods.setdefault(row["method"], {})[image_of(row)] = row

    def values(self, method: str, key: str) -> list[float]:
        """Return the values of all cases, or none if a case is missing."""
        own = self.methods.get(method, {})
        return [row[key] for row in own.values()] if own.keys() == self.cases else []

    def gains(self, method: str) -> list[float]:
        """Return what ``fast`` has more than a method, in dB, where both have a result."""
        ours, own = self.methods.get(OURS, {}), self.methods.get(method, {})
        return [ours[case]["psnr"] - row["psnr"] for case, row in own.items() if case in ours]


def image_of(row: Row) -> str:
    """Identify the image of a row, also beside other groups."""
    return f"{row.get('group', '')}: {row['case']}"


def head(cells: list[str]) -> list[str]:
    return [line(cells), "|---" * len(cells) + "|"]


def interval(values: list[float], form: str = ".2f") -> str:
    """Return a mean and half the width of its 95 % interval; of one value the value alone."""
    if len(values) < 2:
        return format(values[0], form).replace("-", "\N{MINUS SIGN}")
    half = stats.t.ppf(0.975, len(values) - 1) * stats.sem(values)
    return f"{np.mean(values):{form}}{SPACE}±{SPACE}{half:.2f}".replace("-", "\N{MINUS SIGN}")


def quality_cell(group: Group, method: str) -> str:
    values = group.values(method, "psnr")
    if not values:
        return "–"
    return f"{interval(values)}; {np.mean(group.values(method, 'ssim')):.3f}"


def difference_cell(group: Group, method: str) -> str:
    gains = group.gains(method)
    if not gains:
        return "–"
    wins, losses = sum(gain > 0 for gain in gains), sum(gain < 0 for gain in gains)
    return f"{interval(gains, '+.2f')}; {wins}:{losses}"


def grid(groups: dict[str, Group], cell: Callable[[Group, str], str], methods: list[str]) -> str:
    """Return a table with a row for each method and a column for each group."""
    table = head(["", *(f"{name} ({len(group.cases)})" for name, group in groups.items())])
    for method in methods:
        cells = [cell(group, method) for group in groups.values()]
        if any(text != "–" for text in cells):
            table.append(line([named(method), *cells]))
    return "\n".join(table)


def named(method: str) -> str:
    name, comma, setting = method.partition(", ")
    if name not in ("fast", "best", "paper"):
        return method
    return f"`{name}`{comma}{f'`{setting}`' if '=' in setting else setting}"


def worst_first(groups: dict[str, Group]) -> list[str]:
    """Sort the methods by what ``fast`` has more than they, in the mean over the groups."""
    behind: dict[str, list[float]] = {}
    for group in groups.values():
        for method in group.methods:
            behind.setdefault(method, []).append(float(np.mean(group.gains(method) or [0.0])))
    return sorted(behind, key=lambda method: -float(np.mean(behind[method])))


def pair_of_tables(
    rows: list[Row], names: tuple[str, ...], *, pooled: bool = False
) -> tuple[str, str]:
    """Return the tables of quality and of differences; ``pooled`` adds a column of all groups."""
    groups = {name: Group([row for row in rows if row["group"] == name]) for name in names}
    groups = {name: group for name, group in groups.items() if OURS in group.methods}
    methods = worst_first(groups)
    everything = Group([row for row in rows if row["group"] in groups])
    everywhere = groups | {"all": everything} if pooled else groups
    others = [method for method in methods if method not in (OURS, "noisy input")]
    return grid(groups, quality_cell, methods), grid(everywhere, difference_cell, others)


def single_table(rows: list[Row], extra: dict[str, str]) -> str:
    """Return one table for one group; ``extra`` has keys and formats of more columns."""
    group = Group(rows)
    table = head(["", "PSNR / dB", "SSIM", "`fast` above it / dB", "wins:losses", *extra])
    for method in worst_first({"": group}):
        gain, _, count = difference_cell(group, method).partition("; ")
        own = group.methods[method].values()
        means = [
            f"{np.mean([row[key] for row in own]):{form}}"
            for key, form in map(str.split, extra.values())
        ]
        table.append(
            line(
                [
                    named(method),
                    interval(group.values(method, "psnr")),
                    f"{np.mean(group.values(method, 'ssim')):.3f}",
                    *(["", ""] if method == OURS else [gain, count]),
                    *means,
                ]
            )
        )
    return "\n".join(table)


def stacks_table(found: dict[str, dict[str, Row]]) -> str:
    rows = [
        row | {"case": case, "method": method}
        for case, methods in found.items()
        for method, row in methods.items()
    ]
    return single_table(rows, {"flicker": "flicker .3f", "CPU s a plane": "cpu_s_a_plane .2f"})


def deconvolution_table(found: list[Row]) -> str:
    rows = [
        {"case": row["case"], "method": OURS if method == "deconvolve" else method}
        | {"psnr": psnr, "ssim": row["ssim"][method]}
        for row in found
        for method, psnr in row["psnr"].items()
    ]
    return single_table(rows, {})


def seconds_table(rows: list[Row]) -> str:
    """Return the median of the processor seconds, by method and kind of processor."""
    processors = sorted({row["processor"] for row in rows}, reverse=True)
    found: dict[tuple[str, str], dict[str, list[float]]] = {}
    for row in rows:
        if row["method"] != "noisy input":
            own = found.setdefault((row["kind"], row["method"]), {})
            own.setdefault(row["processor"], []).append(row["cpu_s"])
    table = head(["", *processors])
    order = sorted(found, key=lambda key: (key[0], np.median(found[key][processors[0]])))
    for kind, method in order:
        own = found[kind, method]
        cells = [f"{np.median(own[each]):.2g}" if each in own else "–" for each in processors]
        task = "" if kind == "denoise" else f"{kind}: "
        table.append(line([task + named(method), *cells]))
    return "\n".join(table)


def all_tables(folder: Path) -> dict[str, str]:
    """Return the tables by the names of their excerpts, of the files that exist."""

    def read(name: str) -> Any:
        path = folder / f"{name}.json"
        return json.loads(path.read_text("utf-8")) if path.is_file() else None

    found: dict[str, str] = {}
    # An interrupted or divided run may have left several files.
    files = sorted(folder.glob("compare*.json"))
    if rows := [row for file in files for row in json.loads(file.read_text("utf-8"))]:
        for name, groups in TABLES.items():
            if any(row["group"] in groups for row in rows):
                pooled = name == "denoising"
                tables = pair_of_tables(rows, groups, pooled=pooled)
                found[name], found[f"{name}-differences"] = tables
    makers = {"stacks": stacks_table, "deconvolution_1": deconvolution_table}
    for name, make in (makers | {"seconds": seconds_table}).items():
        if results := read(name):
            found[name.partition("_")[0]] = make(results)
    return found


def replaced(text: str, name: str, table: str) -> str:
    """Return the text with the excerpt of a name replaced by a table."""
    start, end = (f"<!-- --8<-- [{mark}:{name}] -->" for mark in ("start", "end"))
    pattern = f"{re.escape(start)}.*?{re.escape(end)}"
    fresh, count = re.subn(pattern, lambda _: f"{start}\n{table}\n{end}", text, flags=re.DOTALL)
    if count != 1:
        raise SystemExit(f"{NOTES} has {count} excerpts named {name}, not one")
    return fresh


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?", default=Path("build/bench"))
    parser.add_argument("--write", action="store_true", help="replace the tables in NOTES.md")
    asked = parser.parse_args()
    tables = all_tables(asked.folder)
    if not tables:
        raise SystemExit(f"{asked.folder} has no results; run the benchmarks first")
    text = NOTES.read_text("utf-8")
    for name, table in tables.items():
        print(f"{name}\n\n{table}\n")
        text = replaced(text, name, table) if asked.write else text
    NOTES.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
