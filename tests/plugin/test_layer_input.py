"""Layers of every kind are read and restored by all three tasks, without a viewer."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("napari", reason="the plugin's layers are napari's")

import dask.array
from napari.layers import Image, Labels

from napari_dip.errors import BadImage, NapariDipError
from napari_dip.generators import finished
from napari_dip.image.restore import restore
from napari_dip.plugin.models.layer_input import match_settings, read_layer
from napari_dip.plugin.models.layer_output import to_layer_data
from napari_dip.plugin.models.mask_layers import Mask
from napari_dip.settings import Denoise, Inpaint, Settings, SuperResolve

TASKS = [Denoise(), SuperResolve(factor=2), Inpaint()]
QUICK = Settings(iterations=2, device="cpu", stopping="fixed")
TILTED = {
    "rotate": -50,
    "shear": [0.2],
    "translate": (4, 9),
    "affine": [[1.1, 0.2, 5], [-0.3, 0.9, 2], [0, 0, 1]],
}
RANDOM = np.random.default_rng(0)
GREY = RANDOM.poisson(40, (16, 20)).astype(np.uint16)
COLOURS = RANDOM.integers(0, 255, (16, 20, 4), np.uint8)


def with_nan(image):
    image = image.astype(np.float32)
    image[3, 4:9] = np.nan
    return image


KINDS = [
    pytest.param(lambda: Image(COLOURS[..., :3], rgb=True), id="rgb"),
    pytest.param(lambda: Image(COLOURS, rgb=True), id="rgba"),
    pytest.param(lambda: Image([GREY, GREY[::2, ::2]], multiscale=True), id="multiscale"),
    pytest.param(lambda: Image(dask.array.from_array(GREY, chunks=8)), id="dask"),
    pytest.param(lambda: Image(np.stack([[GREY] * 2] * 2), axis_labels="tzyx"), id="time-and-z"),
    pytest.param(lambda: Image(np.stack([[GREY] * 2] * 2)), id="two-unnamed-axes"),
    pytest.param(lambda: Image(GREY, scale=(0.2, 0.7), units="um", **TILTED), id="tilted"),
    pytest.param(lambda: Image(GREY > 40), id="boolean"),
    pytest.param(lambda: Image((GREY - 40).astype(np.int8)), id="int8"),
    pytest.param(lambda: Image(GREY.astype(np.uint32) << 20), id="uint32"),
    pytest.param(lambda: Image(GREY.astype(np.float16)), id="float16"),
    pytest.param(lambda: Image(GREY / 1e9), id="float64"),
    pytest.param(lambda: Image(with_nan(GREY)), id="nan"),
    pytest.param(lambda: Image(np.full((16, 20), 7, np.uint8)), id="constant"),
    pytest.param(lambda: Image(np.full((16, 20, 4), [7, 7, 7, 9], np.uint8), rgb=True), id="grey"),
    pytest.param(lambda: Image(GREY[:8, :8]), id="8x8"),
    pytest.param(lambda: Image(GREY, colormap="gray_r", gamma=0.5), id="inverted"),
]


def restored(layer, task):
    """The layer of a result, made as the panels make it."""
    mask = None
    if isinstance(task, Inpaint):
        painted = np.zeros(read_layer(layer).data.shape[: layer.ndim][-2:], np.uint8)
        painted[2:5, 3:6] = 1
        ndim = layer.ndim - 2
        placed = {} if ndim else {name: getattr(layer, name) for name in ("rotate", "shear")}
        affine = layer.affine.affine_matrix[ndim:, ndim:]
        place = {"scale": layer.scale[ndim:], "translate": layer.translate[ndim:]}
        mask = Mask(Labels(painted, affine=affine, units=layer.units[ndim:], **place, **placed))
    source, asked = match_settings(read_layer(layer, mask), QUICK.replace(task=task))
    result = finished(restore(source.data, asked, mask=source.mask))
    data, keywords, _ = to_layer_data(result, source)
    return source, Image(data, **keywords)


@pytest.mark.parametrize(
    "task",
    [*(pytest.param(task, marks=pytest.mark.slow) for task in TASKS[:2]), TASKS[2]],
    ids=lambda task: task.kind,
)
@pytest.mark.parametrize("kind", KINDS)
def test_any_layer_is_restored_in_its_place(kind, task):
    layer = kind()
    before = np.array(read_layer(layer).data)
    source, output = restored(layer, task)
    np.testing.assert_array_equal(np.array(source.data), before)
    factor = 2 if isinstance(task, SuperResolve) else 1
    assert output.data.dtype == before.dtype
    assert output.rgb == layer.rgb
    assert output.axis_labels == layer.axis_labels
    assert output.units == layer.units
    first, last = np.zeros(layer.ndim), np.array(before.shape[: layer.ndim]) - 1.0
    for corner in (first, last):
        finer = corner.copy()
        finer[-2:] = corner[-2:] * factor + (factor - 1) / 2
        np.testing.assert_allclose(
            layer.world_to_data(output.data_to_world(finer)), corner, atol=0.01
        )
    spatial = slice(-3, -1) if layer.rgb else slice(-2, None)
    sizes, finer = (np.array(image.shape)[spatial] for image in (before, output.data))
    np.testing.assert_array_equal(finer, sizes * factor)
    if layer.rgb and before.shape[-1] == 4:
        alpha = before[..., 3].repeat(factor, 0).repeat(factor, 1)
        np.testing.assert_array_equal(output.data[..., 3], alpha)
    if isinstance(task, Inpaint):
        known = ~np.broadcast_to(source.mask, before.shape[: layer.ndim])
        kept = before[known]
        seen = np.isfinite(kept)
        assert output.data[known][seen].tobytes() == kept[seen].tobytes()
        assert np.isfinite(output.data).all()
    for name in ("colormap", "gamma", "contrast_limits"):
        assert getattr(output, name) == getattr(layer, name), name


@pytest.mark.parametrize(
    ("layer", "says"),
    [
        pytest.param(lambda: Labels(GREY.astype(int), name="cells"), "Labels layer", id="labels"),
        pytest.param(
            lambda: Image(GREY[:, :1]),
            "too small.*at least 8 pixels",
            id="one-wide",
        ),
    ],
)
@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.kind)
def test_unsupported_layers_are_refused_clearly(layer, says, task):
    with pytest.raises(NapariDipError, match=says):
        source, asked = match_settings(read_layer(layer()), QUICK.replace(task=task))
        restore(source.data, asked)


def test_planes_with_nothing_missing_are_not_worked_on():
    stack = Image(np.stack([GREY] * 3), axis_labels="tyx")
    painted = np.zeros(GREY.shape, np.uint8)
    painted[2:5, 3:6] = 1
    source = read_layer(stack, Mask(Labels(painted), plane=(1,)))
    steps = []
    run = restore(source.data, QUICK.replace(task=Inpaint(), axes="QYX"), mask=source.mask)
    result = finished(run, lambda step: steps.append(step.unit))
    assert set(steps) == {1}
    np.testing.assert_array_equal(result.image[[0, 2]], stack.data[[0, 2]])
    assert len(result.reports) == 1


def test_along_z_the_output_covers_the_input():
    stack = Image(
        np.stack([GREY] * 4),
        axis_labels="zyx",
        scale=(0.9, 0.3, 0.3),
        translate=(3, 4, 5),
        shear=[0.1, 0.2, 0.3],
    )
    _, output = restored(stack, SuperResolve(factor=3, axis="Z"))
    assert output.data.shape == (12, 16, 20)
    for point in ((0, 0, 0), (2, 5, 7), (3, 15, 19)):
        finer = (point[0] * 3 + 1, *point[1:])
        np.testing.assert_allclose(
            stack.world_to_data(output.data_to_world(finer)), point, atol=0.01
        )


def test_labels_chosen_as_the_image_name_the_cure():
    with pytest.raises(BadImage, match="choose an Image layer"):
        read_layer(Labels(np.zeros((8, 8), int)))
