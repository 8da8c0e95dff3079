"""How many units a minute there are with more workers, and what handing one out costs.

    python benchmarks/scaling.py [--workers 1 2] [--units 8] [--size 64] [--iterations 40]
                                 [--gpu-seconds S] [--gpus 8]

Each number of workers restores the same planes of noise, after one of them that warms the workers
up. The scheduler's part is taken from units of which all values are alike, so that nothing is left
but handing out and taking back. The time for a terabyte is arithmetic: bytes over bytes a unit,
times the seconds that a unit takes on one of your GPUs, which you measure by benchmarks/gpu.py.
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
"""Bytes of a plane of 16 bit, as a camera makes it."""


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
    parser.add_argument("--gpu-seconds", type=float, help="of a plane of 2048² on one GPU")
    parser.add_argument("--gpus", type=int, default=8)
    asked = parser.parse_args()
    settings = Settings(
        axes="TYX", share="none", iterations=asked.iterations, stopping="fixed", device="cpu"
    )
    problem = planes(asked.units, asked.size, settings)
    seconds(run(one := planes(1, asked.size, settings), InMemory(one)))
    load = os.getloadavg()[0]
    print(
        f"{asked.units} planes of {asked.size}², {asked.iterations} iterations each, one thread a "
        f"worker; {os.cpu_count()} processors, load {load:.1f} before\n"
    )
    print("| workers | units a minute | ms a unit that needs no work |\n|---|---|---|")
    took = seconds(run(problem, InMemory(problem)))
    print(f"| none | {60 * asked.units / took:.1f} | |")
    for count in asked.workers:
        with connect("cpu", count) as pool:
            client = pool.client
            warm = planes(2 * count, asked.size, settings.replace(iterations=2))
            seconds(restore_on_cluster(warm, InMemory(warm), client, threads=1))
            took = seconds(restore_on_cluster(problem, InMemory(problem), client, threads=1))
            idle = flat(100, asked.size, settings)
            overhead = seconds(restore_on_cluster(idle, InMemory(idle), client, threads=1)) / 100
        print(f"| {count} | {60 * asked.units / took:.1f} | {1000 * overhead:.1f} |")
    units = TERABYTE / PLANE
    print(
        f"\n1 TB is {units:,.0f} planes of 2048² in 16 bit. On {asked.gpus} GPUs (arithmetic):",
        end=" ",
    )
    if asked.gpu_seconds is None:
        print("not measured; give --gpu-seconds")
    else:
        hours = units * asked.gpu_seconds / asked.gpus / 3600
        print(f"{hours:,.0f} h at {asked.gpu_seconds:g} s a plane")


if __name__ == "__main__":
    main()
