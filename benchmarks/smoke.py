"""Speed, memory and the forecast, on two kinds of processors, in a few minutes.

    python benchmarks/smoke.py

Each measurement runs twice: as the machine is, and with torch and oneDNN limited to the AVX2
instructions of most laptops.
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
    for name, limits in (("as this machine is", {}), ("AVX2 instructions alone", AVX2)):
        print(f"---- {name}", flush=True)
        for script, *options in MEASUREMENTS:
            command = [sys.executable, str(here / script), *options]
            subprocess.run(command, env=os.environ | limits, check=True)


if __name__ == "__main__":
    main()
