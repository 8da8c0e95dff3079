"""Numbers are written to the last digit of their errors."""

import pytest

from napari_dip.assess.measured_value import with_error


@pytest.mark.parametrize(
    ("value", "error", "words"),
    [
        (1.00006, 0.0007, "1.0001 ± 0.0007"),
        (-5.2934, 0.6, "-5.3 ± 0.6"),
        (-0.0253, 0.3, "0.0 ± 0.3"),
        (0.98776, 0.00143, "0.9878 ± 0.0014"),
        (81234.0, 140.0, "81230 ± 140"),
        (2.0, 0.0, "2 ± 0"),
        (float("nan"), 0.1, "nan ± 0.1"),
    ],
)
def test_value_and_error_end_alike(value, error, words):
    assert with_error(value, error) == words
