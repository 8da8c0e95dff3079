"""Non-local filters of images and stacks, with or without the estimate of a fit."""

import napari_dip.compute  # noqa: F401 - it sets how threads wait, before torch is loaded
