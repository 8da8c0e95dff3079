"""Measure how much faster ``fast`` reaches the PSNR of ``paper``.

    python benchmarks/speed.py [--size 256] [--level DB] [--precision bfloat16] [--smoke]

Denoises a crop of a photograph with sigma 25, clipped, as published. The time of ``paper`` is its
published number of iterations times the median time of one in float32. Its PSNR comes from a whole
run, which takes half an hour at 256² (``--precision bfloat16`` a third of that), or from
``--level``. The time of ``fast`` includes its automatic stop and the refinement. ``--smoke`` skips
the PSNR and takes under two minutes.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from cases import Case, gaussian
from metrics import finish, measured, psnr

from napari_dip import Settings, restore
from napari_dip.pipeline.precision import calibrate
from napari_dip.pipeline.presets import recipe


def an_iteration(case: Case, settings: Settings, count: int) -> dict[str, Any]:
    """Measure the median seconds of an iteration and the memory of a fit."""
    quick = settings.replace(iterations=count + 2, stopping="fixed", refinement=0, members=1)
    restoration = restore(case.observed, quick.replace(preview_every_s=0))
    with measured() as cost:
        next(restoration), next(restoration)
        times = [time.perf_counter(), *(time.perf_counter() for _ in restoration)]
    steps = [after - before for before, after in pairwise(times)]
    return {
        "s_per_iteration": statistics.median(steps),
        "memory": cost.memory,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--image", default="F16")
    parser.add_argument("--level", type=float, help="PSNR of paper, if known")
    parser.add_argument("--precision", choices=["float32", "bfloat16"], default="float32")
    parser.add_argument("--smoke", action="store_true", help="measure iterations and memory only")
    parser.add_argument("--out", type=Path, default=Path("build/bench"))
    options = parser.parse_args()
    case = gaussian(options.image, options.size, 25, clipped=True)
    paper, fast = Settings(preset="paper"), Settings()
    print(f"{case.name}, {torch.get_num_threads()} threads")
    print(f"arithmetic: {calibrate(torch.device('cpu'))}")
    found: dict[str, Any] = {}
    megapixels = case.truth.shape[0] * case.truth.shape[1] / 1e6
    # The larger fit is last, because memory that it frees would not count as growth again.
    for name, settings, count in (("fast", fast, 20), ("paper", paper, 5)):
        found[name] = taken = an_iteration(case, settings, count)
        print(
            f"{name}: {1 / taken['s_per_iteration']:.2f} iterations/s, "
            f"{taken['memory'] / 1e6:.0f} MB growth, "
            f"{taken['memory'] / 1e9 / megapixels:.2f} GB a megapixel"
        )
    ratio = found["paper"]["s_per_iteration"] / found["fast"]["s_per_iteration"]
    print(f"an iteration of fast is {ratio:.1f} times faster")
    if not options.smoke:
        level = options.level
        if level is None:
            level = psnr(case, finish(case, paper.replace(precision=options.precision)).image)
        began = time.perf_counter()
        result = finish(case, fast)
        elapsed = time.perf_counter() - began
        reached = psnr(case, result.image)
        published = recipe(paper).iterations
        whole = published * found["paper"]["s_per_iteration"]
        print(f"paper: {level:.2f} dB after {published} iterations, {whole:.0f} s")
        iterations = result.reports[0].iterations
        print(f"fast: {reached:.2f} dB after {iterations} iterations, {elapsed:.1f} s")
        above = "at or above" if reached >= level - 0.1 else "BELOW"
        print(f"{whole / elapsed:.0f} times faster, {above} paper's level less 0.1 dB")
        found |= {"level": level, "reached": reached, "ratio": whole / elapsed}
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / f"speed-{options.size}.json").write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
