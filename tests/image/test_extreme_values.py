"""Extreme numbers give finite results in the range of the image, or an error that names them."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_dip import Settings, denoise, inpaint, restore, super_resolve
from napari_dip.errors import BadImage, BadSettings, InputError, NapariDipError
from napari_dip.generators import finished

KEEP = {"dtype": "keep"}
CPU = {"device": "cpu", "iterations": 2}
RANDOM = np.random.default_rng(0)
NOISY = RANDOM.poisson(30, (9, 10)).astype(np.float32)

BEYOND = [0.0, -1.0, 5e-324, 1e-320, 1e-300, 1e30, 1e300, np.inf, -np.inf, np.nan]
LARGE = [0, -1, 10**9, 10**18]
EXTREMES = {
    "iterations": [0, -1, 10**12],
    "noise": BEYOND,
    "noise.gain": BEYOND,
    "noise.offset": BEYOND[1:],
    "noise.read": BEYOND,
    "members": LARGE,
    "refinement": LARGE[1:],
    "prior.code_channels": LARGE,
    "prior.code_noise": BEYOND[1:],
    "prior.learning_rate": BEYOND,
    "prior.tv_weight": BEYOND[1:],
    "stopping.window": LARGE,
    "stopping.patience": [0, -1, 10**12],
    "stopping.fraction": BEYOND,
    "stopping.tau": BEYOND,
    "stopping.alpha": BEYOND,
    "stopping.share": BEYOND[1:],
    "averaging": BEYOND[1:],
    "voxel": BEYOND,
    "window": LARGE,
    "context": LARGE[1:],
    "tile": LARGE,
    "overlap": LARGE[1:],
    "memory": ["0 GB", "1e400GB", f"{10**400}GB", "-1GB", "nan GB"],
    "at_once": LARGE,
    "seed": [-1, 2**63, 10**30],
    "preview_every_s": BEYOND[1:],
}
RULES = {
    "window": "es-wmv",
    "patience": "held-out",
    "fraction": "held-out",
    "tau": "discrepancy",
    "alpha": "es-emv",
    "share": "consensus",
}


def asking(name, value):
    """Return the keywords that set one setting."""
    match name.split("."):
        case ["noise", own]:
            return {"noise": {"gain": 0.5, "read": 2.0, own: value}}
        case ["prior", own]:
            return {"prior": {own: value}}
        case ["stopping", own]:
            return {"stopping": {"rule": RULES[own], own: value}}
        case ["voxel"]:
            return {"voxel": (value, 1, 1), "ndim": 3, "axes": "ZYX"}
    return {name: value}


def named(name):
    return name.rpartition(".")[2]


@pytest.mark.parametrize("name", EXTREMES)
def test_extreme_settings_are_refused_or_harmless(name):
    stack = np.stack([NOISY] * 2)
    for value in EXTREMES[name]:
        asked = {"axes": "ZYX", **CPU, **asking(name, value)}
        try:
            result = finished(restore(stack, Settings(**asked)))
        except InputError as error:
            assert named(name) in str(error), f"{name}={value}: {error}"
        else:
            assert np.isfinite(result.image).all(), f"{name}={value}"


@pytest.mark.slow
@given(data=st.data())
def test_any_number_is_refused_or_harmless(data):
    name = data.draw(st.sampled_from(sorted(EXTREMES)))
    whole = isinstance(EXTREMES[name][0], int)
    value = data.draw(st.integers() if whole else st.floats())
    if name == "memory":
        value = f"{value} GB"
    asked = {"axes": "ZYX", **CPU, **asking(name, value)}
    if name == "iterations":
        asked["stopping"] = "consensus"
        asked["iterations"] = min(value, 20)
    try:
        result = finished(restore(np.stack([NOISY] * 2), Settings(**asked)))
    except InputError as error:
        assert named(name) in str(error)
    else:
        assert np.isfinite(result.image).all()


@pytest.mark.parametrize(
    ("noise", "word"),
    [
        pytest.param({"gain": 1.0, "offset": -1e100}, "offset", id="offset-far-below"),
        pytest.param({"gain": 1.0, "offset": 1e100}, "offset", id="offset-far-above"),
        pytest.param({"gain": 0, "read": 1e9}, "read", id="read"),
        pytest.param(1e9, "noise", id="number"),
    ],
)
def test_far_too_strong_noise_is_refused(noise, word):
    with pytest.raises(InputError, match=word):
        denoise(NOISY, noise=noise, **CPU)


@pytest.mark.parametrize("noise", [{"gain": 1e-100}, {"gain": 1e-100, "read": 3.0}, 1e-100])
def test_negligible_noise_does_no_harm(noise):
    restored = denoise(NOISY, noise=noise, **CPU)
    assert np.isfinite(restored).all()


@pytest.mark.parametrize(
    ("image", "keywords", "error", "words"),
    [
        pytest.param(np.full((9, 9), 1e300), {}, BadSettings, r"float32.*1e\+300", id="constant"),
        pytest.param(1e39 * NOISY.astype("f8"), {}, BadSettings, "cannot hold", id="large"),
        pytest.param(
            1e30 + NOISY.astype("f8") * 1e15, {}, BadSettings, "cannot distinguish", id="flat"
        ),
        pytest.param(
            np.where(NOISY > 40, 1e60, NOISY.astype("f8")),
            {},
            BadSettings,
            "cannot hold",
            id="spot",
        ),
        pytest.param(
            np.longdouble(10) ** 400 * NOISY, {"dtype": "keep"}, BadImage, "divide", id="ld"
        ),
        pytest.param(
            1e-200 * NOISY.astype("f8"), {"dtype": "keep"}, BadImage, "multiply", id="tiny"
        ),
    ],
)
def test_values_beyond_the_result_dtype_are_refused(image, keywords, error, words):
    with pytest.raises(error, match=words):
        denoise(image, **{"dtype": "float32"} | CPU | keywords)


@pytest.mark.parametrize(
    "image",
    [
        pytest.param((NOISY * 1400).clip(0, 65504).astype(np.float16), id="float16-near-its-end"),
        pytest.param((NOISY * 1e-6).astype(np.float16), id="float16-subnormal"),
        pytest.param(NOISY.astype("f8") * 1e140, id="float64-large"),
        pytest.param(NOISY.astype("f8") * 1e-140, id="float64-small"),
        pytest.param(NOISY * np.float32(1e36), id="float32-large"),
        pytest.param(NOISY * np.float32(1e-42), id="float32-subnormal"),
        pytest.param(NOISY.astype(np.uint64) << np.uint64(57), id="uint64"),
        pytest.param(NOISY.astype(np.longdouble), id="longdouble"),
        pytest.param(NOISY[..., None] > [20, 30, 40], id="bool-colours"),
    ],
)
@pytest.mark.filterwarnings("error")
def test_values_near_dtype_limits_are_kept(image):
    mask = np.zeros((9, 10), bool)
    mask[2:4, 3:5] = True
    for restored in (
        denoise(image, **CPU),
        inpaint(image, mask, **CPU),
        super_resolve(image, 2, **CPU),
    ):
        assert restored.dtype == image.dtype
        assert np.isfinite(restored).all()
        assert_in_range(restored, image)


@pytest.mark.parametrize(
    "image",
    [
        NOISY.astype(np.int64) + 2**60,
        NOISY.astype(np.uint64) + np.uint64(2**63),
        NOISY.astype(np.longdouble) * np.longdouble(2) ** -60 + 1,
    ],
    ids=["int64", "uint64", "longdouble"],
)
def test_values_that_a_float64_cannot_separate_are_refused(image):
    with pytest.raises(BadImage, match=r"subtract .* from the image first"):
        denoise(image, **CPU)
    assert np.ptp(denoise(image - image.min(), **CPU)) > 0


def assert_in_range(restored, image):
    """Check the range of the known values of each channel, with a margin of 5 % and rounding."""
    known = image[np.isfinite(image)].astype(np.float64)
    margin = 0.05 * np.ptp(known)
    margin += 1 if image.dtype.kind in "iu" else 1e-3 * np.abs(known).max()
    assert known.min() - margin <= restored.min()
    assert restored.max() <= known.max() + margin


TASKS = [{"kind": "denoise"}, {"kind": "inpaint"}] + [
    {"kind": "super-resolve", "factor": factor} for factor in (2, 5)
]


def example(dtype, shape, random, holes):
    """Return a gradient with Poisson noise, in a dtype."""
    values = random.poisson(1 + 50 * np.linspace(0, 1, shape[-1]) ** 2, shape)
    image = values > 20 if dtype == "bool" else values.astype(dtype)
    mask = random.random(shape[-2:]) < 0.1
    mask[0, 0] = True
    if holes and image.dtype.kind == "f":
        image[..., 3, 4:6] = np.nan
    return image, mask


SLOW = [pytest.param(preset, marks=pytest.mark.slow) for preset in ("best", "paper")]


@pytest.mark.parametrize("dtype", ["uint8", pytest.param("float32", marks=pytest.mark.slow)])
@pytest.mark.parametrize("preset", ["fast", *SLOW])
@pytest.mark.parametrize("task", TASKS, ids=lambda task: "-".join(map(str, task.values())))
def test_results_stay_in_the_range_of_the_image(task, preset, dtype):
    image, mask = example(dtype, (8, 11), np.random.default_rng(1), holes=True)
    settings = Settings(task=task, preset=preset, **CPU | {"iterations": 1})
    mask = mask if task["kind"] == "inpaint" else None
    assert_in_range(finished(restore(image, settings, mask=mask)).image, image)


@pytest.mark.slow
@given(
    task=st.sampled_from([*TASKS, {"kind": "super-resolve", "axis": "Z"}]),
    preset=st.sampled_from(["fast", "best", "paper"]),
    dtype=st.sampled_from(["bool", "u1", "i1", "u2", "i4", "u8", "f2", "f4", "f8"]),
    shape=st.tuples(st.integers(2, 3), st.integers(8, 20), st.integers(8, 20)),
    seed=st.integers(0, 2**31),
    iterations=st.integers(1, 4),
    ndim=st.sampled_from([2, 3]),
)
def test_results_of_any_shape_stay_in_range(task, preset, dtype, shape, seed, iterations, ndim):
    image, mask = example(dtype, shape, np.random.default_rng(seed), holes=seed % 2)
    ndim = 2 if "axis" in task else ndim
    asked = {"axes": "ZYX", "ndim": ndim, "seed": seed, "device": "cpu", "iterations": iterations}
    settings = Settings(task=task, preset=preset, **asked)
    result = finished(restore(image, settings, mask=mask if task["kind"] == "inpaint" else None))
    assert_in_range(result.image, image)


SMALL = [*TASKS, {"kind": "super-resolve", "factor": 8}]


@pytest.mark.parametrize(
    ("task", "preset", "ndim"),
    [
        pytest.param(
            task, preset, ndim, marks=[] if (preset, ndim) == ("fast", 2) else pytest.mark.slow
        )
        for task, preset, ndim in itertools.product(SMALL, ["fast", "best", "paper"], [2, 3])
    ],
)
def test_an_image_needs_eight_pixels_a_side(task, preset, ndim):
    settings = Settings(task=task, preset=preset, ndim=ndim, **CPU | {"iterations": 1})
    shape = (2, 8, 8) if ndim == 3 else (8, 8)
    settings = settings.replace(axes="ZYX" if ndim == 3 else "YX")
    image, mask = example("float32", shape, np.random.default_rng(0), holes=False)
    mask = mask if task["kind"] == "inpaint" else None
    result = finished(restore(image, settings, mask=mask))
    assert np.isfinite(result.image).all()
    for part in (np.s_[..., :7, :], np.s_[..., :7]):
        with pytest.raises(BadImage, match=r"image too small: 7 pixels.*at least 8 pixels a side"):
            restore(image[part], settings, mask=None if mask is None else mask[part])


@pytest.mark.parametrize("preset", ["fast", *SLOW])
def test_two_one_row_planes_are_refined_along_z(preset):
    task = {"kind": "super-resolve", "axis": "Z"}
    settings = Settings(task=task, preset=preset, axes="ZYX", **CPU | {"iterations": 1})
    image = RANDOM.random((2, 1, 8)).astype(np.float32)
    assert finished(restore(image, settings)).image.shape == (4, 1, 8)
    with pytest.raises(NapariDipError, match="too small: 7 pixels along X"):
        restore(image[..., :7], settings)
