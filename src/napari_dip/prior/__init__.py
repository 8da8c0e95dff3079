"""One block, one network: the prior, its optimiser, its operators and its stopping."""

import os

# OpenMP's threads spin while they wait for each other. Beside a viewer, or any other busy program,
# an iteration then takes tens of times longer (benchmarks/NOTES.md); asleep they do no harm. It
# counts only if torch is not loaded yet, and whoever has set it keeps it.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
