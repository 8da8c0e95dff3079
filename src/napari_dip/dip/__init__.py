"""One fit: operators, objective, optimisers, stopping rules and the loop."""

import napari_dip.compute  # noqa: F401 - it sets how threads wait, before torch is loaded
