"""The user changes layers during a run, or before the next one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from example_results import PREVIEW, begun, result
from napari.layers import Image, Labels, Shapes

from napari_dip.errors import BadImage
from napari_dip.files.image_io import StoredImage, write_image
from napari_dip.plugin.controllers.backups import show_completed
from napari_dip.plugin.controllers.finished_run import FinishedRun
from napari_dip.plugin.controllers.result_layer import ResultLayer
from napari_dip.plugin.models.history import Frame, History
from napari_dip.plugin.models.layer_input import read_layer
from napari_dip.plugin.models.mask_layers import MaskSource
from napari_dip.plugin.models.request_template import LayerReader, RequestTemplate
from napari_dip.plugin.models.run_request import ComputeOptions, copy_pixels
from napari_dip.plugin.models.target import Target, reopen_result
from napari_dip.settings import Settings


def complete(output, viewer):
    return output.complete(result(), read_layer(viewer.layers["cells"]))


def test_the_first_picture_takes_no_selection_away(viewer, output):
    assert viewer.layers.selection.active is viewer.layers["mask"]
    assert output.layer in viewer.layers


def test_a_deleted_output_can_be_added_again(viewer, output):
    source = read_layer(viewer.layers["cells"])
    viewer.layers.remove(output.layer)
    output.update(begun(), PREVIEW)
    layer = complete(output, viewer)
    assert layer not in viewer.layers
    after = FinishedRun(
        viewer, layer, source, replace(result(), uncertainty=np.ones((16, 16))), History()
    )
    after.add_layer()
    assert [one.name for one in viewer.layers][-2:] == [f"{layer.name}, uncertainty", layer.name]
    assert (layer.data == 9).all()


@pytest.mark.parametrize("end", ["complete", "remove"])
def test_pixels_that_the_user_replaced_stay(viewer, output, end):
    edited = output.layer
    edited.data = mine = np.ones((3, 4))
    output.update(begun(), PREVIEW)
    output.show_frame(Frame(1, (), np.full((16, 16), 3.0)))
    layer = complete(output, viewer) if end == "complete" else output.remove()
    assert edited.data is mine and edited in viewer.layers
    assert (layer is None) == (end == "remove")
    assert layer is not edited


def test_looking_back_leaves_replaced_pixels_alone(viewer, output):
    source = read_layer(viewer.layers["cells"])
    layer = complete(output, viewer)
    after = FinishedRun(viewer, layer, source, result(), History())
    layer.data = mine = np.ones((16, 16))
    after.show(Frame(1, (), np.full((16, 16), 3.0)))
    assert layer.data is mine and after.edited
    assert (after.keep_as_layer().data == 3).all()


def test_a_continued_result_that_was_deleted_stays_so(viewer):
    earlier = viewer.add_layer(Image(np.full((16, 16), 4.0), name="earlier"))
    output = ResultLayer(viewer, earlier=earlier)
    output.update(begun(), PREVIEW)
    viewer.layers.remove(earlier)
    output.remove()
    assert earlier not in viewer.layers
    assert (earlier.data == 4).all()


def test_a_result_in_progress_is_no_input(viewer, output):
    with pytest.raises(BadImage, match="has not ended"):
        LayerReader().check(output.layer)
    with pytest.raises(BadImage, match="has not ended"):
        LayerReader(MaskSource(output.layer)).check(viewer.layers["cells"])
    complete(output, viewer)
    assert LayerReader().check(viewer.layers[-1]).name == "cells (denoised)"


def test_changed_pixels_do_not_affect_the_run(viewer):
    source = copy_pixels(read_layer(viewer.layers["cells"]))
    viewer.layers["cells"].data[:] = 0
    assert source.data.max() == 255


def test_a_mask_is_matched_by_axis_labels():
    image = Image(np.zeros((3, 2, 16, 20)), axis_labels="zcyx", scale=(2, 1, 1, 1))
    painted = np.zeros((3, 16, 20), int)
    painted[1, 4:6] = 1
    labels = Labels(painted, axis_labels="zyx", scale=(2, 1, 1))
    square = [[1, 4, 0], [1, 4, 9], [1, 5, 9], [1, 5, 0]]
    shapes = Shapes([np.array(square)], axis_labels="zyx", shape_type="polygon", scale=(2, 1, 1))
    for layer in (labels, shapes):
        missing = MaskSource(layer).mask_for(image).for_all_planes(image)
        assert missing.shape == image.data.shape
        assert missing.any((2, 3)).tolist() == [[False, False], [True, True], [False, False]]
    one = MaskSource(labels, point=(2.0, 1.0, 0.0, 0.0)).mask_for(image).for_all_planes(image)
    assert one.any((2, 3)).tolist() == [[False, False], [False, True], [False, False]]


def test_a_mask_of_another_shape_is_told(viewer):
    mask = Labels(np.ones((9, 9), int), name="small")
    assert "9 × 9 pixels and the image 16 × 16" in MaskSource(mask).mask_for(
        viewer.layers[0]
    ).describe(viewer.layers[0])


@pytest.mark.parametrize("size", [3, 4, 5])
def test_channels_that_are_last_need_a_name(size):
    wanted = RequestTemplate(LayerReader(), Settings(device="cpu"), Target(), ComputeOptions())
    layer = Image(np.zeros((16, 16, size)), rgb=False)
    with pytest.raises(BadImage, match="name it C under Axes, such as YXC"):
        wanted.for_layer(layer)
    layer.axis_labels = ("y", "x", "c")
    assert wanted.for_layer(layer).source.axes == "YXC"


@pytest.fixture
def cells():
    counts = np.random.default_rng(0).poisson(20, (2, 16, 16)).astype(np.uint16)
    return Image(counts, name="cells", axis_labels="zyx")


def test_a_stopped_layer_follows_its_result(viewer, tmp_path):
    path, hidden = tmp_path / "a.ome.zarr", tmp_path / ".a.ome.zarr.napari-dip-new"
    write_image(tmp_path / "b.ome.zarr", StoredImage(np.full((16, 16), 5, np.uint8), "YX"))
    (tmp_path / "b.ome.zarr").rename(hidden)
    layer = Image(np.zeros((16, 16)), metadata={"napari-dip": {"axes": "YX", "input": {}}})
    layer.data = reopen_result(layer, hidden)
    viewer.add_layer(layer)
    hidden.rename(path)
    show_completed(viewer, path)
    assert (np.asarray(layer.data) == 5).all()
