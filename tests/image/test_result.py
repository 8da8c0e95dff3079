"""A result is continued and recorded, and its reports say how the fits ended."""

import json

import numpy as np
import pytest

import napari_dip
from napari_dip import Settings, restore
from napari_dip.errors import BadSettings
from napari_dip.generators import finished
from napari_dip.image.unit_report import UnitReport

QUICK = {"device": "cpu", "iterations": 3}
PLAIN = {"device": "cpu", "axes": "YX", "refinement": 0, "members": 1}


def finish(restoration):
    snapshots = []
    return snapshots, finished(restoration, snapshots.append)


@pytest.mark.parametrize(
    "stopping",
    [
        "consensus",
        *(
            pytest.param(rule, marks=pytest.mark.slow)
            for rule in ("fixed", "es-wmv", "es-emv", "held-out", "discrepancy")
        ),
    ],
)
def test_the_result_says_which_rule_stopped_it(noisy, stopping):
    never = {"rule": "consensus", "patience": 200} if stopping == "consensus" else stopping
    settings = Settings(stopping=never, device="cpu", iterations=110, prior="skip-half")
    _, result = finish(restore(noisy[:16, :16], settings))
    (report,) = result.reports
    assert report.rule == stopping
    assert 1 <= report.best_iteration <= report.iterations == report.metric[-1][0] == 110
    json.dumps(result.provenance(), allow_nan=False)
    assert report.reason == "all 110 iterations done"


def test_provenance_is_json_and_repeats_the_run(noisy):
    _, result = finish(restore(noisy, Settings(seed=8, **QUICK)))
    record = json.loads(json.dumps(result.provenance()))
    assert record["napari-dip"] == napari_dip.__version__
    assert set(record["versions"]) == {"python", "torch", "numpy", "scipy"}
    assert record["stop_reason"] == "all 3 iterations done"
    again = Settings.from_json(json.dumps(record["settings"]))
    assert np.array_equal(finish(restore(noisy, again))[1].image, result.image)


@pytest.mark.parametrize(
    "how",
    [
        pytest.param({"task": "denoise"}, id="denoise"),
        # What is noisy would be denoised first, by so many iterations, too.
        pytest.param(
            {"task": "super-resolve", "noise": "none"}, id="super-resolve", marks=pytest.mark.slow
        ),
        pytest.param({"preset": "best", "members": 1}, id="best", marks=pytest.mark.slow),
    ],
)
def test_continuing_gives_the_bytes_of_one_run(noisy, how):
    noisy = noisy[:24, :32]
    asked = Settings(**how, stopping="fixed", iterations=20, device="cpu")
    whole = finish(restore(noisy, asked))[1]
    first = finish(restore(noisy, asked.replace(iterations=10), keep_network=True))[1]
    before = first.image.copy()
    snapshots, continued = finish(first.continued(10))
    assert np.array_equal(continued.image, whole.image)
    assert np.array_equal(first.image, before)
    assert snapshots[0].iteration > 10
    assert snapshots[-1].iterations == 20
    assert continued.reports[0].iterations == 20
    assert continued.elapsed_s > first.elapsed_s
    assert continued.provenance()["continued_at"] == [10]
    assert not continued.final
    with pytest.raises(BadSettings, match="the later result"):
        first.continued(1)


def test_a_continued_fit_reports_its_stages(noisy):
    stages = []
    first = finish(restore(noisy, Settings(iterations=1, device="cpu"), keep_network=True))[1]
    finish(first.continued(1, report=lambda stage, done: stages.append(stage)))
    assert stages[0] == "fit"
    assert "filter" in stages


@pytest.mark.parametrize(
    ("image", "settings", "why"),
    [
        (np.zeros((2, 16, 16)), {"share": "none"}, "network of its own"),
        (np.zeros((1, 16, 16)), {"members": 2}, "several fits"),
        (np.zeros((1, 66, 66)), {"tile": 64, "overlap": 2}, "tiles"),
    ],
    ids=["units", "members", "tiles"],
)
def test_results_of_several_networks_cannot_continue(image, settings, why):
    image = image + np.random.default_rng(0).normal(size=image.shape)
    asked = Settings(iterations=2, axes="ZYX", device="cpu", **settings)
    result = finish(restore(image, asked, keep_network=True))[1]
    assert why in result.final
    report = result.reports[0]
    tiles, members = (4 if "tile" in settings else 1), settings.get("members", 1)
    assert (report.tiles, report.members) == (tiles, members)
    with pytest.raises(BadSettings, match=why):
        result.continued(1)


def test_a_network_is_kept_on_request_alone(noisy):
    result = finish(restore(noisy, Settings(iterations=2, device="cpu")))[1]
    with pytest.raises(BadSettings, match="not kept"):
        result.continued(1)


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
    settings = Settings(stopping=stopping, noise=0.9, iterations=20, **PLAIN)
    _, result = finish(restore(noisy, settings, keep_network=True))
    assert result.reports[0].stopped_early is early
    _, continued = finish(result.continued(2))
    assert not continued.reports[0].stopped_early
