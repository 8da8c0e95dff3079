"""Test the examples, commands, links and names in docs/ and the README."""

from __future__ import annotations

import re
import shlex
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import typer
from napari.components import ViewerModel
from npe2 import PluginManifest

from napari_dip import Settings, restore
from napari_dip.cli.app import app
from napari_dip.dip.recipe import Recipe
from napari_dip.files.file_run import open_run
from napari_dip.generators import finished
from napari_dip.pipeline import resolve
from napari_dip.pipeline.presets import recipe
from napari_dip.plugin.models.layer_input import read_layer
from napari_dip.plugin.models.layer_output import to_layer_data
from napari_dip.settings import NETWORKS, RULES

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]

SIDE = 32


def examples(language: str) -> list[Any]:
    """Return the examples in a language, one list for each page that has some."""
    fenced = re.compile(rf"^( *)```{language}\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
    found = defaultdict(list)
    for page in PAGES:
        for indent, text in fenced.findall(page.read_text("utf-8")):
            found[page.name].append(re.sub(rf"^{indent}", "", text, flags=re.MULTILINE))
    assert found, f"no page has an example in {language}"
    return [pytest.param(texts, id=name) for name, texts in found.items()]


@pytest.fixture(scope="module", autouse=True)
def short_runs() -> Iterator[None]:
    """Limit every fit to two iterations: enough to see that an example runs."""

    def short(*given: Any, **named: Any) -> Recipe:
        chosen = recipe(*given, **named)
        return replace(chosen, iterations=2, members=min(2, chosen.members), refinement=0)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(resolve, "recipe", short)
        yield


@pytest.fixture(scope="module")
def viewer(short_runs: None) -> ViewerModel:
    """A viewer with the results of two tasks, on small images."""
    random = np.random.default_rng(0)
    grey = random.poisson(30, (4 * SIDE, 5 * SIDE)).astype(np.uint16)
    colour = random.integers(0, 255, (SIDE, SIDE, 3), dtype=np.uint8)
    viewer = ViewerModel()
    inputs = {
        "denoise": viewer.add_image(grey, name="noisy"),
        "super-resolve": viewer.add_image(colour, name="low resolution", rgb=True),
    }
    for task, layer in inputs.items():
        source = read_layer(layer)
        steps = restore(source.data, Settings(task=task, device="cpu"), axes=source.axes)
        pixels, keywords, _ = to_layer_data(finished(steps), source)
        viewer.add_image(pixels, **keywords)
    return viewer


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, short_runs: None) -> Path:
    """A folder with the files of ``napari-dip denoise noisy.tif clean.tif``."""
    folder = tmp_path_factory.mktemp("pages")
    noisy = np.random.default_rng(0).poisson(30, (SIDE, SIDE)).astype(np.uint16)
    tifffile.imwrite(folder / "noisy.tif", noisy)
    (folder / "raw").mkdir()
    tifffile.imwrite(folder / "raw" / "cells.tif", noisy)
    run = open_run(folder / "noisy.tif", folder / "clean.tif", Settings(device="cpu"))
    run.write(finished(run.steps()))
    return folder


@pytest.mark.parametrize("texts", examples("python"))
def test_python_examples_of_a_page_run(
    texts: list[str], folder: Path, viewer: ViewerModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    # Not __main__, because the page on clusters would start a cluster.
    names = {"__name__": "page", "viewer": viewer}
    for text in texts:
        exec(compile(text, "page", "exec"), names)


@pytest.mark.parametrize("texts", examples("sh"))
def test_shell_commands_of_a_page_are_valid(texts: list[str]) -> None:
    commands = typer.main.get_command(app)
    for line in "".join(texts).splitlines():
        if re.match(r"\s*napari-dip ", line):
            name, *arguments = shlex.split(line, comments=True)[1:]
            command = commands.commands[name]  # type: ignore[attr-defined]
            command.make_context(name, arguments)  # raises if it is wrong


@pytest.mark.parametrize("texts", examples("json"))
def test_json_examples_are_settings(texts: list[str]) -> None:
    for text in texts:
        assert Settings.from_json(text) != Settings()


def test_images_of_the_readme_exist() -> None:
    address = "https://github.com/napari-dip/napari-dip/raw/main/"
    pictures = re.findall(r"!\[.*?\]\((.*?)\)", PAGES[0].read_text("utf-8"))
    assert pictures
    for picture in pictures:
        assert picture.startswith(address), picture
        assert (ROOT / picture.removeprefix(address)).is_file(), picture


def test_links_of_the_readme_exist() -> None:
    site = "https://napari-dip.github.io/napari-dip/"
    pages = re.findall(rf"{re.escape(site)}([\w-]+)/", PAGES[0].read_text("utf-8"))
    assert pages
    for page in pages:
        assert (ROOT / "docs" / f"{page}.md").is_file(), page


def test_pages_name_the_menus_as_napari_does() -> None:
    manifest = PluginManifest.from_file(ROOT / "napari.yaml")
    panels = [widget.display_name for widget in manifest.contributions.widgets]
    named = re.findall(
        r"\*\*Plugins › (.+) › (.+?)\*\*", "".join(page.read_text("utf-8") for page in PAGES)
    )
    assert {*named} == {(manifest.display_name, panel) for panel in panels}


def test_pages_list_all_rules_and_networks() -> None:
    stopping = (ROOT / "docs/stopping.md").read_text("utf-8")
    python = (ROOT / "docs/python.md").read_text("utf-8")
    rows = re.findall(r'^\| (.+?) \| `"(.+?)"` \|', stopping, re.MULTILINE)
    assert [*map(tuple, rows)] == [(rule.label, name) for name, rule in RULES.items()]
    (listed,) = re.findall(r"networks are (.+?);", python, re.DOTALL)
    assert re.findall("`(.+?)`", listed) == [*NETWORKS]


def test_excerpts_have_a_start_and_an_end():
    excerpts = re.findall(
        r'^--8<-- "(.+):(.+)"$', "".join(map(Path.read_text, PAGES)), re.MULTILINE
    )
    assert excerpts
    for file, name in excerpts:
        marks = re.findall(rf"--8<-- \[(start|end):{name}\]", (ROOT / file).read_text("utf-8"))
        assert marks == ["start", "end"], name


def test_test_names_have_at_most_eight_words() -> None:
    names = [
        name
        for file in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^ *(?:async )?def test_(\w+)\(", file.read_text("utf-8"), re.M)
    ]
    assert len(names) > 1000
    assert not [name for name in names if len(name.split("_")) > 8]
