"""Build the network f_theta and its input code z; nothing is trained here."""

import napari_dip.compute  # noqa: F401 - sets the OpenMP variables, before torch is loaded
