"""Amounts of memory as text."""

import pytest

from napari_dip.settings.memory_size import checked_memory, to_bytes


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("4GB", 4 * 10**9),
        ("4 GiB", 4 * 2**30),
        ("1.5MB", 1_500_000),
        ("800kb", 800_000),
        ("2TiB", 2 * 2**40),
    ],
)
def test_amount_is_converted_to_bytes(text, size):
    assert checked_memory(text) == text
    assert to_bytes(text) == size


def test_no_amount_is_no_limit():
    assert checked_memory(None) is None


@pytest.mark.parametrize("text", ["", "4", "GB", "4 G", "-4GB", "4,5GB", "4GB!", "1e3MB"])
def test_text_without_number_and_unit_is_refused(text):
    with pytest.raises(ValueError, match="a number and a unit, such as '4GB'"):
        checked_memory(text)


@pytest.mark.parametrize("text", ["0GB", "1000001TB", "9" * 400 + "MB"])
def test_impossible_amount_is_refused(text):
    with pytest.raises(ValueError, match="more than 0 and at most 1,000,000 TB"):
        checked_memory(text)
