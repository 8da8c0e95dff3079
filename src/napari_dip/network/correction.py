"""Let a network correct an estimate, in place of drawing the whole image."""

from __future__ import annotations

from torch import Tensor, nn

__all__ = ["Correction"]


class Correction(nn.Module):
    """Add the output of a network to an estimate.

    A random network is then near the estimate before its first iteration.

    Parameters
    ----------
    network
        Its output is in [0, 1]; 0.5 changes nothing.
    estimate
        ``(1, channels, *spatial)``, on the device of the network.
    span
        Difference of the largest and the smallest correction, in the units of the estimate.

    Examples
    --------
    >>> import torch
    >>> half = nn.Sigmoid()
    >>> Correction(half, torch.ones(1, 1, 2), span=0.1)(torch.zeros(1, 1, 2)).tolist()
    [[[1.0, 1.0]]]
    """

    def __init__(self, network: nn.Module, estimate: Tensor, span: float) -> None:
        super().__init__()
        self.network, self.span = network, span
        self._estimate = [estimate]  # no buffer: a fit copies those with each check

    def forward(self, code: Tensor) -> Tensor:
        """Return the corrected estimate, float32."""
        output: Tensor = self.network(code).float()
        return self._estimate[0] + self.span * (output - 0.5)
