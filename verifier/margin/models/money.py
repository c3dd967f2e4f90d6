"""The border between floats and money: one function for each direction of rounding, and none besides.

A figure of a model carries an error of a few units in the last place; the margin of 1e-12 covers it, so that what is
rounded against the account is against it for the true value too.

Source: margin reference, section 18.
"""

from __future__ import annotations

from math import isfinite
from typing import Final

from verifier.errors import BadInput
from verifier.margin.fixed import MAX_USD, SCALE, Usd, credit

PLAUSIBLE: Final = 1e14
"""USD below which nothing more has to be asked."""
PRECISION: Final = 10**12
"""A model is allowed a relative error of one part in this; it is charged to the account."""
_MORE: Final = (PRECISION + 1) * SCALE
_LESS: Final = (PRECISION - 1) * SCALE


def loss_of(usd: float) -> Usd:
    """Money in USD from a model, as a requirement, a loss or a fee: rounded up.

    Raises:
        BadInput: Not a finite number, or beyond any that can be true.
    """
    numerator, denominator = usd.as_integer_ratio() if -PLAUSIBLE < usd < PLAUSIBLE else _exact(usd)
    return Usd(-(-numerator * (_MORE if numerator > 0 else _LESS) // (denominator * PRECISION)))


def gain_of(usd: float) -> Usd:
    """Money in USD from a model, as a gain or a release: rounded down.

    Raises:
        BadInput: Not a finite number, or beyond any that can be true.
    """
    numerator, denominator = usd.as_integer_ratio() if -PLAUSIBLE < usd < PLAUSIBLE else _exact(usd)
    return Usd(credit(numerator * (_LESS if numerator > 0 else _MORE), denominator * PRECISION))


def usd_float(money: int) -> float:
    """Money as a float in USD, for a model: the nearest one."""
    return money / SCALE


def _exact(usd: float) -> tuple[int, int]:
    """The exact fraction that a float is."""
    if not isfinite(usd):
        raise BadInput("a model's figure", "a finite number", usd)
    if abs(usd) * SCALE > MAX_USD:
        raise BadInput("a model's figure", "at most 10^15 USD", usd)
    return usd.as_integer_ratio()
