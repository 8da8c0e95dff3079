"""The uncertainty of a result equals that of its run, and sentences say where it fails."""

import json

import numpy as np
import pytest

from napari_dip import Settings, problem, restore
from napari_dip.assess.uncertainty import describe_uncertainty, uncertainty
from napari_dip.errors import BadImage
from napari_dip.generators import finished
from napari_dip.image.lazy import LazyArray

QUICK = {"device": "cpu", "iterations": 3, "dtype": "float32"}


def scene(*shape):
    rows, columns = np.indices(shape)[-2:]
    clean = 100 + 40 * np.sin(rows / 6) * np.cos(columns / 5)
    return (clean + np.random.default_rng(0).normal(0, 10, shape)).astype(np.float32)


def run_of(image, mask=None, **settings):
    settings = Settings(**QUICK | settings)
    asked = problem(image, settings, mask=mask)
    run = restore(image, settings.replace(uncertainty=True), mask=mask)
    return asked, finished(run)


@pytest.mark.parametrize(
    ("shape", "options"),
    [
        pytest.param((48, 40), {"noise": 10.0}, id="plane"),
        pytest.param((4, 40, 40), {"axes": "ZYX", "noise": 10.0, "window": 2}, id="windows"),
        pytest.param((2, 40, 40), {"axes": "CYX", "noise": 10.0}, id="channels"),
        pytest.param((40, 40), {"task": "super-resolve", "noise": 10.0}, id="finer pixels"),
        pytest.param((40, 40, 3), {"axes": "YXS", "noise": 10.0}, id="colours"),
    ],
)
def test_finished_result_has_that_of_the_run(shape, options):
    image = scene(*shape) if shape[-1] != 3 else np.stack([scene(*shape[:2])] * 3, axis=-1)
    asked, result = run_of(image, **options)
    half = uncertainty(asked, result.image)
    assert half.dtype == np.float32
    np.testing.assert_allclose(half, result.uncertainty, rtol=0.2, atol=0.5)
    assert np.median(np.abs(half - result.uncertainty)) < 0.02 * np.median(half)


def test_a_stop_leaves_the_rest_unknown():
    asked, result = run_of(scene(3, 40, 40), axes="CYX", noise=10.0)
    calls = []

    def stop():
        calls.append(1)
        return len(calls) > 60

    half = uncertainty(asked, result.image, stop_requested=stop)
    assert np.isnan(half[-1]).all()
    assert not np.isnan(half[0]).any()


def test_sentences_give_the_half_widths():
    asked, result = run_of(scene(48, 40), noise=10.0)
    section = describe_uncertainty(asked, result.image, result.uncertainty)
    (sentence,) = section.sentences()
    (channel,) = section.channels
    assert f"± {channel.median:.2g}" in sentence
    assert channel.largest > channel.median > 0
    assert channel.noise == pytest.approx(10)
    assert json.loads(json.dumps(section.as_dict()))["probability"] == 0.9
    (picture,) = section.pictures()
    assert picture.pixels.shape == (48, 40)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        pytest.param({"task": "super-resolve", "noise": 10.0}, "not measured", id="refined"),
        pytest.param({"noise": "none"}, "no noise", id="no noise"),
    ],
)
def test_sentences_say_where_it_is_not_calibrated(options, says):
    asked, result = run_of(scene(40, 40), **options)
    section = describe_uncertainty(asked, result.image, result.uncertainty)
    assert any(says in sentence for sentence in section.sentences()[1:])


def test_filled_gaps_and_correlated_noise_are_named():
    image = scene(64, 64)
    image = (image + np.roll(image, 1, axis=1)) / 2
    mask = np.zeros(image.shape, bool)
    mask[20:24] = True
    asked, result = run_of(image, mask)
    assert asked.survey.noises[0].correlated
    section = describe_uncertainty(asked, result.image, result.uncertainty)
    words = " ".join(section.sentences())
    assert "filled gaps" in words
    assert "correlated" in words


def test_volume_is_described_without_reading_all_of_it():
    volume = scene(40, 16, 24)
    asked = problem(volume, Settings(**QUICK, axes="ZYX", ndim=3, noise=10.0))
    numbers = []

    class Counted(LazyArray):
        shape, dtype = volume.shape, volume.dtype

        def __getitem__(self, index):
            part = np.broadcast_to(np.float32(3), volume.shape)[index]
            numbers.append(part.size)
            return part

    section = describe_uncertainty(asked, volume, Counted())
    assert section.channels[0].median == 3
    assert section.pictures()[0].pixels.shape == (16, 24)
    assert sum(numbers) <= 9 * 16 * 24


def test_other_shapes_are_refused():
    asked = problem(scene(40, 40), Settings(**QUICK))
    with pytest.raises(BadImage, match="shape"):
        uncertainty(asked, np.zeros((40, 41)))
    with pytest.raises(BadImage, match="the uncertainty has the shape"):
        describe_uncertainty(asked, np.zeros((40, 40)), np.zeros((40, 41)))
