"""How the weights move: Adam as published, or Muon, which needs a fifth of the iterations."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from napari_dip.prior.recipes import Recipe

__all__ = ["Muon", "Optimiser", "make_optimiser", "moments"]

_LEAST_SIDE = 8
"""A weight matrix narrower than that, a skip's or the last layer's, is left to Adam."""


_STEPS = 3
"""Newton-Schulz iterations towards an orthogonal step; five took longer for the same image."""

_MOMENTUM = 0.95
_QUINTIC = (3.4445, -4.7750, 2.0315)
"""Of the iteration a x + b (x xᵀ) x + c (x xᵀ)² x; all three by Jordan, as torch has them."""


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
        self.muon = (
            StackedMuon(self.matrices, rate)
            if any(map(_on_cuda, self.matrices))
            else torch.optim.Muon(self.matrices, lr=rate, weight_decay=0.0, ns_steps=_STEPS)
        )
        self.adam = _adam(self.rest, adam_rate, fused=_fusible(self.rest))

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


class StackedMuon:
    """What :class:`torch.optim.Muon` does, for all matrices at once.

    They lie in one stack, upright or lying down, padded with zeros, which stay zeros on the way to
    an orthogonal step. A GPU then has one product to compute in place of many that are too small.
    """

    def __init__(self, matrices: list[nn.Parameter], rate: float) -> None:
        self.matrices = matrices
        self.rates = [rate * math.sqrt(max(1, m.shape[0] / m.shape[1])) for m in matrices]
        rows = max(min(matrix.shape) for matrix in matrices)
        columns = max(max(matrix.shape) for matrix in matrices)
        self.gradients = matrices[0].new_zeros(len(matrices), rows, columns, requires_grad=False)
        self.momentum = torch.zeros_like(self.gradients)
        self.state = {"all": {"momentum_buffer": self.momentum}}

    @torch.no_grad()
    def step(self) -> None:
        """Move every matrix once."""
        for part, matrix in zip(self._parts(self.gradients), self.matrices, strict=True):
            if matrix.grad is not None:
                part.copy_(matrix.grad)
        self.momentum.lerp_(self.gradients, 1 - _MOMENTUM)
        update = _orthogonal(self.gradients.lerp(self.momentum, _MOMENTUM))
        for part, matrix, rate in zip(self._parts(update), self.matrices, self.rates, strict=True):
            matrix.add_(part, alpha=-rate)

    def _parts(self, stack: Tensor) -> list[Tensor]:
        """Find each matrix in the stack; one that is higher than wide lies on its side."""
        parts = []
        for layer, matrix in zip(stack, self.matrices, strict=True):
            rows, columns = sorted(matrix.shape)
            part = layer[:rows, :columns]
            parts.append(part if part.shape == matrix.shape else part.T)
        return parts


def _orthogonal(stack: Tensor) -> Tensor:
    """Bring the singular values of each matrix near to one, by Newton-Schulz iterations."""
    x = stack.bfloat16()
    x /= x.norm(dim=(1, 2), keepdim=True).clamp(min=1e-7)
    for _ in range(_STEPS):
        gram = x @ x.mT
        polynomial = torch.baddbmm(gram, gram, gram, beta=_QUINTIC[1], alpha=_QUINTIC[2])
        x = torch.baddbmm(x, polynomial, x, beta=_QUINTIC[0])
    return x


Optimiser = torch.optim.Optimizer | Muon


def make_optimiser(network: nn.Module, recipe: Recipe) -> Optimiser:
    """Build the optimiser that the recipe names, over all weights of the network."""
    parameters = list(network.parameters())
    if recipe.optimiser == "muon" and any(map(_is_matrix, parameters)):
        return Muon(parameters, 3 * recipe.learning_rate, recipe.learning_rate)
    return _adam(parameters, recipe.learning_rate)


def moments(optimiser: Optimiser) -> list[Tensor]:
    """List what the optimiser remembers of the gradients; nothing before its first step."""
    parts = [optimiser.muon, optimiser.adam] if isinstance(optimiser, Muon) else [optimiser]
    states = [state for part in parts for state in part.state.values()]
    return [value for state in states for value in state.values() if isinstance(value, Tensor)]


def _adam(parameters: list[nn.Parameter], rate: float, fused: bool = False) -> torch.optim.Adam:
    """Build Adam; on CUDA such as may be part of a graph, in one kernel."""
    graph = any(map(_on_cuda, parameters))
    return torch.optim.Adam(parameters, lr=rate, fused=fused or graph, capturable=graph)


def _is_matrix(parameter: nn.Parameter) -> bool:
    """Whether it is a convolution's kernel, wide enough on both sides."""
    return parameter.ndim > 2 and min(len(parameter), parameter[0].numel()) >= _LEAST_SIDE


def _on_cuda(parameter: nn.Parameter) -> bool:
    return parameter.is_cuda


def _fusible(parameters: list[nn.Parameter]) -> bool:
    """Whether torch has a fused Adam where these are."""
    return bool(parameters) and parameters[0].device.type in ("cpu", "cuda")
