"""Install the Debian packages that venv, Qt and OpenGL need.

Run ``python3 tools/system.py venv qt``. As root it installs the missing packages; otherwise it
prints the command to type and fails. Without apt-get it does nothing.
"""

import ctypes
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec

# Libraries that PyQt6's xcb platform plugin and OpenGL load, and their packages. Debian renamed
# packages such as libglib2.0-0 to libglib2.0-0t64, so check the library; apt-get knows both names.
LIBRARIES = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libGLX_mesa.so.0": "libglx-mesa0",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-randr.so.0": "libxcb-randr0",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-xinerama.so.0": "libxcb-xinerama0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
}


def missing_for_venv() -> list[str]:
    """Return the package that Debian's python3 needs for a working venv."""
    return [] if find_spec("ensurepip") and find_spec("venv") else ["python3-venv"]


def missing_for_qt() -> list[str]:
    missing = [package for name, package in LIBRARIES.items() if not _loads(name)]
    return missing if shutil.which("Xvfb") else ["xvfb", *missing]


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def install(packages: list[str]) -> int:
    apt = ["apt-get", "install", "--yes", "--no-install-recommends", *packages]
    may, sudo = os.geteuid() == 0, []
    if not may and shutil.which("sudo"):
        sudo = ["sudo", "--non-interactive"]
        may = subprocess.run([*sudo, "true"], capture_output=True).returncode == 0
    if not may:
        print(
            "These Debian packages are missing, and only root can install them. Type\n\n"
            f"    sudo apt-get update && sudo {' '.join(apt)}\n\nand then call make again.",
            file=sys.stderr,
        )
        return 1
    sudo += ["env", "DEBIAN_FRONTEND=noninteractive"]
    print("Installing", *packages, flush=True)
    # The install can work even if a part of the update fails, such as a third-party list.
    subprocess.run([*sudo, "apt-get", "update", "--quiet", "--quiet"])
    return subprocess.run([*sudo, *apt]).returncode


def main(*purposes: str) -> int:
    if sys.version_info < (3, 11):
        print(
            f"napari-dip needs Python 3.11 or newer and {sys.executable} is "
            f"{sys.version.split()[0]}: call for example make PYTHON=python3.12",
            file=sys.stderr,
        )
        return 1
    if not shutil.which("apt-get"):
        return 0
    missing = {"venv": missing_for_venv, "qt": missing_for_qt}
    packages = [package for purpose in purposes for package in missing[purpose]()]
    return install(packages) if packages else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
