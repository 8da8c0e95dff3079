"""The network f_theta and its input code z: torch modules, nothing that trains."""

import napari_dip.compute  # noqa: F401 - it sets how threads wait, before torch is loaded
