"""Make the groups of images over which the page on quality averages.

All are grey crops, 256 pixels wide, but for the colour photographs. Each image has its own seed.
Gaps and coarse pixels are made from photographs and from micrographs that have little noise: means
of many frames, and bright confocal images.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import tifffile
from cases import (
    SHARED,
    Case,
    Pixels,
    crop,
    photograph,
    with_coarse_pixels,
    with_gaps,
    with_gaussian_noise,
    with_photons,
)
from skimage import io
from skimage.draw import disk, line

from napari_dip import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SIZE = 256
LUMA = (0.299, 0.587, 0.114)

PHOTOGRAPHS = {
    **{f"kodim{n}": f"kodak/kodim{n}.png" for n in ("03", "05", "08", "13", "19", "23")},
    "set12 01": "set12/01.png",
    "set12 05": "set12/05.png",
    "F16": "dip_repo/F16_GT.png",
    "barbara": "dip_repo/barbara.png",
    "zebra": "dip_repo/zebra_GT.png",
    "butterfly": "set5/butterfly.bmp",
    "cbsd 101087": "cbsd68/101087.png",
}
GREY = ("set12 01", "set12 05", "barbara")

Images = dict[str, Pixels]


def colour_photographs() -> Images:
    """Read the photographs of Kodak."""
    return {
        name: crop(io.imread(SHARED / file).astype(np.float64), SIZE)
        for name, file in PHOTOGRAPHS.items()
        if file.startswith("kodak")
    }


def grey_photographs() -> Images:
    images = {name: io.imread(SHARED / file) for name, file in PHOTOGRAPHS.items()}
    return {
        name: crop(image.astype(np.float64) if name in GREY else image[..., :3] @ LUMA, SIZE)
        for name, image in images.items()
    }


def cells() -> Images:
    """Read a neuron and the channels of a cell, which have little noise, in 0..255."""
    channels = tifffile.imread(SHARED / "fluo16/xyc_16bit__cell_dna_mts_actin.tif")
    names = ("DNA", "microtubules", "actin")
    found = {
        name: 255.0 * channel / channel.max() for name, channel in zip(names, channels, strict=True)
    }
    found["neuron"] = photograph("neuron")
    return {name: crop(image, SIZE) for name, image in found.items()}


def means_of_frames() -> Images:
    """Read means of many frames: two of FMD, and one of each channel of W2S."""
    files = ["fmd_confocal/GT_fish", "fmd_confocal/GT_mice"]
    files += [f"w2s/GT_{name}" for name in ("002_0", "003_1", "008_2")]
    return {
        file.partition("GT_")[2]: crop(
            tifffile.imread(SHARED / f"{file}.tif").squeeze().astype(np.float64), SIZE
        )
        for file in files
    }


def real_frames(folder: str) -> Iterator[Case]:
    """Read frames whose truth is the mean of many: W2S the middle, FMD four corners of each."""
    for path in sorted((SHARED / folder).glob("NOISY_*")):
        truth, observed = (
            tifffile.imread(each).squeeze().astype(np.float64)
            for each in (path.with_name(path.name.replace("NOISY", "GT")), path)
        )
        name = path.stem.removeprefix("NOISY_")
        if folder == "w2s":
            parts = {name: (crop(truth, SIZE), crop(observed, SIZE))}
        else:
            parts = {
                f"{name} {top}, {left}": tuple(
                    image[top : top + SIZE, left : left + SIZE] for image in (truth, observed)
                )
                for top in (0, SIZE)
                for left in (0, SIZE)
            }
        for part, (clean, noisy) in parts.items():
            yield Case(part, clean, noisy, Settings(), relative=True)


def noisy(images: Images, sigma: float) -> Iterator[Case]:
    for seed, (name, truth) in enumerate(images.items()):
        yield with_gaussian_noise(name, truth, sigma, seed)


def few_photons(images: Images, peak: float) -> Iterator[Case]:
    for seed, (name, truth) in enumerate(images.items()):
        yield with_photons(name, truth, peak, seed)


def single_pixels(shape: tuple[int, int], random: np.random.Generator) -> Pixels:
    return random.random(shape) < 0.5


def scratches(shape: tuple[int, int], random: np.random.Generator) -> Pixels:
    """Draw twelve lines, three pixels wide, from border to border."""
    missing = np.zeros(shape, dtype=bool)
    for start, end in random.integers(1, shape[0] - 1, (12, 2)):
        rows, columns = line(1, start, shape[0] - 2, end)
        for shift in (-1, 0, 1):
            missing[rows, columns + shift] = True
    return missing


def holes(shape: tuple[int, int], random: np.random.Generator) -> Pixels:
    """Draw eight discs, 8 to 16 pixels wide."""
    missing = np.zeros(shape, dtype=bool)
    for centre in random.integers(20, shape[0] - 20, (8, 2)):
        missing[disk(centre, random.uniform(4, 8), shape=shape)] = True
    return missing


GAPS: dict[str, Callable[[tuple[int, int], np.random.Generator], Pixels]] = {
    "half of the pixels": single_pixels,
    "scratches": scratches,
    "holes": holes,
}


def micrographs() -> Images:
    return cells() | means_of_frames()


def photographs_and_micrographs() -> Images:
    """Return six of each."""
    names = ("kodim03", "kodim05", "kodim08", "kodim23", "F16", "barbara")
    names += ("actin", "neuron", "fish", "mice", "002_0", "003_1")
    images = grey_photographs() | micrographs()
    return {name: images[name] for name in names}


def published_for_super_resolution() -> Images:
    left_out = ("set12 01", "set12 05", "barbara", "cbsd 101087")
    return {name: image for name, image in grey_photographs().items() if name not in left_out}


def gaps(kind: str) -> Iterator[Case]:
    for seed, (name, truth) in enumerate(photographs_and_micrographs().items()):
        missing = GAPS[kind](truth.shape, np.random.default_rng(seed))
        yield with_gaps(name, truth, missing)


def coarse(images: Images, factor: int) -> Iterator[Case]:
    for name, truth in images.items():
        yield with_coarse_pixels(name, truth, factor)


GROUPS: dict[str, Callable[[], Iterator[Case]]] = {
    "FMD, real frames": lambda: real_frames("fmd_confocal"),
    "W2S, real frames": lambda: real_frames("w2s"),
    "micrographs, 20 photons": lambda: few_photons(micrographs(), 20),
    "photographs, sigma 25": lambda: noisy(grey_photographs(), 25),
    "colour, sigma 25": lambda: noisy(colour_photographs(), 25),
    "half of the pixels": lambda: gaps("half of the pixels"),
    "scratches": lambda: gaps("scratches"),
    "holes": lambda: gaps("holes"),
    "photographs, x2": lambda: coarse(published_for_super_resolution(), 2),
    "photographs, x4": lambda: coarse(published_for_super_resolution(), 4),
    "micrographs, x2": lambda: coarse(micrographs(), 2),
    "micrographs, x4": lambda: coarse(micrographs(), 4),
}
"""Cases of each group, which are made when it is called."""
