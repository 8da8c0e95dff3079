"""The tables of the page on quality, from made-up results."""

from __future__ import annotations

import json

import pytest


@pytest.fixture
def page_tables(scripts):
    import page_tables

    return page_tables


def row(case, method, psnr, group="scratches"):
    return {"group": group, "case": case, "method": method, "psnr": psnr, "ssim": 0.5}


@pytest.fixture
def rows():
    ours = [row(case, "fast", psnr) for case, psnr in zip("abc", (30, 32, 34), strict=True)]
    rival = [row(case, "rival", psnr) for case, psnr in zip("abc", (29, 33, 31), strict=True)]
    return [*ours, *rival, row("a", "slow", 25)]


def test_interval_is_students_t(page_tables):
    # Half width: 12.706 (t of one degree of freedom) * standard error 1.
    assert page_tables.interval([1.0, 3.0]).replace("\N{NO-BREAK SPACE}", " ") == "2.00 ± 12.71"
    assert page_tables.interval([1.5]) == "1.50"


def test_differences_count_wins_and_losses(page_tables, rows):
    _, differences = page_tables.pair_of_tables(rows, ("scratches",))
    (rival,) = [text for text in differences.splitlines() if text.startswith("| rival")]
    assert "+1.00" in rival and rival.endswith("2:1 |")


def test_partial_methods_have_no_mean(page_tables, rows):
    quality, differences = page_tables.pair_of_tables(rows, ("scratches",))
    assert "slow" not in quality
    assert "| slow | +5.00; 1:0 |" in differences


def test_last_column_has_all_groups(page_tables, rows):
    holes = [row("a", "fast", 20, "holes"), row("a", "rival", 22, "holes")]
    groups = ("scratches", "holes")
    _, differences = page_tables.pair_of_tables([*rows, *holes], groups, pooled=True)
    head, *_, rival = differences.splitlines()
    assert head.endswith("| holes (1) | all (4) |")
    assert "| \N{MINUS SIGN}2.00; 0:1 | +0.25" in rival and rival.endswith("2:2 |")


def test_excerpt_is_replaced(page_tables):
    text = "before <!-- --8<-- [start:gaps] -->\nold\n<!-- --8<-- [end:gaps] --> after"
    fresh = page_tables.replaced(text, "gaps", "| new |")
    assert "old" not in fresh and "\n| new |\n" in fresh
    assert fresh.startswith("before ") and fresh.endswith(" after")
    with pytest.raises(SystemExit, match="0 excerpts named holes"):
        page_tables.replaced(text, "holes", "")


def test_files_of_a_divided_run_join(page_tables, rows, tmp_path):
    for name, part in (("compare", rows[:3]), ("compare_slow", rows[3:])):
        (tmp_path / f"{name}.json").write_text(json.dumps(part))
    tables = page_tables.all_tables(tmp_path)
    assert {*tables} == {"gaps", "gaps-differences"}
    assert "`fast`" in tables["gaps"] and "rival" in tables["gaps"]


def test_seconds_are_medians_for_each_processor(page_tables):
    taken = [
        row(case, "fast", 30) | {"kind": "denoise", "processor": processor, "cpu_s": seconds}
        for processor, all_seconds in (("AVX512", (1, 2, 9)), ("AVX2", (3, 4, 8)))
        for case, seconds in zip("abc", all_seconds, strict=True)
    ]
    assert "| `fast` | 2 | 4 |" in page_tables.seconds_table(taken)
