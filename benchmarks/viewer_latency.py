"""Measure the delay of the viewer during a run, and the cost of previews.

    xvfb-run -a -s "-screen 0 1400x900x24" python benchmarks/viewer_latency.py [--size 512]

A timer asks the event loop for a call every 10 ms; the delay of a call is the delay of a click. The
real viewer and panel are measured idle, during a run without previews, and during a run with a
preview every second: ``fast`` on a noisy photograph, a fixed number of iterations, no refinement.
The time before the first iteration, which includes loading torch, and after the last is separate.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import napari
import numpy as np
import torch
from cases import gaussian
from napari.layers import Image
from qtpy.QtCore import QEventLoop, Qt, QTimer
from qtpy.QtWidgets import QPushButton
from results_file import ResultsFile, Row

from napari_dip.plugin.controllers.channel import WorkerChannel
from napari_dip.plugin.views.settings_controls import SettingsControls

if TYPE_CHECKING:
    from napari_dip.progress import Snapshot
    from napari_dip.settings import Settings
    from napari_dip.settings.task import Task

_TICK_S = 0.01
_NEVER_S = 1e9


class Clock:
    """Record when the event loop calls a timer, and when the worker posts an iteration."""

    def __init__(self) -> None:
        self.calls: list[float] = []
        self.posts: list[tuple[float, int]] = []
        self._timer = QTimer()
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(lambda: self.calls.append(time.perf_counter()))
        self._timer.start(round(1000 * _TICK_S))
        post = WorkerChannel.post

        def recorded(channel: WorkerChannel, snapshot: Snapshot) -> None:
            self.posts.append((time.perf_counter(), snapshot.iteration))
            post(channel, snapshot)

        WorkerChannel.post = recorded  # type: ignore[method-assign]

    def clear(self) -> None:
        self.calls.clear()
        self.posts.clear()

    def late_ms(self, begin: float = 0, end: float = float("inf")) -> list[float]:
        """Return the delay of each call that ended in a span of time."""
        return [
            1000 * max(0, after - before - _TICK_S)
            for before, after in pairwise(self.calls)
            if begin <= after <= end
        ]


def run_event_loop(until: object, limit_s: float = 3600) -> None:
    """Run the event loop until a condition holds."""
    loop, began = QEventLoop(), time.perf_counter()
    check = QTimer()

    def look() -> None:
        if time.perf_counter() - began > limit_s or (callable(until) and until()):
            loop.quit()

    check.timeout.connect(look)
    check.start(250)
    loop.exec()


def spread(late: list[float]) -> str:
    if not late:
        return "-"
    median, high = np.percentile(late, [50, 95])
    return f"median {median:.1f}, 95 % {high:.1f}, most {max(late):.0f} ms ({len(late)} calls)"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--iterations", type=int, default=30)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("build/bench"))
    options = parser.parse_args()
    case = gaussian("F16", options.size, 25, clipped=True)
    viewer = napari.Viewer()
    viewer.window.resize(1300, 800)
    viewer.add_layer(Image(np.asarray(case.observed, np.float32), name="noisy"))
    _dock, panel = viewer.window.add_plugin_dock_widget("napari-dip", "Denoise")
    run = panel.native.findChild(QPushButton, "run")
    every = [_NEVER_S]
    settings = SettingsControls.settings

    def fixed(advanced: SettingsControls, task: Task) -> Settings:
        return settings(advanced, task).replace(
            iterations=options.iterations, stopping="fixed", refinement=0, preview_every_s=every[0]
        )

    SettingsControls.settings = fixed  # type: ignore[method-assign]
    clock = Clock()
    run_event_loop(run.isEnabled)
    record = ResultsFile(options.out / "latency.json", ("case", "repeat"), resume=False)
    speeds: dict[float, list[float]] = {_NEVER_S: [], 1: []}
    print(f"{case.name}, {torch.get_num_threads()} threads of {os.cpu_count()}")
    for repeat in range(options.repeats):
        clock.clear()
        run_event_loop(None, 10)
        rows: list[tuple[str, Row]] = [("idle", {"late": clock.late_ms()})]
        for previews in (_NEVER_S, 1) if repeat % 2 else (1, _NEVER_S):
            clock.clear()
            every[0] = previews
            run.click()
            run_event_loop(run.isEnabled)
            (begun, first), (ended, last) = clock.posts[0], clock.posts[-1]
            speed = (last - first) / (ended - begun)
            speeds[previews].append(speed)
            row: Row = {
                "speed": speed,
                "late": clock.late_ms(begun, ended),
                "before": clock.late_ms(end=begun),
                "after": clock.late_ms(begin=ended),
            }
            rows.append(("no previews" if previews == _NEVER_S else "a preview a second", row))
            viewer.layers.pop()
        for name, row in rows:
            record.add({"case": name, "repeat": repeat} | row)
            print(f"{name}, load {os.getloadavg()[0]:.1f}: {spread(row['late'])}")
            for part in ("before", "after"):
                if part in row:
                    print(f"    {part}: {spread(row[part])}")
            if "speed" in row:
                print(f"    {row['speed']:.3f} iterations/s")
    without, with_them = (statistics.median(each) for each in speeds.values())
    print(f"previews cost {100 * (1 - with_them / without):.1f} % of the iterations a second")
    viewer.close()


if __name__ == "__main__":
    main()
