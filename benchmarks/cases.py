"""Make the test cases of the benchmarks from the evaluation images.

The evaluation images are read from ../shared/data. Without that folder, images of scikit-image
replace them, and the tables say so. ``--data FOLDER`` adds image pairs of the user:
NOISY_name.tif beside GT_name.tif.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from skimage import data, io

from napari_dip import Inpaint, Settings, SuperResolve

SHARED = Path(__file__).parents[2] / "shared" / "data"

Pixels = NDArray[Any]


@dataclass(frozen=True)
class Case:
    """A truth, the observed image, and the settings that restore it.

    With ``relative``, PSNR is taken after a fit of gain and offset, for a truth on another scale.
    ``border`` pixels are left out of the comparison, as is usual for super-resolution; ``luma``
    compares the Y channel alone. ``known`` holds the parameters of the noise that the reference
    methods get. Means are taken over the cases of one ``group``.
    """

    name: str
    truth: Pixels
    observed: Pixels
    settings: Settings
    missing: NDArray[np.bool_] | None = None
    relative: bool = False
    border: int = 0
    luma: bool = False
    known: dict[str, float] = field(default_factory=dict)
    group: str = ""

    @property
    def kind(self) -> str:
        return self.settings.task.kind

    @property
    def colours(self) -> int | None:
        """The axis of the colours; ``None`` for a grey image."""
        return -1 if self.truth.ndim == 3 else None

    @property
    def side(self) -> int:
        return max(self.truth.shape[:2])

    @property
    def tags(self) -> dict[str, str]:
        """The columns that identify the case in a table."""
        return {"case": self.name, "kind": self.kind, "group": self.group or self.kind}


def photograph(name: str) -> Pixels:
    """Load an image by its name, in 0..255, or the image of scikit-image that replaces it."""
    files = {
        "01": "set12/01.png",
        "05": "set12/05.png",
        "F16": "dip_repo/F16_GT.png",
        "barbara": "dip_repo/barbara.png",
        "zebra": "dip_repo/zebra_GT.png",
        "butterfly": "set5/butterfly.bmp",
        "cbsd": "cbsd68/101087.png",
        "neuron": "fluo16/xy_16bit__rat_hippocampal_neuron.tif",
    }
    replacements = {
        "01": data.camera,
        "05": data.coins,
        "F16": data.astronaut,
        "barbara": data.brick,
        "zebra": data.chelsea,
        "butterfly": data.cat,
        "cbsd": data.coffee,
        "neuron": data.cell,
    }
    if name in files and SHARED.is_dir():
        path = SHARED / files[name]
        image = tifffile.imread(path) if path.suffix == ".tif" else io.imread(path)
    else:
        image = (replacements[name] if name in replacements else getattr(data, name))()
    if image.dtype != np.uint8:
        image = 255.0 * (image - image.min()) / np.ptp(image)
    return image.astype(np.float64)


def crop(image: Pixels, size: int) -> Pixels:
    """Cut a square out of the middle."""
    top, left = ((side - size) // 2 if side > size else 0 for side in image.shape[:2])
    return image[top : top + size, left : left + size]


def with_gaussian_noise(
    name: str, truth: Pixels, sigma: float, seed: int = 0, *, clipped: bool = False
) -> Case:
    observed = truth + np.random.default_rng(seed).normal(0, sigma, truth.shape)
    if clipped:
        observed = observed.round().clip(0, 255).astype(np.uint8)
    label = f"{name}, sigma {sigma:g}" + " clipped" * clipped
    return Case(label, truth, observed, Settings(seed=seed), known={"sigma": sigma})


def with_photons(name: str, truth: Pixels, peak: float, seed: int = 0) -> Case:
    """Add the noise of photons, with ``peak`` photons in a pixel of 255."""
    observed = np.random.default_rng(seed).poisson(truth / 255 * peak) * 255 / peak
    return Case(f"{name}, Poisson {peak:g}", truth, observed, Settings(seed=seed))


def with_gaps(name: str, truth: Pixels, missing: NDArray[np.bool_], seed: int = 0) -> Case:
    observed = np.where(missing if truth.ndim == 2 else missing[..., None], 0, truth)
    return Case(name, truth, observed, Settings(task=Inpaint(), seed=seed), missing)


def with_coarse_pixels(
    name: str, truth: Pixels, factor: int, seed: int = 0, sigma: float = 0
) -> Case:
    """Decimate by Lanczos2, as published, and round to whole grey values."""
    import torch

    from napari_dip.dip.operators import Downsample

    truth = truth[: truth.shape[0] // factor * factor, : truth.shape[1] // factor * factor]
    planes = truth[..., None] if truth.ndim == 2 else truth
    fine = torch.from_numpy(planes.astype(np.float32)).movedim(-1, 0)[None]
    coarse = Downsample((factor, factor), "lanczos2")(fine)[0].movedim(0, -1).numpy()
    coarse = coarse + np.random.default_rng(seed).normal(0, sigma, coarse.shape)
    observed = coarse.round().clip(0, 255).astype(np.uint8)
    return Case(
        f"{name}, x{factor}" + (f", sigma {sigma:g}" if sigma else ""),
        truth,
        observed[..., 0] if truth.ndim == 2 else observed,
        Settings(task=SuperResolve(factor=factor), seed=seed),
        border=factor,
        luma=truth.ndim == 3,
    )


def gaussian(name: str, size: int, sigma: float, seed: int = 0, *, clipped: bool = False) -> Case:
    truth = crop(photograph(name), size)
    return with_gaussian_noise(f"{name} {size}", truth, sigma, seed, clipped=clipped)


def poisson(name: str, size: int, peak: float, seed: int = 0) -> Case:
    return with_photons(f"{name} {size}", crop(photograph(name), size), peak, seed)


def frame(name: str, size: int, seed: int = 0) -> Case:
    """Cut a crop from a frame of a confocal microscope; the mean of 50 frames is the truth."""
    if not SHARED.is_dir():
        return poisson("cell", size, 20, seed)
    pair = [
        crop(tifffile.imread(SHARED / "fmd_confocal" / f"{kind}_{name}.tif").squeeze(), size)
        for kind in ("GT", "NOISY")
    ]
    truth, observed = (image.astype(np.float64) for image in pair)
    return Case(f"{name} {size}, real frame", truth, observed, Settings(seed=seed), relative=True)


def half_missing(name: str, size: int, seed: int = 0, part: float = 0.5) -> Case:
    truth = crop(photograph(name), size)
    missing = np.random.default_rng(seed).random(truth.shape[:2]) < part
    return with_gaps(f"{name} {size}, {100 * part:.0f} % missing", truth, missing, seed)


def decimated(name: str, size: int, factor: int, seed: int = 0, sigma: float = 0) -> Case:
    truth = crop(photograph(name), size)
    return with_coarse_pixels(f"{name} {size}", truth, factor, seed, sigma)


def with_hole(name: str, size: int, seed: int = 0) -> Case:
    """Remove a disc in the middle, an eighth of the image wide."""
    truth = crop(photograph(name), size)
    rows, columns = np.indices(truth.shape[:2]) - size / 2
    missing = np.hypot(rows, columns) < max(10, size / 16)
    return with_gaps(f"{name} {size}, hole", truth, missing, seed)


def pairs(folder: Path) -> list[Case]:
    """Read every NOISY_name.tif with its GT_name.tif from a folder."""
    found = []
    for noisy in sorted(folder.glob("NOISY_*.tif")):
        truth = noisy.with_name(noisy.name.replace("NOISY_", "GT_"))
        images = [tifffile.imread(path).squeeze().astype(np.float64) for path in (truth, noisy)]
        name = noisy.stem.removeprefix("NOISY_")
        found.append(Case(name, *images, Settings(), relative=True, group="own pairs"))
    return found
