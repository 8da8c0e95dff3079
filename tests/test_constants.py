"""Each table of constants explains its entries, and cites sections of the notes that exist."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TABLES = sorted((ROOT / "src/napari_dip").glob("*/constants.py"))


def entries(table):
    """Return the names of the constants with their docstrings."""
    body = ast.parse(table.read_text(encoding="utf-8")).body
    return {
        statement.targets[0].id: ast.literal_eval(following.value)
        if isinstance(following, ast.Expr)
        else ""
        for statement, following in zip(body, [*body[1:], ast.Pass()], strict=True)
        if isinstance(statement, ast.Assign)
    }


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.parent.name)
def test_every_constant_is_explained(table):
    explained = entries(table)
    assert explained
    assert [name for name, text in explained.items() if len(text) < 20] == []


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.parent.name)
def test_cited_sections_exist(table):
    notes = ROOT / "benchmarks/NOTES.md"
    sections = re.findall(r"^#+ (.+)$", notes.read_text(encoding="utf-8"), re.MULTILINE)
    cited = {
        " ".join(section.split())
        for text in entries(table).values()
        for section in re.findall(r"\[([^\]]+)\]", text)
    }
    assert cited
    assert cited - set(sections) == set()
