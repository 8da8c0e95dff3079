"""Set the variables of OpenMP before torch is loaded, and remove them after."""

import json
import os
import subprocess
import sys

import pytest

from napari_dip.compute import openmp

NAMES = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")
SCRIPT = """
import json, os, sys
names = "OMP_WAIT_POLICY", "GOMP_SPINCOUNT"
import napari_dip.compute.openmp
before = {name: os.environ.get(name) for name in names}
assert "torch" not in sys.modules
napari_dip.compute.openmp.unset_openmp_variables()
print(json.dumps([before, {name: os.environ.get(name) for name in names}]))
"""


def in_new_process(**variables):
    environment = {name: value for name, value in os.environ.items() if name not in NAMES}
    result = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env=environment | variables,
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(result.stdout)


def test_variables_are_set_and_removed():
    before, after = in_new_process()
    assert before == {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "100000"}
    assert after == dict.fromkeys(NAMES)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"OMP_WAIT_POLICY": "ACTIVE"}, {"OMP_WAIT_POLICY": "ACTIVE", "GOMP_SPINCOUNT": None}),
        ({"GOMP_SPINCOUNT": "7"}, {"OMP_WAIT_POLICY": None, "GOMP_SPINCOUNT": "7"}),
    ],
    ids=["policy", "spins"],
)
def test_variables_of_the_user_are_kept(given, expected):
    before, after = in_new_process(**given)
    for name, value in given.items():
        assert before[name] == value
    assert after == expected


def test_variables_changed_by_others_are_kept(monkeypatch):
    monkeypatch.setattr(openmp, "_set_here", {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "1"})
    monkeypatch.setenv("OMP_WAIT_POLICY", "PASSIVE")
    monkeypatch.setenv("GOMP_SPINCOUNT", "2")
    openmp.unset_openmp_variables()
    assert "OMP_WAIT_POLICY" not in os.environ
    assert os.environ["GOMP_SPINCOUNT"] == "2"
