"""Run restorations and change the layers of the viewer, without widgets."""
