"""Tasks check their own values."""

import numpy as np
import pytest

from napari_dip.errors import BadSettings
from napari_dip.settings import Settings, SuperResolve


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
    tasks = "'denoise', 'super-resolve', 'inpaint'"
    with pytest.raises(BadSettings, match=f"^task='sharpen': choose one of {tasks}$"):
        Settings(task="sharpen")
    with pytest.raises(BadSettings, match=r"^task=\{'factor': 2\}: give its 'kind'$"):
        Settings(task={"factor": 2})
