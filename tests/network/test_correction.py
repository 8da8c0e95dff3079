"""Correct an estimate by a network."""

import torch
from torch import nn

from napari_dip.network.correction import Correction


def test_correction_is_limited_by_its_span():
    estimate = torch.zeros(1, 1, 3)
    corrected = Correction(nn.Sigmoid(), estimate, span=0.2)(torch.tensor([[[-99.0, 0.0, 99.0]]]))
    assert torch.allclose(corrected, torch.tensor([[[-0.1, 0.0, 0.1]]]))
    assert not estimate.any()


def test_weights_are_those_of_the_network():
    network = nn.Conv2d(1, 1, 3, padding=1)
    correction = Correction(network, torch.zeros(1, 1, 4, 4), span=1.0)
    assert [*correction.parameters()] == [*network.parameters()]
    assert not [*correction.buffers()]
