"""Set how OpenMP's threads wait, before torch is loaded."""

import os

# OpenMP's threads spin while they wait for each other. Without a limit, an iteration takes tens of
# times longer beside a viewer or another busy program. Without spinning, half of an iteration is
# spent on waking threads. 100,000 rounds, about a tenth of a millisecond, are as fast as no limit
# on a quiet machine (benchmarks/NOTES.md, "Cost of an iteration"). The variables have an effect
# only before torch is loaded. A value that the user has set is kept.
_OPENMP = {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "100000"}
_set_here = {
    name: value
    for name, value in _OPENMP.items()
    if "OMP_WAIT_POLICY" not in os.environ and name not in os.environ
}
os.environ.update(_set_here)


def unset_openmp_variables() -> None:
    """Remove the variables from the environment after torch is loaded.

    OpenMP reads them only once, and processes that the host starts later must not inherit them. A
    variable that another module has changed since is kept.

    Examples
    --------
    >>> unset_openmp_variables()
    >>> unset_openmp_variables()  # a second call has no effect
    """
    for name, value in _set_here.items():
        if os.environ.get(name) == value:
            del os.environ[name]
    _set_here.clear()
