"""The table is the only place that tells tasks apart, and its words have a panel and a page."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from napari_dip.settings import TASKS, Denoise, Inpaint, Settings, SuperResolve

ROOT = Path(__file__).parents[2]


def test_only_the_table_tells_tasks_apart():
    kinds, classes = {*TASKS}, {spec.settings.__name__ for spec in TASKS.values()}
    assert {"inpaint", "Inpaint"} <= kinds | classes
    told_apart = []
    package = ROOT / "src/napari_dip"
    for path in [*package.glob("*/*.py"), *package.glob("*/*/*.py")]:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            match node:
                case ast.Compare():
                    parts = [node.left, *node.comparators]
                case ast.Call(func=ast.Name("isinstance"), args=[_, *parts]):
                    pass
                case ast.MatchClass(cls=one) | ast.MatchValue(value=one):
                    parts = [one]
                case ast.Dict(keys=parts):
                    pass
                case _:
                    continue
            inside = [inner for part in parts if part for inner in ast.walk(part)]
            strings = {one.value for one in inside if isinstance(one, ast.Constant)}
            names = {one.id for one in inside if isinstance(one, ast.Name)}
            if strings & kinds or names & classes:
                told_apart.append(f"{path.name}:{node.lineno}")
    assert told_apart == []


def test_napari_has_a_panel_for_each_task():
    npe2 = pytest.importorskip("npe2", reason="the manifest is napari's")
    manifest = npe2.PluginManifest.from_file(ROOT / "napari.yaml").contributions
    tasks = TASKS.values()
    assert [one.display_name for one in manifest.widgets] == [
        spec.panel for spec in tasks if spec.panel
    ]
    assert {spec.sample for spec in tasks} <= {sample.key for sample in manifest.sample_data}
    assert all((ROOT / f"docs/{spec.page}.md").is_file() for spec in tasks)


@pytest.mark.parametrize(
    ("task", "details", "observation"),
    [
        (Denoise(), "", ""),
        (Denoise(artefact="jpeg"), "(artefact: jpeg)", ""),
        (SuperResolve(factor=3), "by 3 (downsampler lanczos2)", "decimated by 3 × 3 (lanczos2)"),
        (
            SuperResolve(factor=4, axis="Z"),
            "by 4 along Z (slice profile gaussian)",
            "decimated by 4 × 1 (gaussian)",
        ),
        (Inpaint(missing="hole"), "(missing: hole)", ""),
    ],
)
def test_tasks_describe_their_settings(task, details, observation):
    factors = Settings(task=task).factors
    assert task.details(factors) == details
    assert task.observation(tuple(factors.values())) == observation
