"""Choose and use devices: threads, CUDA graphs, concurrent fits, measured run times."""

import napari_dip.compute.openmp  # noqa: F401 - sets the OpenMP variables, before torch is loaded
