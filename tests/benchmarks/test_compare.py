"""The order of the comparison, and what it measures in gaps."""

from __future__ import annotations

import numpy as np
import pytest


@pytest.fixture
def case(scripts):
    from cases import with_gaps

    truth = np.random.default_rng(0).uniform(0, 255, (32, 32))
    missing = np.zeros(truth.shape, dtype=bool)
    missing[10:20, 10:20] = True
    return with_gaps("made up", truth, missing)


def test_slow_methods_take_each_group_in_turn(scripts):
    from compare import work

    found = work({"one": ["a", "b"], "two": ["c"]}, ["fast", "best", "ZS-N2N"])
    assert [*found] == [
        ("fast", "a"), ("fast", "b"), ("fast", "c"),
        ("best", "a"), ("best", "c"), ("ZS-N2N", "a"), ("ZS-N2N", "c"),
        ("best", "b"), ("ZS-N2N", "b"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("method", "kind"),
    [
        ("filter alone", "inpaint"),
        ("noisy input", "super-resolve"),
        ("VST + BM3D", "inpaint"),
        ("bicubic", "denoise"),
    ],
)
def test_methods_of_other_tasks_are_left_out(scripts, method, kind):
    from compare import method_of

    assert method_of(method, kind) is None


def test_known_pixels_do_not_count_in_gaps(case):
    from metrics import quality

    image = case.truth + 10.0 * case.missing
    spoilt = np.where(case.missing, image, 128)
    assert quality(case, image)["psnr"] == pytest.approx(20 * np.log10(255 / 10), abs=0.5)
    assert quality(case, spoilt)["psnr"] == quality(case, image)["psnr"]
