"""Make the images under File › Open Sample, each with one degradation and its ground truth.

They are computed with a fixed seed, the planes from images of scikit-image: nothing is downloaded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.signal import fftconvolve
from scipy.special import expit
from skimage import color, data, draw, transform
from skimage.morphology import dilation, disk

if TYPE_CHECKING:
    from numpy.typing import NDArray

    LayerData = tuple[NDArray[Any], dict[str, Any], str]

__all__ = ["blurred", "low_resolution", "noisy", "scratched", "stack"]

SIZE = 256  # pixels: height and width of the ground truth
PIXEL_SIZE_UM = 0.5  # micrometres

STACK = 16, 128, 128  # planes, rows and columns of the z-stack
PLANE_STEP = 4  # pixels between the planes of the z-stack


def noisy() -> list[LayerData]:
    """Make a dim, fluorescence-like image with photon and read-out noise.

    Returns
    -------
    list of layers
        The ground truth and the noisy image, (256, 256), uint16 camera counts. napari selects the
        last one.
    """
    random = np.random.default_rng(0)
    tissue = color.rgb2gray(data.immunohistochemistry()[:SIZE, -SIZE:])
    photons = 2 + 40 * (1 - tissue)
    offset, gain, read_out = 100, 4.0, 5.0
    counts = offset + gain * random.poisson(photons) + random.normal(0, read_out, photons.shape)
    truth = (offset + gain * photons).round().astype(np.uint16)
    image = counts.round().clip(0).astype(np.uint16)
    look = {**_placed(), "rgb": False, "colormap": "green", "contrast_limits": (100, 280)}
    return [
        (truth, {"name": "truth", "visible": False, **look}, "image"),
        (image, {"name": "noisy", **look}, "image"),
    ]


def low_resolution() -> list[LayerData]:
    """Make an image whose pixels are the means of 2 × 2 pixels of the ground truth.

    Returns
    -------
    list of layers
        The ground truth, (256, 256, 3), and the small image, (128, 128, 3), both uint8. The two
        layers overlay each other: the pixels of the small image are twice as large.
    """
    factor = 2
    truth = data.immunohistochemistry()[-SIZE:, :SIZE]
    small = transform.downscale_local_mean(truth, (factor, factor, 1))
    image = small.round().astype(np.uint8)
    return [
        (truth, {"name": "truth", "visible": False, "rgb": True, **_placed()}, "image"),
        (image, {"name": "low resolution", "rgb": True, **_placed(factor)}, "image"),
    ]


def scratched() -> list[LayerData]:
    """Make an image with white scratches, and the Labels layer that marks them.

    Returns
    -------
    list of layers
        The ground truth and the scratched image, (256, 256, 3), uint8, and the mask, (256, 256),
        1 on the scratches.
    """
    random = np.random.default_rng(0)
    truth = data.immunohistochemistry()[-SIZE:, 160 : 160 + SIZE]
    mask = np.zeros(truth.shape[:2], np.uint8)
    for _ in range(12):
        start, bend, end = random.integers(0, SIZE, (3, 2))
        curve = draw.bezier_curve(*start, *bend, *end, weight=1, shape=mask.shape)
        mask[curve] = 1
    mask = dilation(mask, disk(2))
    image = truth.copy()
    image[mask > 0] = 255
    return [
        (truth, {"name": "truth", "visible": False, "rgb": True, **_placed()}, "image"),
        (image, {"name": "scratched", "rgb": True, **_placed()}, "image"),
        (mask, {"name": "scratches", **_placed()}, "labels"),
    ]


def blurred() -> list[LayerData]:
    """Make a fluorescence-like image through a 5×/0.15 objective, with photon noise.

    ``napari_dip.Optics(na=0.15, ri=1.0, wavelength=520, pixel_size=0.5)`` is the microscope.

    Returns
    -------
    list of layers
        The ground truth and the blurred image, (256, 256), uint16 camera counts.
    """
    from napari_dip.optics.microscope_psf import optical_psf
    from napari_dip.settings import Optics

    random = np.random.default_rng(0)
    optics = Optics(na=0.15, ri=1.0, wavelength=520, pixel_size=PIXEL_SIZE_UM)
    psf = optical_psf(optics, (SIZE, SIZE)).values
    margin = len(psf) // 2
    tissue = color.rgb2gray(data.immunohistochemistry()[: SIZE + 2 * margin, -SIZE - 2 * margin :])
    photons = 5 + 400 * (1 - tissue) ** 2
    offset, read_out = 100, 2.0
    seen = random.poisson(fftconvolve(photons, psf, mode="valid"))
    counts = offset + seen + random.normal(0, read_out, seen.shape)
    truth = (offset + photons[margin:-margin, margin:-margin]).round().astype(np.uint16)
    image = counts.round().clip(0).astype(np.uint16)
    look = {**_placed(), "rgb": False, "colormap": "green"}
    known = {"optics": {"modality": "widefield", "na": 0.15, "ri": 1.0, "wavelength": 520.0}}
    return [
        (truth, {"name": "truth", "visible": False, **look}, "image"),
        (image, {"name": "blurred", "metadata": known, **look}, "image"),
    ]


def stack() -> list[LayerData]:
    """Make a dim z-stack of simulated cells with photon noise; its planes are 2 µm apart.

    Returns
    -------
    list of layers
        The ground truth and the noisy stack, (16, 128, 128), uint16 camera counts.
    """
    random = np.random.default_rng(0)
    planes, rows, columns = STACK

    def blobs(size: float) -> NDArray[np.float32]:
        """Return smooth shapes with a standard deviation of 1; ``size`` in pixels."""
        noise = random.normal(size=(PLANE_STEP * planes, rows, columns)).astype(np.float32)
        smooth: NDArray[np.float32] = gaussian_filter(noise, size, mode="wrap")
        smooth /= smooth.std()
        return smooth

    cells = expit(12 * (blobs(7) - 0.9)) * (1 + 0.35 * blobs(1.6)) + 0.25 * (blobs(1.5) > 1.5)
    seen = gaussian_filter(cells, (3, 0.8, 0.8))[::PLANE_STEP]  # a microscope blurs along Z most
    photons = 1 + 15 * seen.clip(0)
    offset, gain, read_out = 100, 4.0, 5.0
    counts = offset + gain * random.poisson(photons) + random.normal(0, read_out, photons.shape)
    truth = (offset + gain * photons).round().astype(np.uint16)
    image = counts.round().clip(0).astype(np.uint16)
    look = {
        "scale": (PLANE_STEP * PIXEL_SIZE_UM, PIXEL_SIZE_UM, PIXEL_SIZE_UM),
        "units": ("um", "um", "um"),
        "axis_labels": ("z", "y", "x"),
        "colormap": "green",
        "contrast_limits": (95, 200),
    }
    return [
        (truth, {"name": "truth", "visible": False, **look}, "image"),
        (image, {"name": "stack", **look}, "image"),
    ]


def _placed(factor: int = 1) -> dict[str, Any]:
    """Return the placement of pixels ``factor`` times as large as those of the ground truth."""
    return {
        "scale": (factor * PIXEL_SIZE_UM,) * 2,
        "translate": ((factor - 1) / 2 * PIXEL_SIZE_UM,) * 2,
        "units": ("um", "um"),
        "axis_labels": ("y", "x"),
    }
