"""Print the rows of stopping.py as a Markdown table, without running anything.

python benchmarks/tables.py [build/bench]
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from results_file import Row, read_rows


def line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


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
    text = stopping(read_rows(folder / "stopping.json"))
    (folder / "stopping.md").write_text(f"{text}\n")
    print(text)


if __name__ == "__main__":
    main()
