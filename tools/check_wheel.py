"""Build the wheel, check its content, and use it without Qt and napari."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
REQUIRED_FILES = {"napari_dip/napari.yaml", "napari_dip/py.typed"}
FORBIDDEN_PACKAGES = ("napari", "PyQt5", "PyQt6", "PySide2", "PySide6")

# The new environment runs these programs.
MAKE_IMAGE = """
import numpy, tifffile
y, x = numpy.mgrid[:40, :48]
noise = numpy.random.default_rng(0).normal(0, 250, y.shape)
image = 2000 + 1000 * (((x // 12) + (y // 10)) % 2) + noise
tifffile.imwrite("noisy.tif", image.astype("uint16"))
"""
CHECK_RESULT = """
import numpy, tifffile
before, after = tifffile.imread("noisy.tif"), tifffile.imread("restored.tif")
assert (after.shape, after.dtype) == (before.shape, before.dtype), (after.shape, after.dtype)
assert not numpy.array_equal(after, before), "the image is unchanged"
"""
FIND_QT = f"""
from importlib.util import find_spec
found = [name for name in {FORBIDDEN_PACKAGES} if find_spec(name)]
assert not found, f"the base dependencies include {{found}}"
"""


def run(*command: str | Path, cwd: Path = ROOT) -> str:
    print("$", *command[:1], *(part for part in command[1:] if "\n" not in str(part)), flush=True)
    # PYTHONPATH could include the source tree.
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(command, cwd=cwd, env=clean, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        print(done.stdout)
        sys.exit(f"{command[0]} ended with exit code {done.returncode}")
    return done.stdout


def build() -> Path:
    """Build the sdist and, from it, the wheel, as for a release."""
    dist = ROOT / "dist"
    shutil.rmtree(dist, ignore_errors=True)
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", dist)
    run(sys.executable, "-m", "twine", "check", "--strict", *dist.iterdir())
    (wheel,) = dist.glob("*.whl")
    missing = REQUIRED_FILES - set(zipfile.ZipFile(wheel).namelist())
    if missing:
        sys.exit(f"{wheel.name} lacks {', '.join(sorted(missing))}")
    return wheel


def use(wheel: Path, folder: Path) -> None:
    venv.create(folder / "env", with_pip=False)
    scripts = folder / "env" / ("Scripts" if os.name == "nt" else "bin")
    python, command = scripts / "python", scripts / "napari-dip"
    pip = [sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check"]
    # --no-compile: only a few hundred of torch's thousands of files are imported.
    run(*pip, "install", "--quiet", "--no-compile", "-c", "constraints.txt", wheel)
    run(*pip, "check")
    run(python, "-c", FIND_QT, cwd=folder)
    run(command, "--help", cwd=folder)
    versions = json.loads(run(command, "info", "--json", cwd=folder))["versions"]
    print(versions)
    run(python, "-c", MAKE_IMAGE, cwd=folder)
    run(command, "denoise", "noisy.tif", "restored.tif", "--iterations", "5", cwd=folder)
    run(python, "-c", CHECK_RESULT, cwd=folder)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        use(build(), Path(folder))
    print("The wheel works without Qt and napari.")
