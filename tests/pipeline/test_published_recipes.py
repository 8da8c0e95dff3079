"""Test that ``paper`` is the published table, line by line."""

import pytest

from napari_dip.pipeline.presets import recipe
from napari_dip.settings import Denoise, Fixed, Inpaint, Settings, SuperResolve

WIDE = (128,) * 5
GROWING = (16, 32, 64, 128, 128, 128)


@pytest.mark.parametrize(
    ("task", "known", "expected"),
    [
        pytest.param(
            Denoise(),
            {"sigma": 25 / 255},
            (WIDE, (4,) * 5, "bilinear", 0.01, 1 / 30, 1800, "noise", 32),
            id="sigma-25",
        ),
        pytest.param(
            Denoise(),
            {"sigma": 50 / 255},
            (WIDE, (4,) * 5, "bilinear", 0.01, 1 / 20, 1800, "noise", 32),
            id="sigma-50",
        ),
        pytest.param(
            Denoise(artefact="jpeg"),
            {},
            ((8, 16, 32, 64, 128), (0, 0, 0, 4, 4), "bilinear", 0.01, 1 / 30, 2400, "noise", 3),
            id="jpeg",
        ),
        pytest.param(
            SuperResolve(factor=4),
            {},
            (WIDE, (4,) * 5, "bilinear", 0.01, 0.03, 2000, "noise", 32),
            id="x4",
        ),
        pytest.param(
            SuperResolve(factor=8),
            {},
            (WIDE, (4,) * 5, "bilinear", 0.01, 0.05, 4000, "noise", 32),
            id="x8",
        ),
        pytest.param(
            Inpaint(),
            {"hole": "scratches"},
            (WIDE, (128,) * 5, "nearest", 0.01, 0.03, 6000, "noise", 32),
            id="scratches",
        ),
        pytest.param(
            Inpaint(),
            {"hole": "hole"},
            (WIDE, (0,) * 5, "nearest", 0.01, 0.03, 5000, "meshgrid", 2),
            id="hole",
        ),
        pytest.param(
            Inpaint(),
            {"hole": "large-hole"},
            (GROWING, (0,) * 6, "nearest", 0.01, 0, 3000, "noise", 1),
            id="large-hole",
        ),
        pytest.param(
            Inpaint(),
            {"hole": "pixels"},
            (WIDE, (4,) * 5, "bilinear", 0.001, 0.03, 11000, "noise", 32),
            id="pixels",
        ),
    ],
)
def test_paper_follows_the_published_table(task, known, expected):
    chosen = recipe(Settings(task=task, preset="paper"), **known)
    net = chosen.network
    found = (
        net.down,
        net.skip,
        net.upsampling,
        chosen.learning_rate,
        chosen.code_noise,
        chosen.iterations,
        chosen.code,
        chosen.code_channels,
    )
    assert found == expected
    assert net.up == net.down
    assert net.padding == "reflect"
    assert (chosen.averaging, chosen.tv_weight, chosen.stopping) == (0.99, 0, Fixed())
