"""Steps run in order, and previews pass through the steps that follow."""

from dataclasses import dataclass, replace

import numpy as np
import torch

from napari_dip.generators import finished
from napari_dip.noise.poisson_gaussian import PoissonGaussian
from napari_dip.pipeline.block import Block
from napari_dip.pipeline.precision import Arithmetic
from napari_dip.pipeline.steps import Align, Context, Data, Immediate, PutBack, with_previews
from napari_dip.progress import Monitor, Snapshot

CONTEXT = Context(torch.device("cpu"), 0, Arithmetic())


@dataclass(frozen=True)
class Add(Immediate):
    """Adds a number, to previews too."""

    number: float

    def apply(self, data, context):
        return replace(data, estimate=self.preview(data.estimate))

    def preview(self, estimate):
        return estimate + self.number


class Showing(Add):
    """Shows what it has before it adds."""

    def run(self, data, context):
        yield Snapshot(image=context.monitor.convert(data.estimate))
        return self.apply(data, context)


def plane(*values):
    return np.array(values, np.float32)


def test_previews_pass_through_later_steps_alone():
    data = Data(Block(plane(0), plane(1) > 0, ()), estimate=plane(1))
    context = replace(CONTEXT, monitor=Monitor(convert=np.negative))
    seen = []
    for step, monitored in with_previews((Add(10), Showing(100), Add(1000)), context):
        data = finished(step.run(data, monitored), seen.append)
    assert data.estimate == 1111
    assert [one.image for one in seen] == [-1011]


def test_aligned_planes_are_put_back_exactly():
    values = np.random.default_rng(0).random((3, 20, 24)).astype(np.float32)
    noises = (PoissonGaussian(read=0.1),) * 3
    data = Data(Block(values, np.ones(values.shape, bool), noises, shared="T"))
    shifts = ((0, 4), (3, 0), (1, 1))
    canvas = Align(shifts).apply(data, CONTEXT)
    assert canvas.block.values.shape == (3, 36, 40)
    back = PutBack(shifts)
    put = back.apply(replace(canvas, estimate=canvas.block.values), CONTEXT)
    np.testing.assert_array_equal(put.estimate, values)
    np.testing.assert_array_equal(back.preview(canvas.block.values), values)
