"""Count the files of a large OME-Zarr result, and time the commit of each unit.

    python benchmarks/shards.py [--planes 2000] [--side 128]

A stack of random planes is restored by the filter alone, told that there is no noise. The output in
OME-Zarr 0.4 has a file for each chunk; that in 0.5 has shards of several planes.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from napari_dip import Settings, problem
from napari_dip.files.resumable_output import OnDisk
from napari_dip.generators import finished
from napari_dip.image.metadata import StoredImage
from napari_dip.image.restore import run

if TYPE_CHECKING:
    from napari_dip.image.plan import Unit
    from napari_dip.image.unit import RestoredUnit


class Timed(OnDisk):
    """An output that notes how long each commit takes."""

    seconds: ClassVar[list[float]] = []

    def put(self, unit: Unit, done: RestoredUnit, /) -> None:
        began = time.perf_counter()
        super().put(unit, done)
        self.seconds.append(time.perf_counter() - began)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--planes", type=int, default=2000)
    parser.add_argument("--side", type=int, default=128)
    options = parser.parse_args()
    shape = (options.planes, options.side, options.side)
    stack = np.random.default_rng(0).integers(0, 4096, shape, np.uint16)
    print("| OME-Zarr | files | mean commit / ms | longest / s |\n|---|---|---|---|")
    settings = Settings(axes="ZYX", share="none", prior="none", noise="none", device="cpu")
    for version in ("0.4", "0.5"):
        stored = StoredImage(stack, "ZYX", extras={"ngff": {"version": version}})
        asked = problem(stack, settings)
        Timed.seconds.clear()
        with tempfile.TemporaryDirectory() as folder:
            output = Timed(asked, stored, Path(folder) / "out.ome.zarr")
            finished(run(asked, output))
            output.close()
            files = sum(each.is_file() for each in output.path.rglob("*"))
        mean, most = 1000 * statistics.mean(Timed.seconds), max(Timed.seconds)
        print(f"| {version} | {files} | {mean:.0f} | {most:.2f} |", flush=True)


if __name__ == "__main__":
    main()
