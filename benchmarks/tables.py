"""Print the rows of compare.py and stopping.py as Markdown tables, without running anything.

python benchmarks/tables.py [build/bench]
"""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
from results_file import Row, read_rows

COLUMNS = {
    "case": "",
    "method": "",
    "PSNR / dB": "psnr .2f",
    "after fit": "fitted_psnr .2f",
    "SSIM": "ssim .3f",
    "oracle / dB": "oracle .2f",
    "s": "seconds .1f",
    "MB": "megabytes .0f",
    "iterations": "iterations .0f",
    "oracle's": "oracle_iterations .0f",
    "stopped": "",
}
"""Columns of the table of quality: heading, key of the row and format."""

FORMATS = [what for what in COLUMNS.values() if what]


def line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def quality_head() -> str:
    return line([*COLUMNS]) + "\n" + "|---" * len(COLUMNS) + "|"


def quality_row(row: Row) -> str:
    def cell(what: str) -> str:
        key, form = what.split()
        return format(row[key], form) if key in row else ""

    cells = map(cell, FORMATS)
    return line([row["case"], row["method"], *cells, row.get("reason") or row.get("note", "")])


def means(rows: list[Row]) -> list[Row]:
    """Average each group of cases for the methods that have all of them."""
    cases: dict[str, set[str]] = defaultdict(set)
    methods: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        cases[row["group"]].add(row["case"])
        if "psnr" in row:
            methods[row["group"], row["method"]].append(row)
    found = []
    for (group, method), own in methods.items():
        if len(own) < len(cases[group]):
            continue
        shared = set.intersection(*({*row} for row in own)) & {what.split()[0] for what in FORMATS}
        mean = {key: float(np.mean([row[key] for row in own])) for key in shared}
        name = f"mean of {len(own)}, {group}"
        found.append({"case": name, "group": group, "method": method, "count": len(own)} | mean)
    return found


def quality(rows: list[Row]) -> str:
    averaged = [mean for mean in means(rows) if mean["count"] > 1]
    return "\n".join([quality_head(), *map(quality_row, [*rows, *averaged])])


def stopping_head() -> str:
    heads = ["case", "seed", "automatic / dB", "oracle / dB", "loss / dB", "stop", "oracle's"]
    return line([*heads, "why"]) + "\n" + "|---" * 8 + "|"


def stopping_row(row: Row) -> str:
    decibels = [f"{row['automatic']:.2f}", f"{row['oracle']:.2f}", f"{row['loss']:.3f}"]
    rest = [str(row["stop"]), str(row["best"]), row["reason"]]
    return line([row["case"], str(row["seed"]), *decibels, *rest])


def stopping_summary(rows: list[Row]) -> str:
    losses = [row["loss"] for row in rows]
    worst = max(rows, key=lambda row: row["loss"])
    ratio = sum(row["stop"] for row in rows) / sum(row["best"] for row in rows)
    return (
        f"{len(rows)} fits of {len({row['case'] for row in rows})} cases: "
        f"median loss {np.median(losses):.3f} dB, "
        f"worst {worst['loss']:.3f} dB ({worst['case']}, seed {worst['seed']}), "
        f"{ratio:.2f} times the oracle's iterations"
    )


def stopping(rows: list[Row]) -> str:
    return "\n".join([stopping_head(), *map(stopping_row, rows), "", stopping_summary(rows)])


def main() -> None:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "build/bench")
    for name, table in (("compare", quality), ("stopping", stopping)):
        if (folder / f"{name}.json").is_file():
            text = table(read_rows(folder / f"{name}.json"))
            (folder / f"{name}.md").write_text(f"{text}\n")
            print(f"{text}\n")


if __name__ == "__main__":
    main()
