"""Share a cluster of two workers among the tests."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("distributed")

from distributed import Client, LocalCluster

from napari_dip.files.image_io import StoredImage, write_image

LOOPBACK = {
    "host": "127.0.0.1",
    "threads_per_worker": 1,
    "dashboard_address": None,
    "scheduler_kwargs": {"dashboard_address": "127.0.0.1:0"},
}


@pytest.fixture(scope="package")
def client():
    """Two worker processes; dask's default scheduler stays, for tests of other packages."""
    with LocalCluster(n_workers=2, **LOOPBACK) as cluster:
        with Client(cluster, set_as_default=False) as client:
            yield client


@pytest.fixture
def stack():
    return np.random.default_rng(0).poisson(30, (5, 24, 24)).astype(np.uint16)


@pytest.fixture
def source(tmp_path, stack):
    write_image(tmp_path / "in.ome.zarr", StoredImage(stack, "TYX"))
    return tmp_path / "in.ome.zarr"


class FakeCluster:
    """Stand in for a cluster class of another package: record its keywords, use `client`'s."""

    def __init__(self, client):
        self._cluster = client.cluster
        self.calls = []

    def __getattr__(self, name):
        return getattr(self._cluster, name)

    def __call__(self, **keywords):
        self.calls.append(keywords)
        return self

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

    def scale(self, **keywords):
        self.calls.append(keywords)


@pytest.fixture
def fake_cluster(client):
    return FakeCluster(client)
