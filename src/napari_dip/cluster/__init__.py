"""The same plan on many processes and machines, by dask.distributed."""
