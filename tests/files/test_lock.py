"""Test that one run at a time writes to an output."""

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from napari_dip.cli.app import app
from napari_dip.errors import NapariDipError
from napari_dip.files.file_run import open_run
from napari_dip.generators import finished
from napari_dip.settings import Settings

QUICK = ("--iterations", "4", "--device", "cpu", "--noise", "5", "--share", "none", "--axes", "ZYX")


def call(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


ANEW = Settings(
    axes="ZYX", device="cpu", iterations=1, noise=5, share="none", at_once=1, refinement=0
)


HOLD = """
import sys, time
from pathlib import Path
from napari_dip.files.lock import RunLock
lock = RunLock(Path(sys.argv[1]))
print("held", flush=True)
time.sleep(60)
"""


def test_two_processes_cannot_write_to_one_output(stack, tmp_path):
    out = tmp_path / "out.ome.zarr"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(out)], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout.readline() == "held\n"
        refused = call("denoise", stack, out, *QUICK)
        holder.kill()
    assert refused.exit_code == 2
    assert f"is being written by process {holder.pid} on" in refused.stderr
    assert not out.exists()
    # The lock of a killed process is released.
    assert call("denoise", stack, out, *QUICK).exit_code == 0
    assert [file.name for file in tmp_path.iterdir()] == ["out.ome.zarr"]


def test_later_run_of_the_process_takes_over(stack, tmp_path):
    first = open_run(stack, tmp_path / "out.ome.zarr", ANEW)
    steps = first.steps()
    next(steps)
    second = open_run(stack, tmp_path / "out.ome.zarr", ANEW, resume=True)
    with pytest.raises(NapariDipError, match="another run of this program"):
        list(steps)
    assert len(finished(second.steps()).reports) == 6
