"""Compare an image restored in tiles with the same image restored whole: PSNR and seams.

    python benchmarks/tiles.py [--size 1024] [--tile 256]

A seam is a step in intensity. The mean gradient in the bands where tiles overlap, divided by that
elsewhere, is compared with the same ratio of the image restored whole.
"""

from __future__ import annotations

import argparse
from itertools import pairwise
from pathlib import Path

import numpy as np
from cases import Case, Pixels, photograph
from metrics import finish, measured, psnr
from results_file import ResultsFile
from skimage.transform import resize

from napari_dip import Settings
from napari_dip.image.tiles import split_into_tiles

SIGMA = 25.0


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--size", type=int, default=1024, help="side of the image in pixels")
    arguments.add_argument("--tile", type=int, default=256, help="side of the tiles in pixels")
    arguments.add_argument("--out", type=Path, default=Path("build/bench"))
    options = arguments.parse_args()
    truth = resize(photograph("01").astype(float), (options.size,) * 2, order=3)
    noisy = truth + np.random.default_rng(0).normal(0, SIGMA, truth.shape)
    case = Case("01", truth, noisy, Settings())
    record = ResultsFile(options.out / "tiles.json", ("size", "tile"), resume=False)
    bands = overlap_rows(options.size, options.tile, Settings().overlap)
    for tile in (None, options.tile):
        with measured() as cost:
            result = finish(case, Settings(tile=tile))
        found = np.asarray(result.image)
        row = {
            "size": options.size,
            "tile": tile,
            "psnr": psnr(case, found),
            "seams": gradient_ratio(found, bands),
            "iterations": result.reports[0].iterations,
        } | cost.as_row()
        record.add(row)
        print(
            f"{'whole image' if tile is None else f'tiles of {tile}':14} {row['psnr']:.2f} dB, "
            f"gradient at the seams {row['seams']:.3f} times that elsewhere, "
            f"{row['iterations']} iterations, {row['seconds']:.0f} s, {row['megabytes']:.0f} MB",
            flush=True,
        )


def overlap_rows(size: int, tile: int, overlap: int) -> list[slice]:
    """Find the rows in which two tiles overlap."""
    rows = sorted(
        {(part[0].start, part[0].stop) for part in split_into_tiles((size, size), tile, overlap)}
    )
    return [slice(second[0], first[1]) for first, second in pairwise(rows)]


def gradient_ratio(image: Pixels, bands: list[slice]) -> float:
    """Divide the mean gradient along Y in the bands by that of all other rows."""
    gradient = np.abs(np.diff(image, axis=0)).mean(axis=1)
    inside = np.zeros(len(gradient), bool)
    for band in bands:
        inside[band] = True
    return float(gradient[inside].mean() / gradient[~inside].mean())


if __name__ == "__main__":
    main()
