"""Channels that share a network beside channels one by one.

    python benchmarks/channels.py [--only cell] [--size 128] [--seeds 1] [--out build/bench]

Each channel gets Poisson-Gaussian noise of its own, with a fixed seed: its brightest pixel has
``PHOTONS`` photons, more in each channel, and the read noise is 2 photons. So they differ in gain,
range and noise. Both ways see the same values and stop by themselves; the time is that of the
processor. PSNR is over the range of each channel, and the last column its mean.
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
from metrics import effort
from skimage import data, metrics

from napari_dip import Settings, restore
from napari_dip.generators import finished

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Channels = NDArray[np.float64]

PHOTONS, READ = (20, 60, 200), 2.0
WAYS = {"one by one": "none", "jointly": "C"}


def images(size: int) -> dict[str, Channels]:
    """Load them by name: stains of a cell, a stained section, and one image three times."""
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


def spoilt(channels: Channels, seed: int) -> Channels:
    """Return what a camera would have seen, in the intensities of the truth."""
    random = np.random.default_rng(seed)
    seen = np.empty_like(channels)
    for number, (truth, photons) in enumerate(zip(channels, PHOTONS, strict=True)):
        gain = np.ptp(truth) / photons
        counted = random.poisson((truth - truth.min()) / gain)
        seen[number] = truth.min() + gain * (counted + random.normal(0, READ, truth.shape))
    return seen


def restored(seen: Channels, seed: int, share: str) -> tuple[Channels, str]:
    settings = Settings(axes="CYX", share=share, seed=seed, preview_every_s=1e9)
    result = finished(restore(seen, settings))
    return np.asarray(result.image), effort(result)


def psnr(truth: Channels, image: Channels) -> list[float]:
    pairs = zip(truth, image, strict=True)
    return [
        float(metrics.peak_signal_noise_ratio(one, other, data_range=np.ptp(one)))
        for one, other in pairs
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="images whose name contains this")
    parser.add_argument("--size", type=int, default=128, help="side of the crop in pixels")
    parser.add_argument("--seeds", type=int, default=1, help="how often, with other noise")
    parser.add_argument("--out", type=Path, default=Path("build/bench"))
    asked = parser.parse_args()
    print("| image | | PSNR of each channel / dB | mean | CPU s | |")
    print("|---|---|---|---|---|---|")
    rows: list[dict[str, Any]] = []
    for name, truth in images(asked.size).items():
        for seed in range(asked.seeds if asked.only in name else 0):
            seen = spoilt(truth, seed)
            for way, share in WAYS.items():
                began = time.process_time()
                image, note = restored(seen, seed, share)
                seconds, each = time.process_time() - began, psnr(truth, image)
                rows.append({"image": name, "way": way, "seed": seed, "psnr": each, "cpu": seconds})
                cells = f"{', '.join(f'{one:.2f}' for one in each)} | {np.mean(each):.2f}"
                print(f"| {name} | {way} | {cells} | {seconds:.1f} | {note} |", flush=True)
    asked.out.mkdir(parents=True, exist_ok=True)
    (asked.out / "channels.json").write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
