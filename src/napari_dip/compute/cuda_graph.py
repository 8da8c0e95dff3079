"""Launch work on a GPU as one CUDA graph.

Kernel by kernel, the host needs longer to launch a small fit than the GPU to compute it.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Generic, TypeVar

import torch

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["WARM_UP_CALLS", "GraphRunner"]

WARM_UP_CALLS = 3
"""Calls before the capture: torch and cuDNN allocate on first use, which a graph must not contain.
Not measured."""

_one_at_a_time = threading.Lock()

T = TypeVar("T")


class GraphRunner(Generic[T]):
    """Call a function repeatedly; on CUDA, after a few calls, as one graph.

    If the function cannot be captured, it is launched kernel by kernel, and :attr:`launch_mode`
    gives the reason.

    Parameters
    ----------
    work
        The function. It reads and changes the same tensors in each call, in place. It must not copy
        a number to the host, nor depend on one that differs between calls. The next call
        overwrites its result.
    device
        Device of the tensors.

    Examples
    --------
    >>> total = torch.zeros(())
    >>> add = GraphRunner(lambda: total.add_(1), torch.device("cpu"))
    >>> add().item(), add().item()
    (1.0, 2.0)
    """

    def __init__(self, work: Callable[[], T], device: torch.device) -> None:
        self.work, self.device = work, device
        self.launch_mode = ""
        self._calls = 0
        self._graph: torch.cuda.CUDAGraph | None = None
        self._aside = torch.cuda.Stream(device) if device.type == "cuda" else None

    def __call__(self) -> T:
        """Call the function once."""
        if self._graph is None and self._aside is not None:
            return self._launch_aside(self._aside)
        if self._graph is not None:
            self._graph.replay()
            return self._result
        return self.work()

    def _launch_aside(self, aside: torch.cuda.Stream) -> T:
        """Call the function on the stream of the capture, and capture it after the warm-up."""
        if self._calls == WARM_UP_CALLS and not self.launch_mode:
            self._capture(aside)
            return self()
        self._calls += 1
        here = torch.cuda.current_stream(self.device)
        aside.wait_stream(here)
        with torch.cuda.stream(aside):
            result = self.work()
        here.wait_stream(aside)
        return result

    def _capture(self, aside: torch.cuda.Stream) -> None:
        """Capture the function, without computing it."""
        graph = torch.cuda.CUDAGraph()
        try:
            # "global" would forbid other threads, such as the viewer's, to use the GPU.
            # A failed capture may leave its stream as the current one: the context restores it.
            with (
                _one_at_a_time,
                torch.cuda.device(self.device),
                torch.cuda.stream(torch.cuda.current_stream(self.device)),
                torch.cuda.graph(graph, stream=aside, capture_error_mode="thread_local"),
            ):
                self._result = self.work()
        except RuntimeError as error:
            self.launch_mode = f"kernel by kernel, no CUDA graph: {str(error).splitlines()[0]}"
            return
        self._graph, self.launch_mode = graph, "as one CUDA graph"
