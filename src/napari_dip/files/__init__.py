"""Images on the disk: read piece by piece, written unit by unit, gone on with after a kill."""
