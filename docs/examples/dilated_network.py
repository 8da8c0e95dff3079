"""A network in a package of its own: convolutions with growing dilation."""

from dataclasses import dataclass
from itertools import pairwise

from torch import nn

from napari_dip.network.build import build_layers
from napari_dip.network.layers import LAYERS
from napari_dip.settings import Architecture, register_network


@dataclass(frozen=True)
class Dilated(Architecture):
    """Convolutions at full resolution; each has twice the dilation of the one before."""

    filters: int = 16
    depth: int = 4

    @property
    def width(self):
        """Filters at full resolution, for the estimates of time and memory."""
        return self.filters


@build_layers.register(Dilated)
def _build(network, size):
    """Return the layers, for planes and for volumes."""
    layers = LAYERS[len(size.shape)]
    channels = [size.inputs, *[network.filters] * network.depth]
    blocks = []
    for level, (inputs, outputs) in enumerate(pairwise(channels)):
        dilation = 2**level
        blocks.append(layers.conv(inputs, outputs, 3, padding=dilation, dilation=dilation))
        blocks += layers.normalise(outputs)
    return nn.Sequential(*blocks, layers.convolve(network.filters, size.outputs, 1), nn.Sigmoid())


register_network("dilated", lambda _: Dilated(), learning_rate=0.005)
