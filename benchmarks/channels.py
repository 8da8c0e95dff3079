"""Compare channels restored jointly with channels restored one by one.

    python benchmarks/channels.py [--only cell] [--size 128] [--seeds 1] [--out build/bench]

Each channel gets its own Poisson-Gaussian noise with a fixed seed: its brightest pixel has 20, 60
or 200 photons, the read noise is 2 photons. So channels differ in gain, range and noise. PSNR is
over the range of each channel, then their mean; seconds are CPU seconds.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import tifffile
from cases import SHARED, crop
from metrics import describe_cost
from skimage import data, metrics

from napari_dip import Settings, restore
from napari_dip.generators import finished

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Channels = NDArray[np.float64]

PHOTONS, READ = (20, 60, 200), 2.0
MODES = {"one by one": "none", "jointly": "C"}


def images(size: int) -> dict[str, Channels]:
    """Load multi-channel images: stains of a cell, a section, a retina, one image three times."""
    found = {}
    cell = SHARED / "fluo16" / "xyc_16bit__cell_dna_mts_actin.tif"
    if cell.is_file():
        found["cell: DNA, microtubules, actin"] = tifffile.imread(cell)
    found["section: red, green, blue"] = data.immunohistochemistry().transpose(2, 0, 1)
    found["retina: red, green, blue"] = data.retina()[::4, ::4].transpose(2, 0, 1)
    found["camera, three times"] = np.stack([data.camera()] * 3)
    return {
        name: np.stack([crop(channel.astype(np.float64), size) for channel in channels])
        for name, channels in found.items()
    }


def add_noise(channels: Channels, seed: int) -> Channels:
    """Add Poisson-Gaussian noise to each channel, in the intensities of the truth."""
    random = np.random.default_rng(seed)
    observed = np.empty_like(channels)
    for number, (truth, photons) in enumerate(zip(channels, PHOTONS, strict=True)):
        gain = np.ptp(truth) / photons
        counted = random.poisson((truth - truth.min()) / gain)
        observed[number] = truth.min() + gain * (counted + random.normal(0, READ, truth.shape))
    return observed


def restored(observed: Channels, seed: int, share: str) -> tuple[Channels, str]:
    settings = Settings(axes="CYX", share=share, seed=seed, preview_every_s=1e9)
    result = finished(restore(observed, settings))
    return np.asarray(result.image), describe_cost(result)


def psnr(truth: Channels, image: Channels) -> list[float]:
    pairs = zip(truth, image, strict=True)
    return [
        float(metrics.peak_signal_noise_ratio(one, other, data_range=np.ptp(one)))
        for one, other in pairs
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="run images whose name contains this")
    parser.add_argument("--size", type=int, default=128, help="side of the crop in pixels")
    parser.add_argument("--seeds", type=int, default=1, help="number of seeds of the noise")
    parser.add_argument("--out", type=Path, default=Path("build/bench"))
    options = parser.parse_args()
    print("| image | | PSNR of each channel / dB | mean | CPU s | |")
    print("|---|---|---|---|---|---|")
    rows: list[dict[str, Any]] = []
    for name, truth in images(options.size).items():
        for seed in range(options.seeds if options.only in name else 0):
            observed = add_noise(truth, seed)
            for mode, share in MODES.items():
                began = time.process_time()
                image, note = restored(observed, seed, share)
                seconds, each = time.process_time() - began, psnr(truth, image)
                rows.append(
                    {"image": name, "mode": mode, "seed": seed, "psnr": each, "cpu": seconds}
                )
                cells = f"{', '.join(f'{one:.2f}' for one in each)} | {np.mean(each):.2f}"
                print(f"| {name} | {mode} | {cells} | {seconds:.1f} | {note} |", flush=True)
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "channels.json").write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
