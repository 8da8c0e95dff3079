"""Work of a GPU that is launched as a whole: kernel by kernel, the host is slower than the chip."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Generic, TypeVar

import torch

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["WARM_UP_CALLS", "GraphRunner"]

WARM_UP_CALLS = 3
"""Calls before the capture: torch and cuDNN set up much on first use, which no graph may hold."""

_one_at_a_time = threading.Lock()

T = TypeVar("T")


class GraphRunner(Generic[T]):
    """Work that is done again and again; on CUDA, after a few calls, as one graph.

    Where it cannot be captured it goes on kernel by kernel, and :attr:`launch_mode` tells why.

    Parameters
    ----------
    work
        What to do. It reads and changes the same tensors each time, in place, and neither asks for
        a number on the host nor depends on one that differs from call to call. What it returns is
        overwritten by the next call.
    device
        Where it runs.
    """

    def __init__(self, work: Callable[[], T], device: torch.device) -> None:
        self.work, self.device = work, device
        self.launch_mode = ""
        self._calls = 0
        self._graph: torch.cuda.CUDAGraph | None = None
        self._aside = torch.cuda.Stream(device) if device.type == "cuda" else None

    def __call__(self) -> T:
        """Do it once."""
        if self._graph is None and self._aside is not None:
            return self._launch_aside(self._aside)
        if self._graph is not None:
            self._graph.replay()
            return self._result
        return self.work()

    def _launch_aside(self, aside: torch.cuda.Stream) -> T:
        """Do it on the stream of the capture, and capture it when all is set up there."""
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
        """Capture it, which does not do it yet."""
        graph = torch.cuda.CUDAGraph()
        try:
            # Other threads, such as the viewer's, may use the GPU meanwhile: not "global".
            # A capture that fails may leave its stream behind as the current one: it is put back.
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
