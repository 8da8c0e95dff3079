"""What stands in the pages of docs/ and in the README is run, parsed and built."""

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
from napari_dip.pipeline import block
from napari_dip.pipeline.presets import recipe
from napari_dip.plugin.models.layer_input import read_layer
from napari_dip.plugin.models.layer_output import to_layer_data

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]

SIDE = 32


def examples(language: str) -> list[Any]:
    """Give the examples in a language, as one list of texts for each page that has some."""
    fenced = re.compile(rf"^( *)```{language}\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
    found = defaultdict(list)
    for page in PAGES:
        for indent, text in fenced.findall(page.read_text("utf-8")):
            found[page.name].append(re.sub(rf"^{indent}", "", text, flags=re.MULTILINE))
    assert found, f"no page has an example in {language}"
    return [pytest.param(texts, id=name) for name, texts in found.items()]


@pytest.fixture(scope="module", autouse=True)
def little_work() -> Iterator[None]:
    """Whether an example runs is seen after two iterations; how good it is, elsewhere."""

    def hasty(*given: Any, **named: Any) -> Recipe:
        chosen = recipe(*given, **named)
        return replace(chosen, iterations=2, members=min(2, chosen.members), refinement=0)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(block, "recipe", hasty)
        yield


@pytest.fixture(scope="module")
def viewer(little_work: None) -> ViewerModel:
    """A viewer after two of the quick starts, on smaller samples."""
    random = np.random.default_rng(0)
    grey = random.poisson(30, (4 * SIDE, 5 * SIDE)).astype(np.uint16)
    colour = random.integers(0, 255, (SIDE, SIDE, 3), dtype=np.uint8)
    viewer = ViewerModel()
    spoilt = {
        "denoise": viewer.add_image(grey, name="noisy"),
        "super-resolve": viewer.add_image(colour, name="low resolution", rgb=True),
    }
    for task, layer in spoilt.items():
        source = read_layer(layer)
        steps = restore(source.data, Settings(task=task, device="cpu"), axes=source.axes)
        pixels, keywords, _ = to_layer_data(finished(steps), source)
        viewer.add_image(pixels, **keywords)
    return viewer


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, little_work: None) -> Path:
    """A folder in which ``napari-dip denoise noisy.tif clean.tif`` was run."""
    folder = tmp_path_factory.mktemp("pages")
    noisy = np.random.default_rng(0).poisson(30, (SIDE, SIDE)).astype(np.uint16)
    tifffile.imwrite(folder / "noisy.tif", noisy)
    run = open_run(folder / "noisy.tif", folder / "clean.tif", Settings(device="cpu"))
    run.write(finished(run.steps()))
    return folder


@pytest.mark.parametrize("texts", examples("python"))
def test_the_examples_of_a_page_run_one_after_the_other(
    texts: list[str], folder: Path, viewer: ViewerModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    # Not as __main__: the page on clusters would start one.
    names = {"__name__": "page", "viewer": viewer}
    for text in texts:
        exec(compile(text, "page", "exec"), names)


@pytest.mark.parametrize("texts", examples("sh"))
def test_the_commands_of_a_page_are_understood(texts: list[str]) -> None:
    commands = typer.main.get_command(app)
    for line in "".join(texts).splitlines():
        if re.match(r"\s*napari-dip ", line):
            name, *arguments = shlex.split(line, comments=True)[1:]
            command = commands.commands[name]  # type: ignore[attr-defined]
            command.make_context(name, arguments)  # leaves with an error where it is wrong


@pytest.mark.parametrize("texts", examples("json"))
def test_the_settings_of_a_page_are_settings(texts: list[str]) -> None:
    for text in texts:
        assert Settings.from_json(text) != Settings()


def test_the_readme_shows_pictures_that_are_there() -> None:
    address = "https://github.com/napari-dip/napari-dip/raw/main/"
    pictures = re.findall(r"!\[.*?\]\((.*?)\)", PAGES[0].read_text("utf-8"))
    assert pictures
    for picture in pictures:
        assert picture.startswith(address), picture
        assert (ROOT / picture.removeprefix(address)).is_file(), picture


def test_the_readme_leads_to_pages_that_are_there() -> None:
    site = "https://napari-dip.github.io/napari-dip/"
    pages = re.findall(rf"{re.escape(site)}([\w-]+)/", PAGES[0].read_text("utf-8"))
    assert pages
    for page in pages:
        assert (ROOT / "docs" / f"{page}.md").is_file(), page


def test_the_pages_name_the_menu_of_the_panels_as_napari_does() -> None:
    manifest = PluginManifest.from_file(ROOT / "napari.yaml")
    panels = [widget.display_name for widget in manifest.contributions.widgets]
    named = re.findall(
        r"\*\*Plugins › (.+) › (.+?)\*\*", "".join(page.read_text("utf-8") for page in PAGES)
    )
    assert {*named} == {(manifest.display_name, panel) for panel in panels}


def test_an_excerpt_of_a_page_begins_and_ends():
    excerpts = re.findall(
        r'^--8<-- "(.+):(.+)"$', "".join(map(Path.read_text, PAGES)), re.MULTILINE
    )
    assert excerpts
    for file, name in excerpts:
        marks = re.findall(rf"--8<-- \[(start|end):{name}\]", (ROOT / file).read_text("utf-8"))
        assert marks == ["start", "end"], name
