"""Test that shown text has no control characters and no HTML."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from napari_dip.plaintext import as_html, as_json, plain, shortened

texts = st.text(st.characters(codec=None) | st.sampled_from("\x1b\n\u202e\ud800<&\x9b"))


@given(texts)
def test_control_characters_are_escaped(text):
    for shown in (plain(text), as_html(text), shortened(text)):
        assert shown.isascii() or not set(shown) & set("\x1b\n\u202e\ud800\x9b\u2028")
        shown.encode("utf-8")


@given(texts)
def test_html_tags_are_escaped(text):
    assert "<" not in as_html(text)


@given(st.text(st.characters(codec="utf-8")))
def test_escaped_json_means_the_same(text):
    said = json.dumps({text: text}, ensure_ascii=False)
    assert as_json(said).isprintable()
    assert json.loads(as_json(said)) == {text: text}


def test_ordinary_names_are_unchanged():
    assert plain("Zellen µm  (копия) 細胞 é.tif") == "Zellen µm  (копия) 細胞 é.tif"
