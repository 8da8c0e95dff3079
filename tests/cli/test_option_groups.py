"""The help of a command is in groups, and readable in a narrow terminal."""

import re

import pytest
from typer.testing import CliRunner

from napari_dip.cli.app import app
from napari_dip.settings import TASKS


def shown(*arguments):
    result = CliRunner().invoke(app, [*arguments, "--help"], env={"COLUMNS": "80"})
    assert result.exit_code == 0
    return re.sub(r"\x1b\[[\d;]*m", "", result.stdout)


@pytest.mark.parametrize("task", TASKS)
def test_help_is_in_groups(task):
    groups = re.findall(r"^╭─ (.+?) ─", shown(task), flags=re.MULTILINE)
    assert groups[:2] == ["Arguments", "Options"]
    assert {"Input", "Output", "Stacks and channels", "Machine"} < set(groups)


@pytest.mark.parametrize("command", [*TASKS, "plan", "assess", "reproduce", "info", "demo"])
def test_help_has_whole_names_without_switch_types(command):
    text = shown(command)
    assert "<bool>" not in text
    assert not re.search(r"--[\w-]*…", text)
    assert max(map(len, text.splitlines())) <= 80
