"""Where a fit runs: device, threads, precision, CUDA graphs, concurrency."""

import napari_dip.compute.openmp  # noqa: F401 - it must come before torch
