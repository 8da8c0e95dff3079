"""Test the Dockerfile, the Galaxy tool, the conda recipe, the citation and the workflow."""

from __future__ import annotations

import re
import runpy
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args, get_origin
from xml.etree import ElementTree as XML

import pytest
import typer
import yaml
from packaging.requirements import Requirement
from typer.testing import CliRunner

from napari_dip.cli import task_command
from napari_dip.cli.app import app
from napari_dip.settings import TASKS, Settings

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
RECIPE = yaml.safe_load((ROOT / "recipe/recipe.yaml").read_text("utf-8"))
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
WORKFLOW = (ROOT / ".github/workflows/test_and_deploy.yml").read_text("utf-8")
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
PYTHONS = re.findall(r"Python :: (3\.\d+)", " ".join(PROJECT["classifiers"]))
COMMANDS: dict[str, Any] = typer.main.get_command(app).commands  # type: ignore[attr-defined]

# Valid values of options that are not a choice, how they are read, and what else a call needs.
VALUES = {
    "noise": "12",
    "iterations": "7",
    "seed": "5",
    "axes": "YX",
    "voxel": "4,1,1",
    "psf": "bead.tif",
    "na": "0.8",
    "wavelength": "520",
    "excitation": "488",
    "ri": "1.3",
    "sample_ri": "1.4",
    "depth": "5",
    "pinhole": "1.5",
    "sheet": "2",
    "pixel_size": "0.2",
    "z_step": "0.5",
    "fwhm": "3.5",
    "uncertainty": "uncertainty.tif",
    "report": "report.html",
}
READ = {"4,1,1": (4, 1, 1), "3.5": "3.5 px"}  # other values are read as they are
NEEDED = {
    ("factor", "isotropic"): ["--axis", "Z"],
    ("axis", "Z"): ["--factor", "isotropic"],
}


def galaxy_tool() -> XML.Element:
    """Return the Galaxy tool with its macros in place."""
    tool = XML.parse(ROOT / "galaxy/napari_dip.xml").getroot()
    macros = {m.get("name"): m for m in XML.parse(ROOT / "galaxy/macros.xml").getroot().iter("xml")}
    for parent in [*tool.iter()]:
        for place, child in enumerate([*parent]):
            if child.tag == "expand":
                (content,) = macros[child.get("macro")]
                parent[place] = content
    return tool


def literals(annotation: Any) -> set[str]:
    """Return the words and numbers that a type names, such as those of ``Literal["a"] | None``."""
    inner = get_args(annotation)
    if get_origin(annotation) is Literal:
        return set(map(str, inner))
    return set().union(*map(literals, inner))


TOOL = galaxy_tool()


@dataclass(frozen=True)
class Field:
    """A field of the Galaxy tool that becomes an option, for one task."""

    task: str
    param: XML.Element

    @property
    def option(self) -> str:
        return str(self.param.get("argument"))

    @property
    def name(self) -> str:
        return self.option.lstrip("-").replace("-", "_")

    @property
    def choices(self) -> list[str]:
        return [str(option.get("value")) for option in self.param.iter("option")]


def fields() -> Iterator[Field]:
    inputs = TOOL.find("inputs")
    assert inputs is not None
    for when in inputs.iterfind("conditional/when"):
        of_task = [*when.iterfind(".//param[@argument]")]
        of_all = [*inputs.iterfind("section/param[@argument]")]
        for param in of_task + of_all:
            yield Field(str(when.get("value")), param)


FIELDS = [pytest.param(field, id=f"{field.task}{field.option}") for field in fields()]


@pytest.fixture
def received(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the command would do, by name of the option; nothing is restored."""
    found: dict[str, Any] = {}

    def record(image: Path, output: Path, options: Any, settings: Settings, **other: Any) -> None:
        found.update(dict(settings) | dict(settings.task) | vars(options) | other)
        found["mask_marks"] = other["marks"]

    monkeypatch.setattr(task_command, "restore_file", record)
    return found


@pytest.mark.parametrize("field", FIELDS)
def test_galaxy_fields_are_options_with_these_values(
    field: Field, received: dict[str, Any]
) -> None:
    if field.name == "report":
        assert "--report" in {name for one in COMMANDS["assess"].params for name in one.opts}
        return
    files = ["in.tif", "mask.tif", "out.tif"] if field.task == "inpaint" else ["in.tif", "out.tif"]
    for value in field.choices or [VALUES[field.name]]:
        needed = NEEDED.get((field.name, value), [])
        call = [field.task, *files, *needed, field.option, value]
        done = CliRunner().invoke(app, call)
        assert done.exit_code == 0, done.output
        got = received[field.name]
        assert got == READ.get(value, type(got)(value))


@pytest.mark.parametrize("field", [one for one in FIELDS if one.values[0].choices])
def test_galaxy_offers_every_choice_of_an_option(field: Field) -> None:
    settings = Settings.model_fields | TASKS[field.task].settings.model_fields
    if field.name in settings:
        assert literals(settings[field.name].annotation) <= set(field.choices)


def test_galaxy_command_passes_each_field_once() -> None:
    command = TOOL.findtext("command")
    assert command
    variables = {"psf": "bead", "uncertainty": "half_width"}
    passed = re.findall(r"(--[a-z-]+) '\$([\w.]+)'", command)
    assert {option for option, _ in passed} | {"--report"} == {f.option for f in fields()}
    assert len(passed) == len({option for option, _ in passed})
    for option, variable in passed:
        name = option.lstrip("-").replace("-", "_")
        assert variable.rpartition(".")[2] == variables.get(name, name)


def test_galaxy_command_has_no_unknown_option() -> None:
    command = TOOL.findtext("command")
    known = {name for task in TASKS for one in COMMANDS[task].params for name in one.opts}
    assert set(re.findall(r"--[a-z-]+", command or "")) - known == {"--report"}


def test_galaxy_has_a_test_of_every_task() -> None:
    tested = {
        one.get("value") for one in TOOL.iterfind("tests/test/conditional/param[@name='name']")
    }
    offered = {one.get("value") for one in TOOL.iterfind("inputs/conditional/when")}
    assert tested == offered == set(TASKS)


def test_files_of_the_galaxy_tests_exist() -> None:
    files = {one.get("value") for one in TOOL.iterfind(".//test//param[@ftype]")}
    assert files == {path.name for path in (ROOT / "galaxy/test-data").iterdir()}


def test_recipe_requires_what_the_project_requires() -> None:
    conda_names = {"torch": "pytorch"}
    required = [Requirement(text) for text in PROJECT["dependencies"]]
    expected = {
        f"{conda_names.get(one.name, one.name)} {one.specifier}".strip() for one in required
    }
    expected.add("python >=${{ python_min }}")
    assert set(RECIPE["requirements"]["run"]) == expected
    assert PROJECT["requires-python"] == f">={RECIPE['context']['python_min']}"


def test_recipe_installs_the_commands_of_the_project() -> None:
    commands = [f"{name} = {target}" for name, target in PROJECT["scripts"].items()]
    assert RECIPE["build"]["python"]["entry_points"] == commands


def test_versions_agree() -> None:
    macros = XML.parse(ROOT / "galaxy/macros.xml").getroot()
    versions = {
        RECIPE["context"]["version"],
        CITATION["version"],
        macros.findtext("token[@name='@TOOL_VERSION@']"),
    }
    assert versions == {PROJECT["version"]}


def test_citation_names_every_task() -> None:
    words = {"denoise": "denoising", "super-resolve": "super-resolution"}
    words |= {"inpaint": "inpainting", "deconvolve": "deconvolution"}
    for task in TASKS:
        assert words[task] in CITATION["abstract"]


def test_dockerfile_runs_the_command_as_a_user() -> None:
    (command,) = PROJECT["scripts"]
    assert f'ENTRYPOINT ["{command}"]' in DOCKERFILE
    user = re.findall(r"^USER (\d+)", DOCKERFILE, re.MULTILINE)
    assert user and int(user[-1]) > 0


def test_dockerfile_installs_extras_that_exist() -> None:
    (extras,) = re.findall(r'"\.\[([\w,]+)\]"', DOCKERFILE)
    assert set(extras.split(",")) <= set(PROJECT["optional-dependencies"])
    (python,) = re.findall(r"^ARG PYTHON=(.+)$", DOCKERFILE, re.MULTILINE)
    assert python in PYTHONS


def test_dockerfile_copies_what_the_wheel_needs() -> None:
    kept = re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text("utf-8"), re.MULTILINE)
    needed = {"pyproject.toml", "constraints.txt", "src", PROJECT["readme"]}
    assert set(kept) == needed | set(PROJECT["license-files"])


def test_actions_are_pinned() -> None:
    for action in re.findall(r"uses: (.+)", WORKFLOW):
        assert re.search(r"@([0-9a-f]{40} # v\d+\.\d+\.\d+|v\d+\.\d+(\.\d+)?)$", action), action


def test_every_classified_python_is_tested() -> None:
    matrix = yaml.safe_load(WORKFLOW)["jobs"]["test"]["strategy"]["matrix"]["python-version"]
    assert set(PYTHONS) <= set(matrix)
    factors = ",".join(version.replace(".", "") for version in matrix)
    assert f"py{{{factors}}}-" in (ROOT / "tox.ini").read_text("utf-8")


@pytest.mark.parametrize(
    ("tag", "heading", "released", "problem"),
    [
        ("v1.2.3", "## [1.2.3] - 2026-05-04", "2026-05-04", None),
        ("v1.2.4", "## [1.2.3] - 2026-05-04", "2026-05-04", "tag v1.2.3"),
        ("v1.2.3", "## [Unreleased]", "2026-05-04", "CHANGELOG.md"),
        ("v1.2.3", "## [1.2.3] - 2026-13-04", "2026-13-04", "CHANGELOG.md"),
        ("v1.2.3", "## [1.2.3] - 2026-05-04", "2026-05-03", "CITATION.cff"),
    ],
)
def test_a_release_needs_one_version_and_date(
    tag: str, heading: str, released: str, problem: str | None, tmp_path: Path
) -> None:
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "1.2.3"\n')
    (tmp_path / "CHANGELOG.md").write_text(f"# Changelog\n\n{heading}\n")
    (tmp_path / "CITATION.cff").write_text(f'date-released: "{released}"\n')
    found = runpy.run_path(str(ROOT / "tools/check_release.py"))["problems"](tag, tmp_path)
    assert bool(found) == bool(problem)
    assert problem is None or problem in found[0]
