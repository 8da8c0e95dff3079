"""Test that options of tasks have the choices and defaults of the settings."""

from __future__ import annotations

from typing import get_args

import pytest

from napari_dip.cli import task_options
from napari_dip.cli.task_options import read_factor
from napari_dip.settings import Denoise, Inpaint, SuperResolve


@pytest.mark.parametrize(
    ("text", "factor"), [("4", 4), ("isotropic", "isotropic"), ("2.5", "2.5"), (None, None)]
)
def test_factor_is_a_number_or_a_word(text, factor):
    assert read_factor(text) == factor


@pytest.mark.parametrize(
    ("name", "field", "task"),
    [
        ("Artefact", "artefact", Denoise),
        ("Axis", "axis", SuperResolve),
        ("Downsampling", "downsampler", SuperResolve),
        ("GapType", "missing", Inpaint),
    ],
)
def test_choices_are_those_of_the_settings(name, field, task):
    kind, option = get_args(getattr(task_options, name))
    choices = [choice for part in get_args(kind) for choice in get_args(part)]
    assert choices
    for choice in choices:
        assert getattr(task(**{field: choice}), field) == choice
    default = task().model_dump()[field]
    assert default is None or option.show_default == default
