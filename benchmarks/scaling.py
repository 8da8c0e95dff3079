"""Measure units a minute with more workers, and the overhead of a unit.

    python benchmarks/scaling.py [--workers 1 2] [--units 8] [--size 64] [--iterations 40]
                                 [--gpu-seconds S] [--gpus 8]

Each number of workers restores the same planes of noise after a warm-up. Constant planes need no
fit, so their time is the overhead of the scheduler. The time for a terabyte is arithmetic: the
number of planes times the seconds of one plane on your GPU, which ``gpu.py`` measures.
"""

from __future__ import annotations

import argparse
import os
import time

import numpy as np

from napari_dip import Settings
from napari_dip.cluster.connect import connect
from napari_dip.cluster.restoration import restore_on_cluster
from napari_dip.image.problem import Problem, make_problem
from napari_dip.image.restore import Restoration, run
from napari_dip.image.sink import InMemory

TERABYTE = 1e12
PLANE = 2048 * 2048 * 2
"""Bytes of a plane of 2048² pixels of 16 bit."""


def planes(count: int, size: int, settings: Settings) -> Problem:
    noise = np.random.default_rng(0).poisson(30, (count, size, size)).astype(np.uint16)
    return make_problem(noise, settings, None, None)


def flat(count: int, size: int, settings: Settings) -> Problem:
    return make_problem(np.full((count, size, size), 7, np.uint16), settings, None, None)


def seconds(restoration: Restoration) -> float:
    began = time.perf_counter()
    for _ in restoration:
        pass
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--units", type=int, default=8)
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--iterations", type=int, default=40)
    parser.add_argument("--gpu-seconds", type=float, help="seconds of a plane of 2048² on one GPU")
    parser.add_argument("--gpus", type=int, default=8)
    options = parser.parse_args()
    settings = Settings(
        axes="TYX", share="none", iterations=options.iterations, stopping="fixed", device="cpu"
    )
    problem = planes(options.units, options.size, settings)
    seconds(run(one := planes(1, options.size, settings), InMemory(one)))
    load = os.getloadavg()[0]
    print(
        f"{options.units} planes of {options.size}², {options.iterations} iterations each, "
        f"one thread a worker; {os.cpu_count()} processors, load {load:.1f} before\n"
    )
    print("| workers | units a minute | overhead a unit / ms |\n|---|---|---|")
    took = seconds(run(problem, InMemory(problem)))
    print(f"| none | {60 * options.units / took:.1f} | |")
    for count in options.workers:
        with connect("cpu", count) as pool:
            client = pool.client
            warm = planes(2 * count, options.size, settings.replace(iterations=2))
            seconds(restore_on_cluster(warm, InMemory(warm), client, threads=1))
            took = seconds(restore_on_cluster(problem, InMemory(problem), client, threads=1))
            idle = flat(100, options.size, settings)
            overhead = seconds(restore_on_cluster(idle, InMemory(idle), client, threads=1)) / 100
        print(f"| {count} | {60 * options.units / took:.1f} | {1000 * overhead:.1f} |")
    units = TERABYTE / PLANE
    print(
        f"\n1 TB is {units:,.0f} planes of 2048² in 16 bit. On {options.gpus} GPUs (arithmetic):",
        end=" ",
    )
    if options.gpu_seconds is None:
        print("not measured; give --gpu-seconds")
    else:
        hours = units * options.gpu_seconds / options.gpus / 3600
        print(f"{hours:,.0f} h at {options.gpu_seconds:g} s a plane")


if __name__ == "__main__":
    main()
