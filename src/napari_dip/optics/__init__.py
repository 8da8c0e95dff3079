"""Point spread functions: computed from the optics, Gaussian, or measured. numpy and scipy only."""
