"""Tasks check their own values."""

from dataclasses import replace
from typing import Literal

import numpy as np
import pytest

from napari_dip.errors import BadSettings
from napari_dip.settings import (
    TASKS,
    Denoise,
    Settings,
    SuperResolve,
    Task,
    TaskSpec,
    register_task,
)


@pytest.mark.parametrize("factor", [1, 0, -2, 9, 2.5, "2", "cubic", True, None], ids=repr)
def test_invalid_factor_is_refused(factor):
    with pytest.raises(BadSettings, match=r"factor=.*: choose a whole number from 2 to 8"):
        SuperResolve(factor=factor)


@pytest.mark.parametrize("factor", [2, 8, np.int64(3), "isotropic"], ids=repr)
def test_valid_factor_is_kept(factor):
    assert SuperResolve(factor=factor).factor == factor


def test_isotropic_factor_is_for_z_alone():
    with pytest.raises(BadSettings, match="factor='isotropic' is for Z, not for axis='YX'"):
        SuperResolve(factor="isotropic", axis="YX")
    assert SuperResolve(factor="isotropic").axial


@pytest.mark.parametrize(
    ("task", "axial", "kernel"),
    [
        (SuperResolve(), False, "lanczos2"),
        (SuperResolve(axis="YX"), False, "lanczos2"),
        (SuperResolve(axis="Z"), True, "gaussian"),
        (SuperResolve(axis="Z", downsampler="box"), True, "box"),
        (SuperResolve(downsampler="lanczos3"), False, "lanczos3"),
    ],
)
def test_default_kernel_depends_on_the_axis(task, axial, kernel):
    assert (task.axial, task.kernel) == (axial, kernel)


def test_unknown_task_lists_the_tasks():
    tasks = "'denoise', 'super-resolve', 'inpaint', 'deconvolve'"
    with pytest.raises(BadSettings, match=f"^task='sharpen': choose one of {tasks}$"):
        Settings(task="sharpen")
    with pytest.raises(BadSettings, match=r"^task=\{'factor': 2\}: give its 'kind'$"):
        Settings(task={"factor": 2})


class Sharpen(Task):
    kind: Literal["sharpen"] = "sharpen"
    width: float = 1.0


class Unnamed(Task):
    width: float = 1.0


class Incomplete(Sharpen):
    height: float


class Twin(Task):
    kind: Literal["denoise"] = "denoise"


def row(settings):
    return replace(Denoise().spec, settings=settings)


@pytest.fixture
def table():
    """Remove what a test adds to the table."""
    before = dict(TASKS)
    yield before
    TASKS.clear()
    TASKS.update(before)


def test_a_registered_task_is_found_by_name(table):
    register_task(row(Sharpen))
    assert Settings(task="sharpen").task == Sharpen()
    wide = Settings(task=Sharpen(width=2))
    assert Settings.from_json(wide.to_json()) == wide
    assert TASKS["sharpen"].settings is Sharpen


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        (Unnamed, "Unnamed has no default for kind; give one"),
        (Incomplete, "Incomplete has no default for height; give one"),
        (Twin, "kind='denoise' is the name of another task; choose another name"),
    ],
)
def test_incomplete_or_duplicate_task_is_not_registered(table, settings, why):
    with pytest.raises(BadSettings, match=f"^{why}$"):
        register_task(row(settings))
    assert table == TASKS


def test_an_unregistered_task_is_refused(table):
    with pytest.raises(BadSettings, match="task='sharpen': choose one of 'denoise', "):
        Settings(task=Sharpen())
    register_task(row(Sharpen))
    with pytest.raises(BadSettings, match="Incomplete is not registered; call register_task"):
        Settings(task=Incomplete(height=1.0))


def test_the_row_names_a_result():
    spec = TaskSpec(Denoise, "Denoise.", "denoising", "denoised", "Denoise", "a.b")
    assert spec.result_name("cells", {"Y": 1, "X": 1}, ", part") == "cells (denoised, part)"
    spec = replace(spec, suffix="×{factor}{along}")
    assert spec.result_name("cells", {"Y": 3, "X": 3}) == "cells (×3)"
    assert spec.result_name("cells", {"Z": 4, "X": 1}) == "cells (×4 along Z)"
