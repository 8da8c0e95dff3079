"""Update the weights: Adam, as published, or Muon, which needs a fifth of the iterations."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from napari_dip.dip.constants import (
    MIN_MUON_SIDE,
    MUON_MOMENTUM,
    MUON_RATE_FACTOR,
    NEWTON_SCHULZ_COEFFICIENTS,
    NEWTON_SCHULZ_STEPS,
)

if TYPE_CHECKING:
    from napari_dip.dip.recipe import Recipe

__all__ = ["Muon", "Optimiser", "make_optimiser", "moments"]


class Muon:
    """Update the matrices of the convolutions by Muon, and all other weights by Adam.

    Jordan et al., "Muon: An optimizer for hidden layers in neural networks" (2024). The weights of
    a convolution of k x k pixels are a matrix of outputs by (inputs times k²).

    ``torch.optim.Muon`` is not used: it always computes in bfloat16, which takes 25 times as long
    as float32 on a processor without bfloat16 instructions.

    Parameters
    ----------
    parameters
        All weights.
    rate, adam_rate
        Learning rates of Muon, for a square matrix, and of Adam.
    """

    def __init__(self, parameters: list[nn.Parameter], rate: float, adam_rate: float) -> None:
        self.kernels = [p for p in parameters if _is_matrix(p)]
        self.rest = [p for p in parameters if not _is_matrix(p)]
        self.matrices = [nn.Parameter(p.detach().reshape(len(p), -1).clone()) for p in self.kernels]
        for kernel, matrix in zip(self.kernels, self.matrices, strict=True):
            kernel.data = matrix.data.view(kernel.shape)  # both use the same memory
        self.stacks = [MatrixStack(group, rate) for group in _groups(self.matrices)]
        self.adam = _adam(self.rest, adam_rate, fused=_fusible(self.rest))

    def zero_grad(self) -> None:
        """Discard the gradients."""
        for parameter in (*self.kernels, *self.rest):
            parameter.grad = None

    def step(self) -> None:
        """Update every weight once."""
        for kernel, matrix in zip(self.kernels, self.matrices, strict=True):
            gradient: Tensor | None = kernel.grad
            matrix.grad = None if gradient is None else gradient.reshape(matrix.shape)
        for stack in self.stacks:
            stack.step()
        self.adam.step()


class MatrixStack:
    """Update several matrices by Muon together.

    The matrices are stacked, tall ones transposed, small ones padded with zeros; the zeros stay
    zero in every step of the orthogonalisation.

    Parameters
    ----------
    matrices
        Weights, each of two axes.
    rate
        Learning rate of a square matrix.
    """

    def __init__(self, matrices: list[nn.Parameter], rate: float) -> None:
        self.matrices = matrices
        self.rates = [rate * math.sqrt(max(1, m.shape[0] / m.shape[1])) for m in matrices]
        # CUDA has fast bfloat16 products. On a CPU float32 is not slower: 9 and 11 CPU ms for the
        # matrices of `fast` with bfloat16 instructions (AMX), 9 and 250 ms without (AVX2).
        self.dtype = torch.bfloat16 if any(map(_on_cuda, matrices)) else torch.float32
        rows = max(min(matrix.shape) for matrix in matrices)
        columns = max(max(matrix.shape) for matrix in matrices)
        self.gradients = matrices[0].new_zeros(len(matrices), rows, columns, requires_grad=False)
        self.momentum = torch.zeros_like(self.gradients)

    @torch.no_grad()
    def step(self) -> None:
        """Update every matrix once."""
        for part, matrix in zip(self._parts(self.gradients), self.matrices, strict=True):
            if matrix.grad is not None:
                part.copy_(matrix.grad)
        self.momentum.lerp_(self.gradients, 1 - MUON_MOMENTUM)
        update = _orthogonal(self.gradients.lerp(self.momentum, MUON_MOMENTUM), self.dtype)
        for part, matrix, rate in zip(self._parts(update), self.matrices, self.rates, strict=True):
            matrix.add_(part, alpha=-rate)

    def _parts(self, stack: Tensor) -> list[Tensor]:
        """Return a view of each matrix in the stack, in the shape of the matrix."""
        parts = []
        for layer, matrix in zip(stack, self.matrices, strict=True):
            rows, columns = sorted(matrix.shape)
            part = layer[:rows, :columns]
            parts.append(part if part.shape == matrix.shape else part.T)
        return parts


def _groups(matrices: list[nn.Parameter]) -> list[list[nn.Parameter]]:
    """Choose which matrices are stacked: on CUDA all, elsewhere those of the same shape.

    A GPU computes one large product faster than many small ones. On a CPU the padding costs more
    time than stacking saves.
    """
    if any(map(_on_cuda, matrices)):
        return [matrices]
    by_shape: dict[tuple[int, ...], list[nn.Parameter]] = {}
    for matrix in matrices:
        by_shape.setdefault(tuple(matrix.shape), []).append(matrix)
    return list(by_shape.values())


def _orthogonal(stack: Tensor, dtype: torch.dtype) -> Tensor:
    """Set the singular values of each matrix to about 1, by Newton-Schulz iterations."""
    x = stack.to(dtype)
    x = x / x.norm(dim=(1, 2), keepdim=True).clamp(min=1e-7)
    return _orthogonal_by_products(x) if dtype == torch.float32 else _orthogonal_by_steps(x)


def _orthogonal_by_steps(x: Tensor) -> Tensor:
    """Multiply x by a polynomial of x xᵀ in each iteration."""
    a, b, c = NEWTON_SCHULZ_COEFFICIENTS
    for _ in range(NEWTON_SCHULZ_STEPS):
        gram = x @ x.mT
        polynomial = torch.baddbmm(gram, gram, gram, beta=b, alpha=c)
        x = torch.baddbmm(x, polynomial, x, beta=a)
    return x


def _orthogonal_by_products(x: Tensor) -> Tensor:
    """Compute the product of all polynomials from the first x xᵀ, and multiply x once.

    The polynomials commute. The products of small square matrices replace two thirds of those with
    the wide x: 6.2 ms in place of 8.0 (AVX2), and 5.2 in place of 8.1 (AVX512), for the network
    that fills gaps. bfloat16 is not precise enough for squares of singular values.
    """
    a, b, c = NEWTON_SCHULZ_COEFFICIENTS
    gram = x @ x.mT
    product = None
    for left in reversed(range(NEWTON_SCHULZ_STEPS)):
        polynomial = torch.baddbmm(gram, gram, gram, beta=b, alpha=c)
        polynomial.diagonal(dim1=1, dim2=2).add_(a)
        product = polynomial if product is None else polynomial @ product
        if left:
            gram = polynomial @ (gram @ polynomial)
    return x if product is None else product @ x


Optimiser = torch.optim.Optimizer | Muon


def make_optimiser(network: nn.Module, recipe: Recipe) -> Optimiser:
    """Return the optimiser of the recipe for all weights of the network."""
    parameters = list(network.parameters())
    if recipe.optimiser == "muon" and any(map(_is_matrix, parameters)):
        return Muon(parameters, MUON_RATE_FACTOR * recipe.learning_rate, recipe.learning_rate)
    return _adam(parameters, recipe.learning_rate)


def moments(optimiser: Optimiser) -> list[Tensor]:
    """Return the moments of the gradients in the optimiser; Adam has none before its first step."""
    if isinstance(optimiser, Muon):
        return [*(stack.momentum for stack in optimiser.stacks), *moments(optimiser.adam)]
    states = optimiser.state.values()
    return [value for state in states for value in state.values() if isinstance(value, Tensor)]


def _adam(parameters: list[nn.Parameter], rate: float, fused: bool = False) -> torch.optim.Adam:
    """Return Adam; on CUDA as one kernel that can be part of a graph."""
    graph = any(map(_on_cuda, parameters))
    return torch.optim.Adam(parameters, lr=rate, fused=fused or graph, capturable=graph)


def _is_matrix(parameter: nn.Parameter) -> bool:
    """Whether the weights are those of a convolution, and their matrix is not narrow."""
    return parameter.ndim > 2 and min(len(parameter), parameter[0].numel()) >= MIN_MUON_SIDE


def _on_cuda(parameter: nn.Parameter) -> bool:
    return parameter.is_cuda


def _fusible(parameters: list[nn.Parameter]) -> bool:
    """Whether torch has a fused Adam for the device of the weights."""
    return bool(parameters) and parameters[0].device.type in ("cpu", "cuda")
