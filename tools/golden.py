"""Record the bytes of many small restorations, or compare them with a record.

A change of the structure must not change a result. Run it before and after, on one machine::

    python tools/golden.py record golden.json
    python tools/golden.py compare golden.json [part of a name]

A record holds for one machine and one version of torch. It takes about two minutes.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import tifffile

from napari_dip import Denoise, Inpaint, SensorNoise, Settings, SuperResolve, restore

if TYPE_CHECKING:
    from collections.abc import Iterator

SEED = 7
SHORT = {"device": "cpu", "precision": "float32", "seed": SEED, "preview_every_s": 0.0}


def scene(*shape: int, seed: int = SEED) -> np.ndarray:
    """Return smooth structure with edges and texture, from 0 to 1."""
    random = np.random.default_rng(seed)
    grids = np.meshgrid(*(np.linspace(0, 3, size) for size in shape), indexing="ij")
    phase = random.uniform(0, 6, (3, len(shape)))
    waves = sum(np.sin(4 * sum(g * k for g, k in zip(grids, row, strict=True))) for row in phase)
    edges = sum(np.sin(2 * g) for g in grids) > 0.5
    whole = waves + 2 * edges
    return (whole - whole.min()) / np.ptp(whole)


def gaussian(*shape: int, sigma: float = 0.1) -> np.ndarray:
    """Add white noise to the scene; float32."""
    noise = np.random.default_rng(SEED).normal(0, sigma, shape)
    return (scene(*shape) + noise).astype(np.float32)


def photons(*shape: int, most: float = 60) -> np.ndarray:
    """Draw photon counts on an offset; uint16."""
    return (np.random.default_rng(SEED).poisson(most * scene(*shape)) + 100).astype(np.uint16)


def correlated(*shape: int) -> np.ndarray:
    """Add noise that is correlated along X; float32."""
    noise = np.random.default_rng(SEED).normal(0, 0.15, shape)
    noise = (noise + np.roll(noise, 1, -1)) / 2
    return (scene(*shape) + noise).astype(np.float32)


def gaps(*shape: int, part: float = 0.3) -> np.ndarray:
    """Choose missing pixels at random."""
    return np.random.default_rng(SEED + 1).random(shape) < part


def hole(height: int, width: int, side: int = 18) -> np.ndarray:
    """Mask a square in the middle."""
    mask = np.zeros((height, width), bool)
    mask[(height - side) // 2 :, (width - side) // 2 :][:side, :side] = True
    return mask


def drifting(planes: int, side: int) -> np.ndarray:
    """Draw planes that move by two pixels each."""
    whole = scene(side + 2 * planes, side + 2 * planes)
    moved = np.stack([whole[2 * t :, t:][:side, :side] for t in range(planes)])
    return (np.random.default_rng(SEED).poisson(40 * moved) + 10).astype(np.uint16)


def padded(*shape: int) -> np.ndarray:
    """Set a margin to zero, as registration does."""
    image = photons(*shape)
    image[..., :6, :] = 0
    return image


def with_nan(*shape: int) -> np.ndarray:
    """Make some pixels NaN."""
    image = gaussian(*shape)
    image[..., 5:9, 7:12] = np.nan
    return image


def cases() -> Iterator[tuple[str, np.ndarray, dict[str, Any], dict[str, Any]]]:
    """Yield a name, an image, settings and other arguments of restore."""
    psf = np.outer([1, 2, 1], [1, 2, 1]) / 16
    inpaint = {"task": Inpaint(), "iterations": 25}
    large = {"task": SuperResolve(factor=2)}
    axial = {"task": SuperResolve(factor=2, axis="Z")}
    for preset in ("fast", "best", "paper"):
        n = {"preset": preset, "iterations": 6 if preset == "paper" else 25}
        side = 32 if preset == "paper" else 48
        yield f"denoise {preset}", gaussian(side, side), n, {}
        yield f"photons {preset}", photons(side, side), n, {}
        yield f"inpaint {preset}", gaussian(side, side), inpaint | n, {"mask": gaps(side, side)}
        yield f"hole {preset}", gaussian(side, side), inpaint | n, {"mask": hole(side, side)}
        yield f"super-resolve {preset}", gaussian(side // 2, side // 2), large | n, {}
        yield f"axial {preset}", photons(8, 16, 24), axial | n, {"axes": "ZYX"}
        yield f"stack {preset}", photons(5, side, side), n, {"axes": "ZYX"}
        yield f"colour {preset}", np.stack([photons(side, side)] * 3, -1), n, {"axes": "YXS"}
    n = {"iterations": 25}
    yield "denoise to the stop", gaussian(40, 44), {}, {}
    yield "correlated noise", correlated(64, 64), n, {}
    yield "noise none", gaussian(48, 48), n | {"noise": "none"}, {}
    yield "noise gaussian", photons(48, 48), n | {"noise": "gaussian"}, {}
    known = SensorNoise(gain=1, offset=100, read=1)
    yield "noise of a sensor", photons(48, 48), n | {"noise": known}, {}
    yield "axial, noise given", photons(8, 16, 24), n | axial | {"noise": 5.0}, {"axes": "ZYX"}
    yield "channels jointly", photons(3, 48, 48), n | {"share": "C"}, {"axes": "CYX"}
    yield "channels each", photons(3, 40, 40), n, {"axes": "CYX"}
    yield "volume", photons(6, 32, 32), n | {"ndim": 3}, {"axes": "ZYX"}
    voxels = n | {"ndim": 3, "voxel": (4.0, 1.0, 1.0)}
    yield "anisotropic volume", photons(6, 32, 32), voxels, {"axes": "ZYX"}
    yield "drift", drifting(4, 56), n, {"axes": "TYX"}
    yield "padding", padded(56, 56), n, {}
    yield "nan", with_nan(48, 48), n, {}
    yield "stack with gaps", with_nan(4, 40, 40), n, {"axes": "ZYX"}
    yield "inpaint a stack", gaussian(4, 40, 40), inpaint, {"mask": gaps(40, 40), "axes": "TYX"}
    free = n | {"task": Inpaint(keep_known=False)}
    yield "inpaint and denoise", gaussian(48, 48), free, {"mask": gaps(48, 48)}
    yield "deconvolve", gaussian(40, 40), n, {"psf": psf}
    yield "super-resolve and deconvolve", gaussian(20, 20), n | large, {"psf": psf}
    small = {"ndim": 3, "iterations": 6}
    yield "super-resolve a volume", photons(4, 10, 10), large | small, {"axes": "ZYX"}
    yield "tiles", photons(90, 130), n | {"tile": 64, "overlap": 16}, {}
    yield "members", gaussian(40, 40), n | {"members": 3, "at_once": 2}, {}
    yield "no refinement", gaussian(40, 40), n | {"refinement": 0}, {}
    yield (
        "window with context",
        photons(7, 32, 32),
        n | {"window": 3, "context": 1},
        {"axes": "TYX"},
    )
    blocks = n | {"task": Denoise(artefact="jpeg"), "preset": "paper"}
    yield "jpeg paper", (255 * scene(32, 32)).astype(np.uint8), blocks, {}
    for rule in ("es-wmv", "es-emv", "held-out", "discrepancy", "consensus"):
        yield f"rule {rule}", gaussian(40, 40), n | {"stopping": rule}, {}
    for network in ("skip-half", "hourglass", "encoder-decoder-4", "unet", "resnet", "pixels"):
        prior = {"iterations": 5, "prior": network}
        yield f"network {network}", gaussian(32, 32), prior, {}
    yield "bfloat16", gaussian(48, 48), n | {"precision": "bfloat16"}, {}


def digest(*parts: Any) -> str:
    """Hash arrays and numbers."""
    whole = hashlib.blake2b(digest_size=12)
    for part in parts:
        if isinstance(part, np.ndarray):
            whole.update(f"{part.shape} {part.dtype}".encode())
            part = np.ascontiguousarray(part).tobytes()
        whole.update(part if isinstance(part, bytes) else str(part).encode())
    return whole.hexdigest()


def restored(image: np.ndarray, settings: dict[str, Any], others: dict[str, Any]) -> str:
    """Restore an image; hash the result, the previews' number and the iterations."""
    run, previews = restore(image, Settings(**SHORT | settings), **others), 0
    while True:
        try:
            previews += next(run).image is not None
        except StopIteration as end:
            result = end.value
            break
    ends = [(one.iterations, one.best_iteration, one.loss) for one in result.reports]
    spread = () if result.uncertainty is None else (np.asarray(result.uncertainty),)
    return digest(np.asarray(result.image), *spread, ends)


def through_the_shell() -> Iterator[tuple[str, str]]:
    """Restore files with the command line, and hash what was written."""
    from typer.testing import CliRunner

    from napari_dip.cli.app import app

    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "stack.tif"
        axes = {"axes": "TCYX"}
        tifffile.imwrite(source, photons(2, 2, 32, 32), imagej=True, metadata=axes)
        common = ["--iterations", "10", "--seed", "3", "--device", "cpu"]
        for name in ("out.tif", "out.zarr"):
            target = Path(folder) / name
            run = CliRunner().invoke(app, ["denoise", str(source), str(target), *common])
            assert run.exit_code == 0, run.output
            if target.suffix == ".tif":
                yield "shell tif", digest(tifffile.imread(target))
            else:
                import zarr

                yield "shell zarr", digest(np.asarray(zarr.open_group(target, mode="r")["0"]))


def digests(part: str) -> Iterator[tuple[str, str]]:
    """Run the cases whose name contains a text."""
    for name, image, settings, others in cases():
        if part in name:
            yield name, restored(image, settings, others)
    if part in "shell":
        yield from through_the_shell()


def main() -> int:
    """Record, or compare."""
    if len(sys.argv) not in (3, 4) or sys.argv[1] not in ("record", "compare"):
        print(__doc__)
        return 2
    record, part = Path(sys.argv[2]), "".join(sys.argv[3:])
    expected = json.loads(record.read_text()) if sys.argv[1] == "compare" else {}
    found: dict[str, str] = {}
    began = time.monotonic()
    for name, value in digests(part):
        found[name] = value
        print(f"{time.monotonic() - began:6.0f} s  {name}", flush=True)
        if not expected:
            record.write_text(json.dumps(found, indent=1))
        elif expected.get(name) != value:
            print(f"{name}: {expected.get(name, 'not in the record')} before, {value} now")
    changed = sum(expected.get(name) != value for name, value in found.items()) if expected else 0
    missing = [] if part else sorted(set(expected) - set(found))
    print(f"{len(found)} runs in {time.monotonic() - began:.0f} s, {changed} differ", *missing)
    return 1 if changed or missing else 0


if __name__ == "__main__":
    sys.exit(main())
