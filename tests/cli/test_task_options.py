"""Test that options of tasks have the choices and defaults of the settings."""

from __future__ import annotations

from typing import get_args

import pytest

from napari_dip.cli.task_options import SHOWN, read_values, task_parameters
from napari_dip.settings import TASKS

OPTIONS = [
    pytest.param(spec.settings, parameter, id=f"{spec.kind} {parameter.name}")
    for spec in TASKS.values()
    for parameter in task_parameters(spec.settings)
]


@pytest.mark.parametrize(
    ("text", "factor"), [("4", 4), ("isotropic", "isotropic"), ("2.5", "2.5"), (None, None)]
)
def test_factor_is_a_number_or_a_word(text, factor):
    assert read_values({"factor": text}) == {"factor": factor}


@pytest.mark.parametrize(("task", "parameter"), OPTIONS)
def test_options_accept_what_the_settings_accept(task, parameter):
    optional, option = get_args(parameter.annotation)
    kind, nothing = get_args(optional)
    assert nothing is type(None)
    assert option.help
    for choice in {bool: (True, False), str: ()}.get(kind, get_args(kind)):
        assert getattr(task(**{parameter.name: choice}), parameter.name) == choice


@pytest.mark.parametrize(("task", "parameter"), OPTIONS)
def test_the_shown_default_is_that_of_the_settings(task, parameter):
    shown = get_args(parameter.annotation)[1].show_default
    default = getattr(task(), parameter.name)
    if parameter.name not in SHOWN or not SHOWN[parameter.name].default:
        assert shown == str(default)


def test_exceptions_are_those_of_existing_options():
    assert SHOWN.keys() <= {parameter.name for _, parameter in (one.values for one in OPTIONS)}
