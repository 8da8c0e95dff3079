"""Restore the units of an image on many processes and machines with dask.distributed."""
