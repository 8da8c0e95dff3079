"""Write a number with its standard error."""

from __future__ import annotations

import math

__all__ = ["with_error"]


def with_error(value: float, error: float, sign: str = "") -> str:
    """Write a number to the last digit of its standard error.

    Parameters
    ----------
    value, error
        The number, and its standard error in the same unit, which gets one digit, or two if it
        begins with 1.
    sign
        ``"+"`` to write the sign of positive numbers, too.

    Examples
    --------
    >>> with_error(1.00006, 0.0007), with_error(-5.2934, 0.6), with_error(-0.0253, 0.3)
    ('1.0001 ± 0.0007', '-5.3 ± 0.6', '0.0 ± 0.3')
    >>> with_error(81234.0, 140.0), with_error(0.5, 0.0)
    ('81230 ± 140', '0.5 ± 0')
    """
    if not (math.isfinite(value) and math.isfinite(error) and error > 0):
        return f"{value:{sign}.6g} ± {error:.1g}"
    power = math.floor(math.log10(error))
    last = power - (error / 10.0**power < 1.95)  # place of the last digit
    rounded, step = round(value, -last) + 0.0, round(error, -last)
    digits = max(0, -last)
    return f"{rounded:{sign}.{digits}f} ± {step:.{digits}f}"
