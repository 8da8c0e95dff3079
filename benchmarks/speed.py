"""How much sooner `fast` is as good as `paper`.

    python benchmarks/speed.py [--size 256] [--level DB] [--precision bfloat16] [--smoke]

Denoises a crop of a photograph at sigma 25, clipped, as published. The time of `paper` is its
published number of iterations times the median time of one in plain float32; its level is the PSNR
at the end of a run, which takes half an hour at 256² (``--precision bfloat16`` a third of that), or
is given by ``--level``. `fast` runs by itself to its stop, and is refined: all of that is its time.
``--smoke`` does without the level, in under two minutes. Instructions are counted where Linux's
perf can: they do not mind other programs.
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
    """Take the median of its seconds, its instructions, and the memory that it needs."""
    quick = settings.replace(iterations=count + 2, stopping="fixed", refinement=0, members=1)
    restoration = restore(case.seen, quick.replace(preview_every_s=0))
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
    parser.add_argument("--level", type=float, help="PSNR of paper, if it is known")
    parser.add_argument("--precision", choices=["float32", "bfloat16"], default="float32")
    parser.add_argument("--smoke", action="store_true", help="iterations and memory alone")
    parser.add_argument("--out", type=Path, default=Path("build/bench"))
    asked = parser.parse_args()
    case = gaussian(asked.image, asked.size, 25, clipped=True)
    paper, fast = Settings(preset="paper"), Settings()
    print(f"{case.name}, {torch.get_num_threads()} threads")
    print(f"arithmetic: {calibrate(torch.device('cpu'))}")
    found: dict[str, Any] = {}
    megapixels = case.truth.shape[0] * case.truth.shape[1] / 1e6
    # The larger one last: the memory that it leaves behind is no longer new.
    for name, settings, count in (("fast", fast, 20), ("paper", paper, 5)):
        found[name] = taken = an_iteration(case, settings, count)
        print(
            f"{name}: {1 / taken['s_per_iteration']:.2f} iterations/s, "
            f"{taken['memory'] / 1e6:.0f} MB more than before, "
            f"{taken['memory'] / 1e9 / megapixels:.2f} GB a megapixel"
        )
    ratio = found["paper"]["s_per_iteration"] / found["fast"]["s_per_iteration"]
    print(f"an iteration of fast is {ratio:.1f} times faster")
    if not asked.smoke:
        level = asked.level
        if level is None:
            level = psnr(case, finish(case, paper.replace(precision=asked.precision)).image)
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
    asked.out.mkdir(parents=True, exist_ok=True)
    (asked.out / f"speed-{asked.size}.json").write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
