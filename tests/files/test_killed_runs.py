"""Test that the command resumes after kills and disk errors, with identical files."""

import errno
import json
import multiprocessing
import os
import signal

import numpy as np
import pytest

from napari_dip.files.image_io import StoredImage, read_image, write_image

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="needs forked processes"),
]

FRAMES = 32
QUICK = ("--iterations", "4", "--stopping", "fixed", "--refinement", "0", "--noise", "5")
ALONE = ("--share", "none", "--device", "cpu", "--quiet", "--resume")

# Each run of the command is a process that is forked after the slow imports. An audit hook sees
# each file operation, and kills the process or raises a disk error there.
PROGRAM = """
import os, signal, sys, threading
how, moment, delay, log, *sys.argv = {arguments!r}
sys.stderr = open(log, "w")
left = moment

def dies():
    os.kill(os.getpid(), signal.SIGKILL)

def hook(event, arguments):
    global left
    writes = event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR)
    if not writes and event not in ("os.rename", "os.remove", "os.mkdir"):
        return
    if {below!r} not in str(arguments):
        return
    left -= 1
    if how == "killed" and left == 0:
        threading.Timer(delay, dies).start() if delay else dies()
    if how == "refused" and left <= 0:
        raise OSError({error!r}, os.strerror({error!r}))

from napari_dip.cli.app import app
sys.addaudithook(hook)
app()
"""


@pytest.fixture(scope="module")
def processes():
    """Return a context whose processes start with all imports and no threads."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(
        [
            "torch",
            "zarr",
            "napari_dip.cli.app",
            "napari_dip.files.file_run",
            "napari_dip.pipeline.block",
        ]
    )
    return context


@pytest.fixture(scope="module")
def movie(tmp_path_factory):
    path = tmp_path_factory.mktemp("in") / "movie.ome.zarr"
    values = np.random.default_rng(0).poisson(20, (FRAMES, 24, 20)).astype(np.uint16)
    write_image(path, StoredImage(values, "TYX", {"T": 2.0}, {"T": "s"}))
    return path


@pytest.fixture(scope="module")
def uninterrupted(processes, movie, tmp_path_factory):
    path = tmp_path_factory.mktemp("whole") / "out.ome.zarr"
    assert live(processes, movie, path) == (0, "")
    return path


def live(processes, source, out, how="uninterrupted", moment=0, delay=0.0, below="", error=0):
    """Run the command once; return its exit code and its messages.

    It is disturbed at file operation `moment` below the output, `delay` seconds later.
    """
    log = out.with_name("said.txt")
    command = ["napari-dip", "denoise", str(source), str(out), *QUICK, *ALONE]
    arguments = [how, moment, delay, str(log), *command]
    program = PROGRAM.format(arguments=arguments, below=out.name + below, error=error)
    process = processes.Process(target=exec, args=(program, {}))
    process.start()
    process.join(300)
    return process.exitcode, log.read_text()


def journal(out):
    """Return inode and modification time of the record of each complete unit."""
    files = (out / ".napari-dip" / "units").glob("*.json")
    return {file.name: (file.stat().st_ino, file.stat().st_mtime_ns) for file in files}


def content(out):
    """Return the content of all files, without times."""
    found = {
        str(file.relative_to(out)): file.read_bytes() for file in out.rglob("*") if file.is_file()
    }
    described = json.loads(found.pop("zarr.json"))
    described["attributes"]["napari-dip"]["provenance"].pop("elapsed_s")
    return found | {"zarr.json": described}


def test_repeatedly_killed_run_gives_identical_files(processes, movie, uninterrupted, tmp_path):
    out = tmp_path / "out.ome.zarr"
    random = np.random.default_rng(0)
    counts = [0]

    def killed(moment, **how):
        before = journal(out)
        exitcode, said = live(processes, movie, out, "killed", moment, **how)
        assert exitcode == -signal.SIGKILL, said
        assert before.items() <= journal(out).items(), "a unit was restored twice"
        counts.append(len(journal(out)))

    for moment in (1, 7, 14, 21):  # before the output is created completely
        killed(moment)
    assert counts[-1] == 0
    killed(50)  # after the first unit: the output exists after 34 operations
    assert counts[-1] > 0
    for kill in range(17):  # during a write, or every other time during the next fit
        killed(int(random.integers(8, 26)), delay=random.uniform(0, 0.04) if kill % 2 else 0.0)
    assert 0 < counts[-1] < FRAMES
    assert len(set(counts)) > 6
    for moment in (1, 2):  # while the image is marked as complete
        killed(moment, below="/zarr.")
    assert counts[-2:] == [FRAMES, FRAMES]
    assert "unfinished" in read_image(out).notes[-1]
    before = journal(out)
    assert live(processes, movie, out) == (0, "")
    assert journal(out) == before
    assert content(out) == content(uninterrupted)


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EACCES])
def test_run_resumes_after_a_disk_error(processes, movie, uninterrupted, tmp_path, error):
    out = tmp_path / "out.ome.zarr"
    exitcode, said = live(processes, movie, out, "refused", 70, error=error)
    assert exitcode in (1, 2)
    assert f"{out} " in said
    assert os.strerror(error) in said
    assert "Traceback" not in said
    before = journal(out)
    assert 0 < len(before) < FRAMES
    assert live(processes, movie, out) == (0, "")
    assert before.items() <= journal(out).items()
    assert content(out) == content(uninterrupted)
