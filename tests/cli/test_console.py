"""Test Ctrl-C and the progress bar in a process of its own."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time

import pytest

from napari_dip.files.image_io import read_image, read_provenance

QUICK = ("--iterations", "2", "--stopping", "fixed", "--device", "cpu")
COMMAND = (sys.executable, "-c", "from napari_dip.cli.app import app; app()")
PATIENCE_S = 120  # seconds for a process to end: more than a busy machine needs
ENDLESS = ("--iterations", "1000000", "--stopping", "fixed", "--device", "cpu")


posix = pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals and terminals")


def start(*arguments: object, **options) -> subprocess.Popen[str]:
    """Start a run, and return when it is in progress."""
    process = subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )
    assert process.stderr is not None
    assert "Denoising" in process.stderr.readline()
    time.sleep(1.5)  # some iterations
    return process


@posix
@pytest.mark.parametrize(
    "number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)]
)
def test_an_interrupted_run_writes_nothing(cells, tmp_path, number):
    process = start("denoise", cells, tmp_path / "out.tif", *ENDLESS)
    process.send_signal(number)
    _, stderr = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130
    assert "nothing was written" in stderr
    assert "Traceback" not in stderr
    assert list(tmp_path.iterdir()) == [cells]


@pytest.mark.slow
@posix
def test_keep_on_interrupt_writes_the_best_result(cells, tmp_path):
    out = tmp_path / "out.tif"
    process = start("denoise", cells, out, *ENDLESS, "--keep-on-interrupt")
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130
    assert "the best result" in stderr
    assert "Wrote" in stdout
    assert read_image(out).image.shape == (24, 20)
    record = read_provenance(out)
    assert record["stopped_by_user"]
    assert 0 < record["units"][0]["iterations"] < 1_000_000


@pytest.mark.slow
@posix
def test_a_killed_run_leaves_no_file(cells, tmp_path):
    process = start("denoise", cells, tmp_path / "out.tif", *ENDLESS)
    process.kill()
    process.communicate(timeout=PATIENCE_S)
    assert list(tmp_path.iterdir()) == [cells]


@pytest.mark.slow
def test_a_pipe_gets_no_progress_bar(cells, tmp_path):
    arguments = ("denoise", cells, tmp_path / "out.tif", *QUICK)
    run = subprocess.run(
        [*COMMAND, *map(str, arguments)], capture_output=True, text=True, check=True
    )
    assert len(run.stderr.splitlines()) == 1
    assert len(run.stdout.splitlines()) == 1
    assert "\r" not in run.stdout + run.stderr
    assert "\x1b" not in run.stdout + run.stderr


@pytest.mark.slow
@posix
def test_a_terminal_shows_iterations_and_remaining_time(cells, tmp_path):
    arguments = ("denoise", cells, tmp_path / "out.tif", *QUICK[2:], "--iterations", "20")
    ours, theirs = pty.openpty()
    environment = os.environ | {"COLUMNS": "120", "TERM": "xterm"}
    with subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        stdout=subprocess.DEVNULL,
        stderr=theirs,
        env=environment,
    ) as process:
        os.close(theirs)
        shown = b""
        while True:
            try:
                part = os.read(ours, 4096)
            except OSError:  # on Linux, the end of a terminal is an error
                break
            if not part:
                break
            shown += part
    os.close(ours)
    assert process.returncode == 0
    assert b"of 20, loss" in shown
    assert b"left" in shown
