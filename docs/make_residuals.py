"""Draw the residual of a fit that stops too soon, automatically, and too late.

    python docs/make_residuals.py

The image is a part of the sample *Noisy image*. The rows of docs/images/residuals.png are results
and residuals. The script also prints the numbers of the page on the residual.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from napari_dip import denoise
from napari_dip.plugin.sample_data import noisy

SIDE = 128
ZOOM = 2  # picture pixels for one image pixel
GAP = 8
RESIDUAL_LIMIT = 60  # grey values: drawn in white, and below 0 in black

STOPS = {
    "too soon": {"iterations": 20, "refinement": 0, "stopping": "fixed", "averaging": 0.0},
    "automatic stop": {},
    "too late": {
        "iterations": 1000,
        "refinement": 0,
        "stopping": "fixed",
        "prior": {"tv_weight": 0.0},
    },
}


def correlation(residual: np.ndarray) -> float:
    """Return the correlation of neighbouring pixels, 0 for white noise."""
    r = residual - residual.mean()
    return float(((r[1:] * r[:-1]).mean() + (r[:, 1:] * r[:, :-1]).mean()) / 2 / r.var())


def grey(values: np.ndarray, low: float, high: float) -> np.ndarray:
    return (
        np.uint8(255 * ((values - low) / (high - low)).clip(0, 1)).repeat(ZOOM, 0).repeat(ZOOM, 1)
    )


def main() -> None:
    truth, image = (layer[0][:SIDE, :SIDE] for layer in noisy())
    pictures, residuals = [], []
    for name, settings in STOPS.items():
        result = denoise(image, device="cpu", dtype="float32", **settings)
        residual = image.astype(np.float32) - result
        error = np.sqrt(((result - truth) ** 2).mean())
        print(
            f"{name}: correlation {correlation(residual):+.3f}, standard deviation "
            f"{residual.std():.1f}, root mean square error {error:.1f} grey values"
        )
        pictures.append(grey(result, 100, 280))
        residuals.append(grey(residual, -RESIDUAL_LIMIT, RESIDUAL_LIMIT))
    side = SIDE * ZOOM
    sheet = Image.new("L", (3 * side + 2 * GAP, 2 * side + GAP), 255)
    for row, panels in enumerate((pictures, residuals)):
        for column, panel in enumerate(panels):
            sheet.paste(Image.fromarray(panel), (column * (side + GAP), row * (side + GAP)))
    path = Path(__file__).parent / "images" / "residuals.png"
    sheet.save(path, optimize=True)
    noise = image.astype(np.float32) - truth
    print(f"the noise itself: {correlation(noise):+.3f}, {noise.std():.1f}; {path}")


if __name__ == "__main__":
    main()
