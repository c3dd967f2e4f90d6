"""Past log returns as exact factors on integer prices.

Source: margin reference, section 8.2.
"""

from __future__ import annotations

from fractions import Fraction
from math import exp

from verifier.margin.fixed import MAX_PRICE, Price
from verifier.margin.models.portfolio_risk import UNIT


def moved_price(price: Price, log_return: int) -> Price:
    """A price after a log return in units of 1e-9: the nearest unit, never below one."""
    moved = round(price * Fraction(exp(log_return * UNIT)))
    return Price(min(max(moved, 1), MAX_PRICE))
