"""The same plan on many processes: the same bytes whatever dies, and nothing done is lost."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import psutil
import pytest
from typer.testing import CliRunner

pytest.importorskip("distributed")

from distributed import Client, LocalCluster, wait
from distributed.security import Security

from napari_dip.cli.app import app
from napari_dip.cluster import desk, machines, pictures, worker
from napari_dip.cluster import run as cluster
from napari_dip.cluster.run import common_bench, restore_on_cluster
from napari_dip.errors import BadSettings, DeviceUnavailable, Diverged, NapariDipError
from napari_dip.files.file_run import open_run
from napari_dip.files.image_io import StoredImage, read_image, read_provenance, write_image
from napari_dip.generators import finished
from napari_dip.image.problem import make_problem
from napari_dip.image.restore import run
from napari_dip.image.sink import InMemory
from napari_dip.settings import Inpaint, Settings

LOOPBACK = {
    "host": "127.0.0.1",
    "threads_per_worker": 1,
    "dashboard_address": None,
    "scheduler_kwargs": {"dashboard_address": "127.0.0.1:0"},
}
QUICK = Settings(
    axes="TYX", iterations=6, stopping="fixed", refinement=0, precision="float32", device="cpu"
)
LONG = QUICK.replace(iterations=1_000_000)


posix = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")


@pytest.fixture(scope="module")
def client():
    """Two worker processes."""
    with LocalCluster(n_workers=2, **LOOPBACK) as cluster, Client(cluster) as client:
        yield client


@pytest.fixture
def stack():
    return np.random.default_rng(0).poisson(30, (5, 24, 24)).astype(np.uint16)


def finish(restoration):
    snapshots = []
    return snapshots, finished(restoration, snapshots.append)


def locally(problem):
    return finish(run(problem, InMemory(problem)))[1]


def on_cluster(problem, client, **options):
    return finish(restore_on_cluster(problem, InMemory(problem), client, **options))


# ---- the same result -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"share": "none", "refinement": 1}, marks=pytest.mark.slow),
        {"share": "T", "window": 3, "members": 2, "iterations": 3},
        {"precision": None, "task": Inpaint()},
    ],
)
def test_whoever_restores_the_units_the_bytes_are_the_same(client, stack, changes):
    missing = np.zeros((24, 24), bool)
    missing[8:12, 8:16] = True
    problem = make_problem(stack, QUICK.replace(**changes), missing, None)
    expected = locally(problem)
    _, result = on_cluster(problem, client)
    np.testing.assert_array_equal(result.image, expected.image)
    assert result.reports == expected.reports
    assert (result.plan, result.device) == (expected.plan, expected.device)
    assert not result.stopped_by_user
    if expected.spread is not None:
        np.testing.assert_array_equal(result.spread, expected.spread)


@pytest.mark.slow
def test_four_workers_give_the_same_bytes_too(stack):
    problem = make_problem(stack, QUICK.replace(share="none"), None, None)
    with machines.hire("cpu", 4) as crew:
        _, result = on_cluster(problem, crew.client)
    np.testing.assert_array_equal(result.image, locally(problem).image)


def test_workers_write_ome_zarr_and_the_scheduler_sees_no_image(client, stack, tmp_path):
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
    np.testing.assert_array_equal(*(output.image for output in outputs))
    assert not outputs[1].notes  # it is finished


def test_the_number_of_threads_is_kept_and_recorded(client, stack):
    problem = make_problem(stack[:1], QUICK.replace(iterations=1), None, None)
    _, result = on_cluster(problem, client, threads=2)
    assert result.reports[0].arithmetic.endswith("threads: 2")
    assert locally(problem).reports[0].arithmetic.endswith("threads: 1")


def test_a_plane_of_one_value_is_no_work(client):
    problem = make_problem(np.full((2, 24, 24), 7, np.uint8), QUICK, None, None)
    _, result = on_cluster(problem, client)
    assert (result.image == 7).all()
    assert result.reports == ()


# ---- on the way ------------------------------------------------------------------------------


@pytest.mark.slow
def test_progress_never_goes_back_and_shows_each_plane_when_it_is_done(client, stack):
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


def test_the_unit_that_is_shown_is_seen_coming_along(client, stack, monkeypatch):
    monkeypatch.setattr(desk, "PICTURE_EVERY_S", 0.0)
    monkeypatch.setattr(pictures, "PICTURE_EVERY_S", 0.0)
    asked = LONG.replace(share="none", preview_every_s=0.0)
    problem = make_problem(stack, asked, None, None)
    seen = []
    restoration = restore_on_cluster(
        problem, InMemory(problem), client, stop_requested=lambda: len(seen) >= 2
    )
    for snapshot in restoration:
        if snapshot.image is not None and len(seen) < 2:
            seen.append(snapshot)
    first, second = seen
    assert first.index == second.index  # it stays with one unit
    assert first.iteration < second.iteration
    assert first.image.shape == (24, 24)
    assert first.image.dtype == stack.dtype
    assert not np.array_equal(first.image, second.image)
    assert not any(client.run(lambda: len(worker._pictures)).values())  # and leaves nothing there


def test_a_worker_is_given_two_units_at_most(client, monkeypatch):
    most = []
    submit = desk.Desk.submit

    def counting(self, unit):
        submit(self, unit)
        most.append(len(self._out))

    monkeypatch.setattr(desk.Desk, "submit", counting)
    many = np.random.default_rng(0).poisson(30, (9, 16, 16)).astype(np.uint16)
    problem = make_problem(many, QUICK.replace(share="none", iterations=1), None, None)
    on_cluster(problem, client)
    assert len(most) == 9
    assert max(most) == 4


def test_of_an_image_in_memory_a_unit_is_sent_no_more_than_its_part(stack):
    import pickle

    large = np.broadcast_to(stack[:1], (1000, 24, 24))
    problem = make_problem(large, QUICK.replace(share="none"), stack[0] > 40, None)
    assert len(problem.plan.units) == 1000
    sent = desk.Desk(problem, InMemory(problem), None, None)._sent
    part = sent.observed.only(problem.plan.units[3].reach)
    assert len(pickle.dumps(part)) < 4000
    assert part.look((3,)).known.sum() == (stack[0] <= 40).sum()
    with pytest.raises(LookupError, match="asked for"):
        part.look((4,))


def test_a_stop_keeps_the_best_of_what_is_restored_and_begins_nothing_more(client, stack):
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


def test_a_stop_is_heard_while_workers_are_getting_ready(client, stack):
    problem = make_problem(stack, QUICK, None, None)
    workers = [*client.nthreads()]
    loading = [client.submit(time.sleep, 5, workers=[one], pure=False) for one in workers]
    began = time.monotonic()
    with pytest.raises(NapariDipError, match="stopped before the workers had answered"):
        restore_on_cluster(problem, InMemory(problem), client, stop_requested=lambda: True)
    assert time.monotonic() - began < 4
    wait(loading)


def test_who_walks_away_leaves_no_worker_busy(client, stack):
    problem = make_problem(stack, LONG, None, None)
    restoration = restore_on_cluster(problem, InMemory(problem), client)
    next(restoration)
    restoration.close()
    assert client.submit(sum, [1, 2]).result(timeout=10) == 3


# ---- what goes wrong -------------------------------------------------------------------------


def test_an_error_on_a_worker_arrives_as_it_is_and_says_which_unit(client, tmp_path, stack):
    stack = stack.astype(np.float32)
    write_image(tmp_path / "in.ome.zarr", StoredImage(stack, "TYX"))
    settings = QUICK.replace(share="none")
    job = open_run(tmp_path / "in.ome.zarr", tmp_path / "out.ome.zarr", settings)
    for chunk in (tmp_path / "in.ome.zarr" / "0" / "c" / "2").rglob("*"):
        if chunk.is_file():
            chunk.write_bytes(b"no chunk")
    with pytest.raises(NapariDipError, match=r"part 3 of 5 \(T 2\): .*damaged.*copy it again"):
        finish(restore_on_cluster(job.problem, job.output, client))
    assert {0, 1} <= job.output.done().keys()
    assert 2 not in job.output.done()


def test_an_error_of_ours_keeps_its_class(client, stack, monkeypatch):
    def jump(job):  # in here, so that it travels by its code and not by its name
        raise Diverged("it kept jumping")

    def stumble(job):
        return 1 / 0

    problem = make_problem(stack[:1], QUICK, None, None)
    monkeypatch.setattr(desk, "restore_job", jump)
    with pytest.raises(Diverged, match=r"part 1 of 1 \(T 0\): it kept jumping"):
        on_cluster(problem, client)
    monkeypatch.setattr(desk, "restore_job", stumble)
    with pytest.raises(NapariDipError, match=r"failed on its worker.*ZeroDivisionError"):
        on_cluster(problem, client)


def test_workers_that_lack_the_device_or_differ_are_refused_at_the_call(client, stack, monkeypatch):
    problem = make_problem(stack, QUICK, None, None, device="cuda:7")
    with pytest.raises(DeviceUnavailable, match=r"the worker tcp.*cuda:7"):
        restore_on_cluster(problem, InMemory(problem), client)
    monkeypatch.setattr(cluster, "version", lambda package: f"of process {os.getpid()}")
    with pytest.raises(BadSettings, match=r"napari-dip of process .*; install the same"):
        common_bench(client, "cpu")


def test_a_killed_worker_costs_no_more_than_its_units_time(client, stack):
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


# ---- the command -----------------------------------------------------------------------------


COMMAND = (sys.executable, "-c", "from napari_dip.cli.app import app; app()")
OPTIONS = ("--stopping", "fixed", "--share", "none", "--refinement", "0", "--device", "cpu")


@pytest.fixture
def source(tmp_path, stack):
    write_image(tmp_path / "in.ome.zarr", StoredImage(stack, "TYX"))
    return tmp_path / "in.ome.zarr"


def call(*arguments: object):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@contextmanager
def started(source: Path, output: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    """Have a run on two workers under way, in a session of its own; whatever happens, it ends."""
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
    """List the children that have computed for longer than it takes to load torch."""
    children = psutil.Process(process.pid).children(recursive=True)
    return [child for child in children if sum(child.cpu_times()[:2]) > 8]


@pytest.mark.slow
@posix
def test_a_run_whose_client_is_killed_can_be_gone_on_with(source, tmp_path):
    out, iterations = tmp_path / "out.ome.zarr", ("--iterations", "10")
    units = out / ".napari-dip" / "units"
    with started(source, out, *iterations) as process:
        while not any(units.glob("*.json")):
            assert process.poll() is None
            time.sleep(0.02)
        process.kill()
        process.communicate(timeout=20)  # its pipes are closed when its workers are gone, too
    assert len([*units.glob("*.json")]) < 5
    done = {file: file.stat().st_mtime_ns for file in units.glob("*.json")}
    again = call("denoise", source, out, *OPTIONS, *iterations, "--resume")
    assert again.exit_code == 0, again.stderr
    assert f"{len(done)} of 5 parts are there already" in again.stderr
    assert {file: file.stat().st_mtime_ns for file in done} == done
    whole = call("denoise", source, tmp_path / "whole.ome.zarr", *OPTIONS, *iterations)
    assert whole.exit_code == 0, whole.stderr
    both = (read_image(path).image for path in (out, tmp_path / "whole.ome.zarr"))
    np.testing.assert_array_equal(*both)


@pytest.mark.slow
@posix
def test_a_ctrl_c_that_the_workers_hear_too_keeps_the_best_of_what_is_restored(source, tmp_path):
    out = tmp_path / "out.tif"
    with started(source, out, "--iterations", "1000000", "--keep-on-interrupt") as process:
        while len(at_work(process)) < 2:
            assert process.poll() is None
            time.sleep(0.1)
        os.killpg(process.pid, signal.SIGINT)
        stdout, stderr = process.communicate(timeout=30)
    assert process.returncode == 130, stderr
    assert "Wrote" in stdout
    record = read_provenance(out)
    assert record["stopped_by_user"]
    assert all(unit["stopped_by_user"] for unit in record["units"])
    assert "Traceback" not in stderr


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--workers", 2, "--scheduler", "tcp://a:1"), "--workers and --scheduler name"),
        (("--workers", 0), "--workers 0: give 1 or more"),
        (("--scheduler", "127.0.0.1"), "the scheduler 127.0.0.1: this is no address"),
        (("--workers", 10**6), "--workers 1000000: give 1 or more, and no more than"),
        (("--scheduler", "inproc://x"), "no address of a scheduler"),
        (("--scheduler", "tls://127.0.0.1:1"), "name the keys of this cluster"),
        (("--slurm", "absent.yaml"), "absent.yaml does not exist"),
        (("--slurm", "bad.yaml"), "bad.yaml is no YAML"),
        (("--slurm", "none.yaml"), "none.yaml: give `jobs: N`"),
        (("--slurm", "jobs.yaml"), 'dask-jobqueue: pip install "napari-dip[slurm]"'),
    ],
)
def test_what_cannot_be_had_is_said_in_one_line(source, tmp_path, monkeypatch, options, says):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "dask_jobqueue", None)
    (tmp_path / "bad.yaml").write_text("jobs: [")
    (tmp_path / "none.yaml").write_text("queue: gpu")
    (tmp_path / "jobs.yaml").write_text("jobs: 2")
    result = call("denoise", source, tmp_path / "out.tif", *options)
    assert result.exit_code == 2
    assert says in result.stderr
    assert result.stderr.count("\n") == 1
    assert not (tmp_path / "out.tif").exists()


def test_without_distributed_the_extra_is_named(source, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    result = call("denoise", source, tmp_path / "out.tif", "--workers", 2)
    assert result.exit_code == 2
    assert 'distributed: pip install "napari-dip[cluster]"' in result.stderr


class Borrowed:
    """Stands for a cluster of another package: the test's own."""

    def __init__(self, client, asked):
        self._cluster = client.cluster
        self._asked = asked

    def __getattr__(self, name):
        return getattr(self._cluster, name)

    def __call__(self, **keywords):
        self._asked.append(keywords)
        return self

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

    def scale(self, **keywords):
        self._asked.append(keywords)


def test_slurm_is_asked_for_what_the_file_says(client, tmp_path, monkeypatch):
    asked = []
    cluster = Borrowed(client, asked)
    monkeypatch.setitem(sys.modules, "dask_jobqueue", SimpleNamespace(SLURMCluster=cluster))
    (tmp_path / "jobs.yaml").write_text("jobs: 3\nqueue: gpu\ncores: 4\n")
    with machines.hire("cpu", slurm=tmp_path / "jobs.yaml") as crew:
        assert str(crew) == "2 workers, each on cpu, threads: 1"
    security = asked[0].pop("security")
    assert security.require_encryption
    assert asked[0].pop("shared_temp_directory") == str(Path.home())
    assert asked == [{"queue": "gpu", "cores": 4}, {"jobs": 3}]
    (tmp_path / "jobs.yaml").write_text("jobs: 3\nsecurity: false\n")
    with machines.hire("cpu", slurm=tmp_path / "jobs.yaml"):
        assert asked[2] == {}


def test_keywords_that_slurm_does_not_know_are_told(tmp_path, monkeypatch):
    def refuse(**keywords):
        raise TypeError("unexpected keyword argument 'qeue'")

    monkeypatch.setitem(sys.modules, "dask_jobqueue", SimpleNamespace(SLURMCluster=refuse))
    (tmp_path / "jobs.yaml").write_text("jobs: 3\nqeue: gpu\n")
    with (
        pytest.raises(BadSettings, match=r"jobs\.yaml.*qeue"),
        machines.hire("cpu", slurm=tmp_path / "jobs.yaml"),
    ):
        pass


def test_nobody_else_can_use_the_workers(monkeypatch):
    """Other users of the machine reach the port, but have no key."""
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr("napari_dip.compute.device.cpu_threads", lambda: 6)
    before = dict(os.environ)
    with machines.hire("cpu", workers=1) as crew:
        assert crew.threads == 6
        assert dict(os.environ) == before
        address = crew.client.scheduler.address
        assert address.startswith("tls://127.0.0.1:")
        (worker,) = crew.client.nthreads()
        assert worker.startswith("tls://127.0.0.1:")
        options = {"timeout": 1, "set_as_default": False}
        with pytest.raises(OSError):
            Client(address.replace("tls", "tcp"), **options)
        with pytest.raises(OSError):
            Client(address, security=Security.temporary(), **options)
        with Client(address, security=crew.client.security, **options) as friend:
            assert friend.submit(abs, -1).result() == 1
    assert dict(os.environ) == before


def test_without_cryptography_the_extra_is_named(source, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "cryptography", None)
    result = call("denoise", source, tmp_path / "out.tif", "--workers", 2)
    assert result.exit_code == 2
    assert 'cryptography: pip install "napari-dip[cluster]"' in result.stderr


@pytest.mark.parametrize("device", ["auto", "cuda"])
def test_on_gpus_there_is_one_worker_for_each(client, monkeypatch, device):
    asked = []
    gpus = [SimpleNamespace(name=f"cuda:{number}") for number in range(2)]
    monkeypatch.setattr("napari_dip.compute.device.devices", lambda: gpus)
    monkeypatch.setitem(sys.modules, "dask_cuda", None)
    with (
        pytest.raises(BadSettings, match=r"dask-cuda: pip install .*\[gpu\].*--device cpu"),
        machines.hire(device, workers=4),
    ):
        pass
    cuda = SimpleNamespace(LocalCUDACluster=Borrowed(client, asked))
    monkeypatch.setitem(sys.modules, "dask_cuda", cuda)
    with machines.hire(device, workers=4) as crew:
        assert crew.device == "cuda:0"
        assert crew.notes == ("There are 2 GPUs, so there are 2 workers.",)
    assert asked[0]["n_workers"] == 2
    assert asked[0]["host"] == "127.0.0.1"
    with pytest.raises(BadSettings, match="say cuda"), machines.hire("cuda:1", workers=2):
        pass


def test_a_running_cluster_is_joined_by_its_address(client, source, tmp_path):
    address, out = client.scheduler.address, tmp_path / "out.tif"
    options = ("--iterations", 2, "--scheduler", address)
    result = call("denoise", source, out, *OPTIONS, *options)
    assert result.exit_code == 0, result.stderr
    assert "on 2 workers, each on cpu" in result.stderr
    assert read_image(out).image.shape == (5, 24, 24)


def test_an_interrupt_ends_the_wait_for_a_scheduler():
    waiting = threading.Timer(0.5, os.kill, [os.getpid(), signal.SIGINT])
    waiting.start()
    with (
        pytest.raises(KeyboardInterrupt),
        machines.hire("cpu", None, "tcp://127.0.0.1:1", None, patience_s=20),
    ):
        pytest.fail("nobody answers there")
    begun = time.monotonic()
    gc.collect()
    assert time.monotonic() - begun < 5
