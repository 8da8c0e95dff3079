"""The report of a unit says how its fit ended."""

import numpy as np
import pytest

from napari_dip import Settings, restore
from napari_dip.generators import finished
from napari_dip.image.result import UnitReport

QUICK = {"device": "cpu", "axes": "YX", "refinement": 0, "members": 1}


@pytest.mark.parametrize(
    ("iterations", "most", "stopped_by_user", "early"),
    [(7, 20, False, True), (20, 20, False, False), (0, 20, False, False), (7, 20, True, False)],
)
def test_only_a_rule_stops_early(iterations, most, stopped_by_user, early):
    report = UnitReport(
        (),
        "a reason",
        iterations=iterations,
        most_iterations=most,
        stopped_by_user=stopped_by_user,
    )
    assert report.stopped_early is early


@pytest.mark.parametrize(("stopping", "early"), [("fixed", False), ("discrepancy", True)])
def test_a_rule_ends_a_real_fit_early(stopping, early, noisy):
    settings = Settings(stopping=stopping, noise=0.9, iterations=20, **QUICK)
    result = finished(restore(noisy, settings, keep_network=True))
    assert result.reports[0].stopped_early is early
    continued = finished(result.continued(2))
    assert not continued.reports[0].stopped_early


def test_a_constant_image_is_not_stopped():
    result = finished(restore(np.ones((16, 16)), Settings(**QUICK)))
    assert not result.reports[0].stopped_early
