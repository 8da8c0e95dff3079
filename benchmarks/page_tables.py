"""Make the tables of the page on quality from the rows of compare.py.

    python benchmarks/page_tables.py [build/bench] [--group denoise] [--write]

The first table has the PSNR of each method and case (of real frames after a fit of gain and
offset), and the mean SSIM. The second one has means with 95 % intervals over the images (Student's
t), and how often ``fast`` is better than each method. ``--write`` replaces the first table in
NOTES.md, which the page includes.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import numpy as np
from results_file import Row, read_rows
from scipy import stats
from tables import line

NOTES = Path(__file__).with_name("NOTES.md")
OURS = "fast"


def head(cells: list[str]) -> list[str]:
    return [line(cells), "|---" * len(cells) + "|"]


def by_method(rows: list[Row]) -> dict[str, dict[str, Row]]:
    """Group rows by method and case, the worst method first; only methods that have all cases."""
    cases = {row["case"] for row in rows}
    found: dict[str, dict[str, Row]] = {}
    for row in rows:
        if "compared" in row:
            found.setdefault(row["method"], {})[row["case"]] = row
    complete = {method: own for method, own in found.items() if own.keys() == cases}
    return dict(sorted(complete.items(), key=lambda item: mean(item[1], "compared")))


def mean(own: dict[str, Row], key: str) -> float:
    return float(np.mean([row[key] for row in own.values()]))


def interval(values: list[float]) -> str:
    """Return a mean and half the width of its 95 % interval; of one value the value alone."""
    if len(values) < 2:
        return f"{values[0]:.2f}"
    half = stats.t.ppf(0.975, len(values) - 1) * stats.sem(values)
    return f"{np.mean(values):.2f} ± {half:.2f}"


def cases_table(methods: dict[str, dict[str, Row]]) -> str:
    cases = [*next(iter(methods.values()))]
    best = {case: max(own[case]["compared"] for own in methods.values()) for case in cases}
    table = head(["", *cases, "mean", "SSIM"])
    for method, own in methods.items():
        cells = [
            f"**{own[case]['compared']:.2f}**"
            if own[case]["compared"] == best[case]
            else f"{own[case]['compared']:.2f}"
            for case in cases
        ]
        means = [f"{mean(own, 'compared'):.2f}", f"{mean(own, 'ssim'):.3f}"]
        table.append(line([method, *cells, *means]))
    return "\n".join(table)


def summary_table(methods: dict[str, dict[str, Row]]) -> str:
    table = head(["", "PSNR / dB", f"`{OURS}` above it / dB", "wins, losses", "seconds"])
    ours = methods[OURS]
    for method, own in methods.items():
        gains = [ours[case]["compared"] - row["compared"] for case, row in own.items()]
        wins, losses = sum(gain > 0 for gain in gains), sum(gain < 0 for gain in gains)
        timed = all("seconds" in row for row in own.values())
        table.append(
            line(
                [
                    method,
                    interval([row["compared"] for row in own.values()]),
                    "" if method == OURS else interval(gains),
                    "" if method == OURS else f"{wins}, {losses}",
                    f"{mean(own, 'seconds'):.1f}" if timed else "",
                ]
            )
        )
    return "\n".join(table)


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
    parser.add_argument("--group", default="denoise", help="group of cases; %(default)s by default")
    parser.add_argument("--write", action="store_true", help="replace the table in NOTES.md")
    asked = parser.parse_args()
    rows = [row for row in read_rows(asked.folder / "compare.json") if row["group"] == asked.group]
    methods = by_method(rows)
    if OURS not in methods:
        raise SystemExit(f"no rows of {OURS} for all cases of the group {asked.group}")
    print(f"{cases_table(methods)}\n\n{summary_table(methods)}")
    if asked.write:
        NOTES.write_text(replaced(NOTES.read_text("utf-8"), "quality", cases_table(methods)))


if __name__ == "__main__":
    main()
