"""Test that previews show one unit at a time."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("distributed")

from napari_dip.cluster import dispatch, previews, worker_job
from napari_dip.cluster.restoration import restore_on_cluster
from napari_dip.image.problem import make_problem
from napari_dip.image.sink import InMemory
from napari_dip.settings import Settings

LONG = Settings(
    axes="TYX",
    iterations=1_000_000,
    stopping="fixed",
    refinement=0,
    precision="float32",
    device="cpu",
)


def test_previews_follow_one_unit(client, stack, monkeypatch):
    monkeypatch.setattr(dispatch, "PREVIEW_EVERY_S", 0.0)
    monkeypatch.setattr(previews, "PREVIEW_EVERY_S", 0.0)
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
    assert first.index == second.index
    assert first.iteration < second.iteration
    assert first.image.shape == (24, 24)
    assert first.image.dtype == stack.dtype
    assert not np.array_equal(first.image, second.image)
    assert not any(
        client.run(lambda: len(worker_job._previews)).values()
    )  # nothing is left on the workers
