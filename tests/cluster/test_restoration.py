"""Test that a cluster and this process give equal results."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import psutil
import pytest
from typer.testing import CliRunner

pytest.importorskip("distributed")

from napari_dip.cli.app import app
from napari_dip.cluster.connect import connect
from napari_dip.cluster.restoration import restore_on_cluster
from napari_dip.files import pyramid_layout
from napari_dip.files.file_run import open_run
from napari_dip.files.image_io import StoredImage, read_image, read_provenance, write_image
from napari_dip.generators import finished
from napari_dip.image.problem import make_problem
from napari_dip.image.restore import run
from napari_dip.image.sink import InMemory
from napari_dip.settings import Inpaint, Settings

posix = pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals")
QUICK = Settings(
    axes="TYX", iterations=6, stopping="fixed", refinement=0, precision="float32", device="cpu"
)
LONG = QUICK.replace(iterations=1_000_000)


def finish(restoration):
    snapshots = []
    return snapshots, finished(restoration, snapshots.append)


def locally(problem):
    return finish(run(problem, InMemory(problem)))[1]


def on_cluster(problem, client, **options):
    return finish(restore_on_cluster(problem, InMemory(problem), client, **options))


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"share": "none", "refinement": 1}, marks=pytest.mark.slow),
        {"share": "T", "window": 3, "uncertainty": True, "iterations": 3},
        {"precision": None, "task": Inpaint()},
    ],
)
def test_cluster_and_local_results_are_equal(client, stack, changes):
    missing = np.zeros((24, 24), bool)
    missing[8:12, 8:16] = True
    problem = make_problem(stack, QUICK.replace(**changes), missing, None)
    expected = locally(problem)
    _, result = on_cluster(problem, client)
    np.testing.assert_array_equal(result.image, expected.image)
    assert result.reports == expected.reports
    assert (result.plan, result.device) == (expected.plan, expected.device)
    assert not result.stopped_by_user
    if expected.uncertainty is not None:
        np.testing.assert_array_equal(result.uncertainty, expected.uncertainty)


@pytest.mark.slow
def test_four_workers_give_the_same_bytes(stack):
    problem = make_problem(stack, QUICK.replace(share="none"), None, None)
    with connect("cpu", 4) as pool:
        _, result = on_cluster(problem, pool.client)
    np.testing.assert_array_equal(result.image, locally(problem).image)


@pytest.mark.parametrize("sharded", [False, True])
def test_workers_write_ome_zarr_themselves(client, stack, tmp_path, monkeypatch, sharded):
    if sharded:
        monkeypatch.setattr(pyramid_layout, "MAX_PLAIN_CHUNKS", len(stack) - 1)
    write_image(tmp_path / "in.ome.zarr", StoredImage(stack, "TYX"))
    outputs = []
    for name in ("local", "cluster"):
        job = open_run(tmp_path / "in.ome.zarr", tmp_path / f"{name}.ome.zarr", QUICK)
        if name == "local":
            finish(job.steps())
        else:
            snapshots, result = finish(
                restore_on_cluster(job.problem, job.output, client, previews=False)
            )
            assert all(snapshot.image is None for snapshot in snapshots)
            assert len(result.reports) == len(job.problem.plan.units)
        outputs.append(read_image(tmp_path / f"{name}.ome.zarr"))
        chunks = (tmp_path / f"{name}.ome.zarr/0/c").rglob("*")
        assert sum(file.is_file() for file in chunks) == (1 if sharded else len(stack))
    np.testing.assert_array_equal(*(output.image for output in outputs))
    assert not outputs[1].notes  # it is finished


def test_number_of_threads_is_used_and_recorded(client, stack):
    problem = make_problem(stack[:1], QUICK.replace(iterations=1), None, None)
    _, result = on_cluster(problem, client, threads=2)
    assert result.reports[0].arithmetic.endswith("threads: 2")
    assert locally(problem).reports[0].arithmetic.endswith("threads: 1")


def test_constant_planes_are_not_restored(client):
    problem = make_problem(np.full((2, 24, 24), 7, np.uint8), QUICK, None, None)
    _, result = on_cluster(problem, client)
    assert (result.image == 7).all()
    assert result.reports == ()


@pytest.mark.slow
def test_snapshots_show_each_plane_in_order(client, stack):
    problem = make_problem(stack, QUICK.replace(share="none", iterations=20), None, None)
    snapshots, result = on_cluster(problem, client, previews=False)
    places = [(snapshot.unit, snapshot.iteration) for snapshot in snapshots]
    assert places == sorted(places)
    assert places[-1] == (4, 20)
    assert snapshots[-1].remaining_s == 0
    assert {snapshot.units for snapshot in snapshots} == {5}
    shown = {snapshot.index: snapshot.image for snapshot in snapshots if snapshot.image is not None}
    assert len(shown) == 5
    for index, image in shown.items():
        np.testing.assert_array_equal(image, result.image[index])


def test_a_stop_keeps_started_units(client, stack):
    problem = make_problem(stack, LONG.replace(share="none"), None, None)
    seen = []
    restoration = restore_on_cluster(
        problem, InMemory(problem), client, stop_requested=lambda: len(seen) >= 2
    )
    result = finished(restoration, seen.append)
    assert result.stopped_by_user
    assert 1 <= len(result.reports) <= 2
    assert all(report.stopped_by_user for report in result.reports)
    begun = {report.index[0] for report in result.reports}
    for number in range(5):
        assert (number in begun) == result.image[number].any()
    assert {place["T"] for place in result.empty} == {*range(5)} - begun
    assert {snapshot.part for snapshot in seen} <= {f"frame {number + 1} of 5" for number in begun}


def test_closing_the_generator_frees_the_workers(client, stack):
    problem = make_problem(stack, LONG, None, None)
    restoration = restore_on_cluster(problem, InMemory(problem), client)
    next(restoration)
    restoration.close()
    assert client.submit(sum, [1, 2]).result(timeout=60) == 3


def test_a_unit_of_a_killed_worker_is_repeated(client, stack):
    problem = make_problem(stack, QUICK.replace(share="none", iterations=20), None, None)
    expected = locally(problem)
    restoration = restore_on_cluster(problem, InMemory(problem), client)
    places = []
    next(restoration)
    os.kill(min(client.run(os.getpid).values()), signal.SIGKILL)
    result = finished(restoration, lambda now: places.append((now.unit, now.iteration)))
    assert places == sorted(places)
    np.testing.assert_array_equal(result.image, expected.image)
    assert result.reports == expected.reports


COMMAND = (sys.executable, "-c", "from napari_dip.cli.app import app; app()")
OPTIONS = ("--stopping", "fixed", "--share", "none", "--refinement", "0", "--device", "cpu")


def call(*arguments: object):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@contextmanager
def started(source: Path, output: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    """Start a run on two workers in its own process group; kill it at the end."""
    command = [*COMMAND, "denoise", str(source), str(output), "--workers", "2", *OPTIONS, *options]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            assert process.stderr is not None
            assert "on 2 workers, each on cpu, threads: 1" in process.stderr.readline()
            yield process
        finally:
            process.kill()


def at_work(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """List the children that have used more CPU time than loading torch takes."""
    children = psutil.Process(process.pid).children(recursive=True)
    return [child for child in children if sum(child.cpu_times()[:2]) > 8]


@pytest.mark.slow
@posix
def test_a_killed_run_can_be_resumed(source, tmp_path):
    out, iterations = tmp_path / "out.ome.zarr", ("--iterations", "10")
    units = out / ".napari-dip" / "units"
    with started(source, out, *iterations) as process:
        while not any(units.glob("*.json")):
            assert process.poll() is None
            time.sleep(0.02)
        process.kill()
        process.communicate(timeout=120)  # returns when the workers have ended, too
    assert len([*units.glob("*.json")]) < 5
    done = {file: file.stat().st_mtime_ns for file in units.glob("*.json")}
    again = call("denoise", source, out, *OPTIONS, *iterations, "--resume")
    assert again.exit_code == 0, again.stderr
    assert f"{len(done)} of 5 parts are complete already" in again.stderr
    assert {file: file.stat().st_mtime_ns for file in done} == done
    whole = call("denoise", source, tmp_path / "whole.ome.zarr", *OPTIONS, *iterations)
    assert whole.exit_code == 0, whole.stderr
    both = (read_image(path).image for path in (out, tmp_path / "whole.ome.zarr"))
    np.testing.assert_array_equal(*both)


@pytest.mark.slow
@posix
def test_ctrl_c_keeps_the_best_result(source, tmp_path):
    out = tmp_path / "out.tif"
    with started(source, out, "--iterations", "1000000", "--keep-on-interrupt") as process:
        while len(at_work(process)) < 2:
            assert process.poll() is None
            time.sleep(0.1)
        os.killpg(process.pid, signal.SIGINT)
        stdout, stderr = process.communicate(timeout=120)
    assert process.returncode == 130, stderr
    assert "Wrote" in stdout
    record = read_provenance(out)
    assert record["stopped_by_user"]
    assert all(unit["stopped_by_user"] for unit in record["units"])
    assert "Traceback" not in stderr
