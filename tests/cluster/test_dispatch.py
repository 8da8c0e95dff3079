"""Test that units are sent and their errors are reported."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

pytest.importorskip("distributed")

from napari_dip.cluster import dispatch
from napari_dip.cluster.restoration import restore_on_cluster
from napari_dip.errors import Diverged, NapariDipError
from napari_dip.files.file_run import open_run
from napari_dip.files.image_io import StoredImage, write_image
from napari_dip.generators import finished
from napari_dip.image.problem import make_problem
from napari_dip.image.sink import InMemory
from napari_dip.settings import Settings

QUICK = Settings(
    axes="TYX", iterations=6, stopping="fixed", refinement=0, precision="float32", device="cpu"
)


def finish(restoration):
    snapshots = []
    return snapshots, finished(restoration, snapshots.append)


def on_cluster(problem, client, **options):
    return finish(restore_on_cluster(problem, InMemory(problem), client, **options))


def test_a_worker_has_at_most_two_units(client, monkeypatch):
    most = []
    submit = dispatch.Dispatcher.submit

    def counting(self, unit):
        submit(self, unit)
        most.append(len(self._pending))

    monkeypatch.setattr(dispatch.Dispatcher, "submit", counting)
    many = np.random.default_rng(0).poisson(30, (9, 16, 16)).astype(np.uint16)
    problem = make_problem(many, QUICK.replace(share="none", iterations=1), None, None)
    on_cluster(problem, client)
    assert len(most) == 9
    assert max(most) == 4


def test_a_unit_is_sent_with_only_its_pixels(stack):
    large = np.broadcast_to(stack[:1], (1000, 24, 24))
    problem = make_problem(large, QUICK.replace(share="none"), stack[0] > 40, None)
    assert len(problem.plan.units) == 1000
    sent = dispatch.Dispatcher(problem, InMemory(problem), None, None)._sent
    part = sent.observed.extract(problem.plan.units[3].input_index)
    assert len(pickle.dumps(part)) < 4000
    assert part.read((3,)).known.sum() == (stack[0] <= 40).sum()
    with pytest.raises(LookupError, match="only the part"):
        part.read((4,))


def test_an_error_names_the_unit(client, tmp_path, stack):
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


def test_an_error_keeps_its_class(client, stack, monkeypatch):
    def diverge(job):  # a local function: pickled by value, as workers lack this module
        raise Diverged("it kept jumping")

    def fail(job):
        return 1 / 0

    problem = make_problem(stack[:1], QUICK, None, None)
    monkeypatch.setattr(dispatch, "restore_job", diverge)
    with pytest.raises(Diverged, match=r"part 1 of 1 \(T 0\): it kept jumping"):
        on_cluster(problem, client)
    monkeypatch.setattr(dispatch, "restore_job", fail)
    with pytest.raises(NapariDipError, match=r"failed on its worker.*ZeroDivisionError"):
        on_cluster(problem, client)
