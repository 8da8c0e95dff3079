"""Messages of invalid settings, whatever the model."""

from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import AfterValidator

from napari_dip.errors import BadSettings
from napari_dip.settings import Settings
from napari_dip.settings.frozen import Frozen


def refuse(value):
    raise ValueError("give another one, such as 3")


class Inner(Frozen):
    size: int = 1


class Outer(Frozen):
    width: int = 1
    checked: Annotated[int, AfterValidator(refuse)] = 0
    inner: Inner = Inner()


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"checked": 5}, "^checked=5: give another one, such as 3$"),
        ({"width": "x", "checked": 5}, "^width='x': .*; checked=5: give another"),
        ({"inner": {"size": "x"}}, "size='x': "),
        ({"widht": 3}, r"^widht=3: there is no such setting; did you mean 'width'\?$"),
        ({"zzz": 3}, "^zzz=3: there is no such setting; choose one of width, checked, inner$"),
        ({"width": float("inf")}, "^width=inf: "),
    ],
)
def test_message_names_the_value_and_the_remedy(keywords, message):
    with pytest.raises(BadSettings, match=message):
        Outer(**keywords)


def test_values_cannot_be_changed():
    with pytest.raises(ValueError, match="frozen"):
        Outer().width = 2


@given(st.text() | st.integers() | st.lists(st.integers()) | st.just(10**5000))
def test_message_is_one_short_line(value):
    try:
        Inner(size=value)
    except BadSettings as error:
        assert len(str(error)) < 600
        assert str(error).isprintable()


def test_json_error_names_the_place():
    with pytest.raises(BadSettings, match=r"^the text is not JSON \(.* line 1 column 9\); correct"):
        Settings.from_json(b'{"task":1')
