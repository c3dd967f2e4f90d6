"""Past log returns as exact factors on integer prices.

Source: margin reference, section 8.2.
"""

from __future__ import annotations

from math import exp

from verifier.margin.fixed import MAX_PRICE, Price
from verifier.margin.models.portfolio_risk import UNIT


def moved_price(price: Price, log_return: int) -> Price:
    """A price after a log return in units of 1e-9: the nearest unit, never below one."""
    part, whole = exp(log_return * UNIT).as_integer_ratio()
    moved, left = divmod(price * part, whole)
    # To the even one of two that are equally near.
    if 2 * left > whole or (2 * left == whole and moved % 2):
        moved += 1
    return Price(min(max(moved, 1), MAX_PRICE))
