"""Filter images and stacks by groups of similar patches, with or without the estimate of a fit."""

import napari_dip.compute  # noqa: F401 - sets the OpenMP variables, before torch is loaded
