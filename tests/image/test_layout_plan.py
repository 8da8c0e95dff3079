"""Layout and plan are chosen from shape and settings, or refused."""

import pytest

from napari_dip.compute import device
from napari_dip.errors import BadImage, BadSettings
from napari_dip.image import layout_plan
from napari_dip.image.axes import MIN_SIDE
from napari_dip.image.layout_plan import MAX_PLANES, choose_plan, make_layout
from napari_dip.settings import Settings, SuperResolve

CPU = {"device": "cpu", "axes": "ZYX"}
STACK = (12, 16, 18)


@pytest.mark.parametrize(
    ("settings", "spatial", "shared"),
    [
        pytest.param({}, "YX", "Z", id="planes"),
        pytest.param({"share": "none"}, "YX", "", id="separate"),
        pytest.param({"window": 1}, "YX", "", id="window-of-one"),
        pytest.param({"preset": "paper"}, "YX", "", id="paper"),
        pytest.param({"ndim": 3}, "ZYX", "", id="volume"),
        pytest.param({"task": SuperResolve(axis="Z")}, "ZX", "Y", id="sections"),
    ],
)
def test_settings_choose_the_fitted_axes(settings, spatial, shared):
    layout = make_layout(STACK, Settings(**CPU, **settings))
    assert (layout.spatial, layout.shared) == (spatial, shared)
    assert layout.is_section is (spatial == "ZX")
    assert layout.shares_planes is bool(shared)


def test_channels_that_share_are_no_planes():
    layout = make_layout((3, 16, 18), Settings(axes="CYX", share="C"))
    assert layout.shared == "C"
    assert not layout.shares_planes


@pytest.mark.parametrize(
    ("shape", "settings", "error", "words"),
    [
        pytest.param((5, 16, 18), {"axes": "TYX", "share": "Z"}, BadSettings, "share='Z'", id="z"),
        pytest.param((MAX_PLANES + 1, 8, 8), {"axes": "TYX"}, BadImage, "1000001", id="planes"),
        pytest.param((MIN_SIDE - 1, 18), {}, BadImage, "7 pixels along Y", id="small"),
        pytest.param((16, 18, 5), {"axes": "YXS"}, BadImage, "5 samples", id="samples"),
        pytest.param((16, 18), {"axes": "ZYX"}, BadImage, "names 3 axes", id="letters"),
    ],
)
def test_impossible_shapes_are_refused(shape, settings, error, words):
    with pytest.raises(error, match=words):
        make_layout(shape, Settings(**settings))


def test_windows_end_at_breaks_and_unknown_planes():
    settings = Settings(**CPU, window=12, context=0)
    layout = make_layout(STACK, settings)
    plan, _ = choose_plan(layout, settings, {(4,)}, "cpu", unknown={(8,)})
    windows = [unit.index[0] for unit in plan.units]
    assert windows == [slice(0, 4), slice(4, 8), slice(8, 9), slice(9, 12)]


def test_dissimilar_sections_still_share():
    settings = Settings(**CPU, task=SuperResolve(axis="Z"))
    layout = make_layout(STACK, settings)
    with_breaks, without = (
        choose_plan(layout, settings, breaks, "cpu")[0] for breaks in ({(4,), (9,)}, ())
    )
    assert with_breaks.units == without.units


def test_a_resumed_run_keeps_its_tiling(monkeypatch):
    monkeypatch.setattr(device, "free_bytes", lambda name: 0)
    settings = Settings(**CPU)
    plan, _ = choose_plan(make_layout(STACK, settings), settings, (), "cpu", tiling=(3, 64, 2))
    assert (plan.window, plan.tile, plan.at_once) == (3, 64, 2)


def test_little_memory_makes_windows_smaller(monkeypatch):
    def up_to_six_channels(settings, layout, channels, *_):
        if channels > 6:
            raise BadSettings("too little memory")

    monkeypatch.setattr(layout_plan, "choose_tile", up_to_six_channels)
    settings = Settings(**CPU, context=0)
    layout = make_layout((40, 16, 18), settings)
    plan, _ = choose_plan(layout, settings, device="cpu")
    assert 3 <= plan.window <= 6
    with pytest.raises(BadSettings, match="too little memory"):
        choose_plan(layout, settings.replace(window=12), device="cpu")


def test_bfloat16_volumes_are_refused_on_a_cpu():
    settings = Settings(**CPU, ndim=3, precision="bfloat16")
    with pytest.raises(BadSettings, match="precision='bfloat16' with ndim=3"):
        choose_plan(make_layout(STACK, settings), settings, device="cpu")
