"""Measure speed, memory and the forecast with all instructions and with AVX2, in a few minutes.

    python benchmarks/smoke.py

The second run limits torch and oneDNN to AVX2, which most laptops have.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

AVX2 = {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2"}
MEASUREMENTS = (["speed.py", "--smoke"], ["forecast.py"])


def main() -> None:
    here = Path(__file__).parent
    for name, limits in (("all instructions", {}), ("AVX2 only", AVX2)):
        print(f"---- {name}", flush=True)
        for script, *options in MEASUREMENTS:
            command = [sys.executable, str(here / script), *options]
            subprocess.run(command, env=os.environ | limits, check=True)


if __name__ == "__main__":
    main()
