"""Several fits of one block: their average, and what is shown of them."""

from dataclasses import dataclass, replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from napari_dip.generators import finished
from napari_dip.noise.poisson_gaussian import PoissonGaussian
from napari_dip.pipeline.block import Block
from napari_dip.pipeline.ensemble import Ensemble
from napari_dip.pipeline.precision import Arithmetic
from napari_dip.pipeline.steps import Context, Data, Immediate
from napari_dip.progress import Snapshot

CONTEXT = Context(torch.device("cpu"), 0, Arithmetic())
DATA = Data(Block(np.zeros((1, 2)), np.ones((1, 2), bool), (PoissonGaussian(),)))


@dataclass(frozen=True)
class Numbered(Immediate):
    """Show the number of the member, and return ten times as much."""

    interrupted: int | None = None

    def run(self, data, context):
        number = np.float32(context.member)
        for iteration in (1, 2):
            image = context.monitor.convert(number)
            yield Snapshot(iteration=iteration, best_iteration=iteration, image=image)
        stopped = context.member == self.interrupted
        fitted = SimpleNamespace(iterations=2, stopped_by_user=stopped)
        return replace(data, estimate=10 * number, fits=(fitted,))


@pytest.mark.parametrize("concurrency", [1, 3])
def test_previews_show_the_mean_of_ended_members(concurrency):
    seen = []
    steps = Ensemble(3, (Numbered(),)).run(DATA, replace(CONTEXT, concurrency=concurrency))
    averaged = finished(steps, seen.append)
    assert averaged.estimate == 10
    assert [one.iteration for one in seen] == [1, 2, 3, 4, 5, 6]
    assert [one.best_iteration for one in seen] == [1, 2, 3, 4, 5, 6]
    if concurrency == 1:
        assert [one.image for one in seen] == [0, 0, 0, 0, 5, 5]
    else:  # a member shows no preview of its own while it waits for the first
        assert not {one.image for one in seen} & {1, 2}


def test_interrupted_members_do_not_count():
    averaged = finished(Ensemble(3, (Numbered(interrupted=1),)).run(DATA, CONTEXT))
    assert averaged.estimate == 0
    assert [fitted.stopped_by_user for fitted in averaged.fits] == [False, True]
