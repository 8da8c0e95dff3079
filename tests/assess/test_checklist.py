"""The checklists are filled as far as the record tells, and the rest is left to the author."""

from napari_dip.assess.checklist import image_checklist, metadata_table

RECORD = {
    "napari-dip": "1.2.3",
    "versions": {"python": "3.12"},
    "input": {"axes": "ZYX", "shape": [5, 8, 9], "dtype": "uint16", "pixels": "ab" * 16},
}


DETAILS = "Give what a reader needs to interpret it, such as pixel size and intervals"


def answers(items):
    return {item.item: item.answer for item in items}


def test_known_values_are_filled_in():
    found = answers(
        image_checklist(RECORD, {"Y": "0.1 µm", "Z": "2 µm"}, "shown linearly from 1 to 9")
    )
    assert found["Show a scale bar"].startswith("Y 0.1 µm")
    assert found["Give the exact version"] == "napari-dip 1.2.3"
    assert found[DETAILS] == ""
    assert found["Provide example data"] == ""
    found = answers(metadata_table(RECORD, {"Y": "0.1 µm", "X": "0.1 µm", "Z": "0.4 µm"}, "DAPI"))
    assert found["Distance of planes"] == "0.4 µm"
    assert found["Interval of time points"] == "one time point"
    assert found["Size and bit depth"] == "Z 5 x Y 8 x X 9, uint16"
    assert "DAPI" in found["Labels: protein, dye or antibody, with maker and concentration"]


def test_all_sizes_answer_the_imaging_details():
    items = image_checklist(RECORD, {"Y": "0.1 µm", "X": "0.1 µm", "Z": "2 µm"}, "")
    assert answers(items)[DETAILS] == "Y 0.1 µm; X 0.1 µm; Z 2 µm"


def test_unknown_values_are_left_open():
    found = answers(image_checklist(RECORD, {}, "linear"))
    assert found["Show a scale bar"] == ""
    assert found["Explain all annotations"] == ""
    assert found[DETAILS] == ""
    found = answers(metadata_table(RECORD, {}, ""))
    assert found["Distance of planes"] == ""
    assert found["Detector: maker, model, settings"] == ""


def test_what_is_to_be_shared_is_not_ticked():
    masked = RECORD | {"input": RECORD["input"] | {"known": "c", "mask": {"path": "/a/holes.tif"}}}
    items = {item.item: item for item in image_checklist(masked, {}, "")}
    regions, data = (
        items["Provide regions that were drawn by hand"],
        items["Provide example data"],
    )
    assert regions.answer == data.answer == ""
    assert regions.hint == "share the mask 'holes.tif'"
    assert "abababababab" in data.hint
