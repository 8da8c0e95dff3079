"""How the weights move: Adam as published, or Muon, which needs a fifth of the iterations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from napari_dip.prior.recipes import Recipe

__all__ = ["Muon", "Optimiser", "make_optimiser"]

_LEAST_SIDE = 8
"""A weight matrix narrower than that, a skip's or the last layer's, is left to Adam."""


_STEPS = 3
"""Newton-Schulz iterations towards an orthogonal step; five took longer for the same image."""


class Muon:
    """Muon for the matrices of the convolutions, and Adam for all that is no matrix.

    Jordan et al., "Muon: An optimizer for hidden layers in neural networks" (2024). A convolution
    of k x k pixels counts as the matrix that it is: outputs by inputs times k².
    """

    def __init__(self, parameters: list[nn.Parameter], rate: float, adam_rate: float) -> None:
        self.kernels = [p for p in parameters if _is_matrix(p)]
        self.rest = [p for p in parameters if not _is_matrix(p)]
        self.matrices = [nn.Parameter(p.detach().reshape(len(p), -1).clone()) for p in self.kernels]
        for kernel, matrix in zip(self.kernels, self.matrices, strict=True):
            kernel.data = matrix.data.view(kernel.shape)  # one memory, seen twice
        self.muon = torch.optim.Muon(self.matrices, lr=rate, weight_decay=0.0, ns_steps=_STEPS)
        self.adam = torch.optim.Adam(self.rest, lr=adam_rate, fused=_fusible(self.rest))

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for parameter in (*self.kernels, *self.rest):
            parameter.grad = None

    def step(self) -> None:
        """Move every weight once."""
        for kernel, matrix in zip(self.kernels, self.matrices, strict=True):
            gradient: Tensor | None = kernel.grad
            matrix.grad = None if gradient is None else gradient.reshape(matrix.shape)
        self.muon.step()
        self.adam.step()

    def state_dict(self) -> dict[str, Any]:
        """Give the moments of both, as torch's optimisers do."""
        return {"muon": self.muon.state_dict(), "adam": self.adam.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take back what :meth:`state_dict` gave."""
        self.muon.load_state_dict(state["muon"])
        self.adam.load_state_dict(state["adam"])


Optimiser = torch.optim.Optimizer | Muon


def make_optimiser(network: nn.Module, recipe: Recipe) -> Optimiser:
    """Build the optimiser that the recipe names, over all weights of the network."""
    parameters = list(network.parameters())
    if recipe.optimiser == "muon" and any(map(_is_matrix, parameters)):
        return Muon(parameters, 3 * recipe.learning_rate, recipe.learning_rate)
    return torch.optim.Adam(parameters, lr=recipe.learning_rate)


def _is_matrix(parameter: nn.Parameter) -> bool:
    """Whether it is a convolution's kernel, wide enough on both sides."""
    return parameter.ndim > 2 and min(len(parameter), parameter[0].numel()) >= _LEAST_SIDE


def _fusible(parameters: list[nn.Parameter]) -> bool:
    """Whether torch has a fused Adam where these are."""
    return bool(parameters) and parameters[0].device.type in ("cpu", "cuda")
