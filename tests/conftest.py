"""Share small images among the tests, and isolate the tests from the user's settings."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

# Set before napari, Qt or torch are imported, here or in a subprocess of a test.
os.environ["NAPARI_CONFIG"] = ""  # napari does not use the user's settings
os.environ.setdefault("QT_API", "pyqt6")
# A second thread does not help with images this small.
os.environ["OMP_NUM_THREADS"] = "1"
# The arithmetic is measured once in a session; the user's cache is not used.
if "PYTEST_XDIST_WORKER" not in os.environ:  # workers inherit the folder of their parent
    os.environ["XDG_CACHE_HOME"] = tempfile.mkdtemp(prefix="napari-dip-tests-")

import hypothesis
import numpy as np
import pytest
from numpy.typing import NDArray
from skimage import data

pytest.register_assert_rewrite("example_files", "example_zarr")

hypothesis.settings.register_profile(
    "tests", max_examples=25, deadline=None, derandomize=True, database=None
)
hypothesis.settings.register_profile("fuzz", max_examples=1000, deadline=None, print_blob=True)
hypothesis.settings.load_profile("tests")  # --hypothesis-profile=fuzz overrides it

SHARED_DATA = Path(__file__).parents[2] / "shared" / "data"
EXAMPLES = Path(__file__).parents[1] / "docs" / "examples"


@pytest.fixture
def clean() -> NDArray[np.float32]:
    """A part of scikit-image's cameraman, 48x56, in 0..1: sky, edges and texture."""
    return data.camera()[80:272:4, 160:384:4].astype(np.float32) / 255


@pytest.fixture
def noisy(clean: NDArray[np.float32]) -> NDArray[np.float32]:
    """`clean` with Gaussian noise of sigma 25/255, not clipped."""
    noise = np.random.default_rng(0).normal(0, 25 / 255, clean.shape)
    return clean + noise.astype(np.float32)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of evaluation images, or skip the test."""
    if not SHARED_DATA.is_dir():
        pytest.skip("the evaluation images are missing (../shared/data)")
    return SHARED_DATA


@pytest.fixture
def installed(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., None]]:
    """Install a package whose entry points name modules, such as those of docs/examples."""
    from napari_dip.extensions import load_extensions
    from napari_dip.settings import NETWORKS, RULES, TASKS

    tables: list[dict[str, Any]] = [RULES, NETWORKS, TASKS]
    before = [dict(table) for table in tables]
    names: list[str] = []

    def install(*modules: str) -> None:
        names.extend(modules)
        forget(modules)
        site = tmp_path_factory.mktemp("site")
        (site / "own-1.dist-info").mkdir()
        (site / "own-1.dist-info/METADATA").write_text("Metadata-Version: 2.1\nName: own\n")
        points = "".join(f"{module} = {module}\n" for module in modules)
        (site / "own-1.dist-info/entry_points.txt").write_text(f"[napari_dip]\n{points}")
        monkeypatch.syspath_prepend(site)
        monkeypatch.syspath_prepend(EXAMPLES)

    def forget(modules: Iterable[str]) -> None:
        """Make the next use import the modules again."""
        load_extensions.cache_clear()
        for module in modules:
            sys.modules.pop(module, None)

    yield install
    forget(names)
    for table, rows in zip(tables, before, strict=True):
        table.clear()
        table.update(rows)
