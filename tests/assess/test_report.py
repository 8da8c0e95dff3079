"""A report is one file with all sections; nothing in it is loaded or run."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from html.parser import HTMLParser

import numpy as np
import pytest

from napari_dip import Settings, restore
from napari_dip.assess import assessment
from napari_dip.assess.report import Labels
from napari_dip.assess.section import Picture
from napari_dip.errors import BadSettings, FileProblem
from napari_dip.generators import finished

VALUES = np.random.default_rng(0).poisson(30, (3, 40, 48)).astype(np.uint16)
SIZES = {"Y": 0.2, "X": 0.2}


@dataclass(frozen=True)
class Noted:
    """A section of a test."""

    heading = "A <b>heading</b>"

    def sentences(self):
        return "Verdict & number.", "Detail."

    def warnings(self):
        return ("Mind <the> gap.",)

    def as_dict(self):
        return {"number": 3}

    def pictures(self):
        return (Picture("A picture", np.eye(40, 48), (0.0, 1.0)),)


@pytest.fixture
def sections(monkeypatch):
    """Replace the sections, whose own tests are elsewhere."""
    monkeypatch.setattr(assessment, "_sections", lambda *_: iter([Noted()]))


def restored(image=VALUES[0], axes="YX", mask=None, **settings):
    asked = Settings(axes=axes, device="cpu", iterations=3, **settings)
    return finished(restore(image, asked, mask=mask))


class Tags(HTMLParser):
    """Collects the tags, the addresses and the text of a page."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.addresses, self.text = [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.addresses += [value for name, value in attributes if name in ("src", "href")]
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def parsed(text):
    page = Tags(text)
    assert page.open == []
    return page


def test_the_page_has_all_parts(sections):
    labels = Labels("raw.tif", "clean.tif", SIZES, dict.fromkeys("YX", "µm"))
    page = parsed(restored().report(labels=labels).html())
    text = " ".join(page.text)
    for words in (
        "Restoration report",
        "raw.tif → clean.tif",
        "What was done",
        "Stop of the fit",
        "Verdict & number.",
        "What the restored image does not show",
        "Methods paragraph, to paste",
        "Settings",
        "How to repeat it",
        "napari-dip reproduce clean.tif",
        "Checklist for published images and analyses: ",
        "Minimal metadata of microscopy: ",
        "Scale bar: 2 µm.",
        "to fill in",
    ):
        assert words in text, words
    assert page.tags.count("img") == 3  # input, result, and the picture of the section
    assert page.tags.count("svg") == 1


@pytest.mark.parametrize(
    ("result", "command"),
    [
        ("my cells.ome.tif", "Repeat it: napari-dip reproduce 'my cells.ome.tif'"),
        ("cells (denoised)", "Repeat a saved result: napari-dip reproduce FILE"),
    ],
)
def test_the_command_that_repeats_can_be_run(sections, result, command):
    page = parsed(restored().report(labels=Labels(result=result)).html())
    assert command in "".join(page.text)


def test_nothing_is_loaded_or_run(sections):
    text = restored().report().html()
    page = parsed(text)
    assert "script" not in page.tags and "link" not in page.tags and "iframe" not in page.tags
    assert all(address.startswith("data:image/png;base64,") for address in page.addresses)
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)[1]
    assert "url(" not in style and "@import" not in style


def test_names_and_metadata_are_escaped(sections):
    name = '<script>alert("1")</script>\u202e\n'
    report = restored().report(labels=Labels(name, name, SIZES, {"X": name}, (name,)))
    text = report.html()
    assert "<script" not in text and "\u202e" not in text
    assert "&lt;script&gt;" in text
    parsed(text)


def test_json_has_the_same_without_pictures(sections, tmp_path):
    result = restored()
    result.report(tmp_path / "a.json")
    found = json.loads((tmp_path / "a.json").read_text("utf-8"))
    assert found["methods"] == result.report().methods.paragraph
    assert found["assessment"]["A <b>heading</b>"]["number"] == 3
    assert found["record"]["settings"]["iterations"] == 3
    assert found["changed settings"]["iterations"] == 3
    open_items = [one for one in found["checklist"] + found["metadata"] if not one["answer"]]
    assert found["to fill in"] == [one["item"] for one in open_items]
    assert found["caveats"]


@pytest.mark.parametrize(
    ("keywords", "words"),
    [
        pytest.param({"image": VALUES, "axes": "ZYX"}, "Plane 2 of 3.", id="stack"),
        pytest.param({"image": VALUES, "axes": "ZYX", "ndim": 3}, "Plane 2 of 3.", id="volume"),
        pytest.param({"image": VALUES, "axes": "CYX"}, "Channel 1 of 3.", id="channels"),
        pytest.param({"image": np.moveaxis(VALUES, 0, -1), "axes": "YXS"}, "YXS", id="colours"),
        pytest.param(
            {"task": {"kind": "super-resolve", "factor": 2}}, "Only the mean of", id="finer"
        ),
        pytest.param(
            {"image": VALUES, "axes": "ZYX", "task": {"kind": "super-resolve", "axis": "Z"}},
            "Row 21 of 40.",
            id="sections",
        ),
        pytest.param(
            {"image": VALUES.astype(np.float32), "axes": "TYX"}, "Frame 2 of 3.", id="frames"
        ),
    ],
)
def test_every_task_and_layout_has_a_report(sections, keywords, words):
    text = " ".join(parsed(restored(**keywords).report().html()).text)
    assert words in text


def test_known_uncertainty_is_shown_once():
    html = restored(uncertainty=True).report().html()
    captions = [one for one in re.findall("<figcaption>([^<]*)", html) if "90 %" in one]
    assert len(captions) == 1
    assert captions[0].startswith("Uncertainty (half width")


def test_the_plane_with_gaps_is_shown(sections):
    mask = np.zeros(VALUES.shape, bool)
    mask[2, 10:20, 10:20] = True
    report = restored(VALUES, "ZYX", mask, task="inpaint").report()
    assert report.planes.place == "plane 3 of 3"
    assert "Missing pixels are blue-grey." in report.html()
    assert np.isnan(report.planes.pictures[0].pixels).sum() == 100


def test_an_existing_report_is_replaced(sections, tmp_path):
    path = tmp_path / "a.html"
    path.write_text("old")
    restored().report(path)
    assert path.read_text("utf-8").startswith("<!DOCTYPE html>")


@pytest.mark.parametrize("name", ["a.pdf", "a"])
def test_other_suffixes_are_refused(tmp_path, name):
    with pytest.raises(BadSettings, match=r"end its name in \.html or \.json"):
        restored().report(tmp_path / name)
    assert [*tmp_path.iterdir()] == []


def test_a_missing_folder_is_told(tmp_path):
    with pytest.raises(FileProblem, match="does not exist; create it first"):
        restored().report(tmp_path / "none" / "a.html")


def test_warnings_come_before_the_pictures(sections):
    page = restored().report().html()
    assert page.index("Read this first") < page.index("Mind &lt;the&gt; gap.") < page.index("<img")


def test_bars_of_image_and_detail_are_told(sections):
    image = np.random.default_rng(0).poisson(30, (128, 200)).astype(np.uint16)
    result = restored(image)
    told = result.report(labels=Labels(pixel_size=SIZES, unit={"X": "µm"})).html()
    assert "Scale bar: 10 µm (whole images), 5 µm (details)." in told
    assert "The pixel size is not known" in result.report().html()


def test_all_sections_print_on_two_pages():
    weasyprint = pytest.importorskip("weasyprint", reason="it lays out the pages")
    rows, columns = np.indices((128, 128))
    clean = 100 + 60 * np.sin(rows / 9) * np.cos(columns / 7) + 10 * (columns % 6)
    image = np.random.default_rng(0).poisson(clean).astype(np.uint16)
    result = restored(image)
    report = result.report(uncertainty=True, resolution=True, invented=True)
    assert len(weasyprint.HTML(string=report.html()).render().pages) == 2


def test_it_prints_on_two_pages(sections, tmp_path):
    weasyprint = pytest.importorskip("weasyprint", reason="it lays out the pages")
    report = restored().report()
    assert len(weasyprint.HTML(string=report.html()).render().pages) == 2
