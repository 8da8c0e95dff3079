"""Start workers as SLURM jobs."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from napari_dip.cluster.pool import require_package, temporary_keys
from napari_dip.errors import BadSettings, FileProblem, NapariDipError
from napari_dip.files.read_errors import read_small
from napari_dip.plaintext import shortened

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["read_slurm_file", "start_slurm_jobs"]

MAX_JOBS = 10_000  # jobs: a larger number is a typing error


@contextmanager
def start_slurm_jobs(path: Path) -> Iterator[Any]:
    """Run a cluster of SLURM jobs while the body runs.

    Parameters
    ----------
    path
        YAML file with ``jobs``, their number, and keywords of dask-jobqueue's ``SLURMCluster``.

    Yields
    ------
    SLURMCluster

    Raises
    ------
    BadSettings, FileProblem
        If the file or one of its keywords is not valid, or dask-jobqueue is not installed.
    """
    keywords, jobs = read_slurm_file(path)
    jobqueue = require_package("dask_jobqueue", "slurm", "--slurm")
    with _make_cluster(jobqueue, path, keywords) as cluster:
        cluster.scale(jobs=jobs)
        yield cluster


def read_slurm_file(path: Path) -> tuple[dict[str, Any], int]:
    """Read the keywords of ``SLURMCluster``, and the number of jobs."""
    import yaml

    try:
        content = yaml.safe_load(read_small(path))
    except NapariDipError:
        raise
    except Exception as error:  # YAML, or a date, a number or a depth that it cannot read
        raise FileProblem(f"{path} is not YAML ({shortened(error)}); check its lines") from error
    jobs = content.pop("jobs", None) if isinstance(content, dict) else None
    if not isinstance(jobs, int) or isinstance(jobs, bool) or not 1 <= jobs <= MAX_JOBS:
        raise BadSettings(
            f"{path}: give `jobs: N`, the number of jobs, from 1 to {MAX_JOBS}, beside the "
            "keywords of SLURMCluster"
        )
    return content, jobs


def _make_cluster(jobqueue: Any, path: Path, keywords: dict[str, Any]) -> Any:
    """Make the cluster; its jobs talk by TLS unless the file says ``security: false``."""
    import dask

    if keywords.setdefault("security", True) is False:
        del keywords["security"]
    elif keywords["security"] is True:
        keywords["security"] = temporary_keys("--slurm")
        if dask.config.get("jobqueue.slurm.shared-temp-directory", None) is None:
            # The jobs read their keys here; only their user may.
            keywords.setdefault("shared_temp_directory", str(path.home()))
    try:
        return jobqueue.SLURMCluster(**keywords)
    except Exception as error:
        raise BadSettings(
            f"{path}: SLURMCluster rejects it ({type(error).__name__}: {shortened(error)}); "
            "check its keywords"
        ) from error
