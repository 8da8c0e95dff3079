"""One block, one network: the prior, its optimiser, its operators and its stopping."""

import os

# OpenMP's threads spin while they wait for each other. For ever, and beside a viewer or any other
# busy program an iteration takes tens of times longer; not at all, and waking them takes half of
# it (benchmarks/NOTES.md). So they spin for a tenth of a millisecond and then sleep. It counts only
# if torch is not loaded yet, and whoever has set either keeps it.
if "OMP_WAIT_POLICY" not in os.environ:
    os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
    os.environ.setdefault("GOMP_SPINCOUNT", "100000")
