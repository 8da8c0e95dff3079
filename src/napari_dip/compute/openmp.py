"""How OpenMP's threads wait: set before torch is loaded, and taken back after."""

import os

# OpenMP's threads spin while they wait for each other. For ever, and beside a viewer or any other
# busy program an iteration takes tens of times longer; not at all, and waking them takes half of
# it (benchmarks/NOTES.md). So they spin for a tenth of a millisecond and then sleep. It counts only
# if torch is not loaded yet, and whoever has set either keeps it.
_OPENMP = {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "100000"}
_set_here = {
    name: value
    for name, value in _OPENMP.items()
    if "OMP_WAIT_POLICY" not in os.environ and name not in os.environ
}
os.environ.update(_set_here)


def unset_openmp_variables() -> None:
    """Take them out of the environment once torch is loaded: OpenMP reads them only then.

    What the host process starts later does not inherit them.
    """
    for name, value in _set_here.items():
        if os.environ.get(name) == value:
            del os.environ[name]
    _set_here.clear()
