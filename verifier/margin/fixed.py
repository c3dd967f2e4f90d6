"""Integers with a scale, and rounding named by whom it is against.

Money is counted in 1e-18 USD, prices in 1e-18 USD for one whole unit of an asset, rates in parts per million. There
is no float here, and none can come in: text becomes an integer exactly, or is refused.

What the account *has* is a `credit` and rounds down; what it *owes or must hold* is a `charge` and rounds up. Both
take signed numerators: rounding is towards minus and plus infinity, never towards zero.
"""

from __future__ import annotations

import re
from decimal import Decimal, localcontext
from math import isqrt
from typing import Final, NewType

from verifier.errors import BadInput, ValuationOverflow
from verifier.policy import PPM
from verifier.primitives import MAX_UINT256

Usd = NewType("Usd", int)
"""Money in 1e-18 USD, signed."""
Price = NewType("Price", int)
"""1e-18 USD for one whole unit (10^decimals base units) of an asset."""

DIGITS: Final = 18
SCALE: Final = 10**DIGITS
YEAR: Final = 31_536_000
"""Seconds in the margin year of 365 days."""
MAX_USD: Final = 10**15 * SCALE
"""No single line is worth a quadrillion dollars: beyond it a price or a scale is wrong, and is not counted."""
MAX_PRICE: Final = 10**12 * SCALE
MAX_DECIMALS: Final = 77
ZERO: Final = Usd(0)

_DECIMAL: Final = re.compile(r"-?[0-9]{1,60}(?:\.[0-9]{1,60})?", re.ASCII)


def credit(numerator: int, denominator: int = 1) -> int:
    """What the account has: rounded down."""
    return numerator // denominator


def charge(numerator: int, denominator: int = 1) -> int:
    """What the account owes or must hold: rounded up."""
    return -(-numerator // denominator)


def charge_root(numerator: int, denominator: int) -> int:
    """The smallest integer whose square is at least the fraction: a square root that is charged."""
    ceiling = charge(numerator, denominator)
    root = isqrt(ceiling)
    return root if root * root == ceiling else root + 1


def value(amount: int, price: int, decimals: int, *, rate: tuple[int, int] = (1, 1)) -> tuple[int, int]:
    """What an amount of base units is worth, as an exact fraction of 1e-18 USD, still to be rounded.

    Everything is multiplied before anything is divided, so that one rounding is all there is.

    Raises:
        ValuationOverflow: The amount or the value is beyond any that can be true.
    """
    if abs(amount) > MAX_UINT256:
        raise ValuationOverflow("amount in base units", MAX_UINT256, abs(amount))
    numerator, denominator = amount * price * rate[0], 10**decimals * rate[1]
    if abs(numerator) > MAX_USD * denominator:
        raise ValuationOverflow("value in 1e-18 USD", MAX_USD, abs(numerator) // denominator)
    return numerator, denominator


def scaled(text: object, digits: int, what: str) -> int:
    """An integer in units of 10^-digits from decimal text, exactly.

    Raises:
        BadInput: Not plain decimal text (no exponent, no float), or finer than the scale can say.
    """
    if not isinstance(text, str) or _DECIMAL.fullmatch(text) is None:
        raise BadInput(what, 'a decimal in text, like "1234.5"', text)
    with localcontext() as context:
        context.prec = 200
        number = Decimal(text).scaleb(digits)
        if number != number.to_integral_value():
            raise BadInput(what, f"at most {digits} digits after the point", text)
        return int(number)


def usd(text: object) -> Usd:
    """Money from decimal text in USD."""
    return Usd(scaled(text, DIGITS, "USD"))


def price(text: object) -> Price:
    """A price from decimal text, in USD for one whole unit.

    Raises:
        BadInput: Not a decimal, not positive (a zero or negative quote is a missing one), or beyond any price.
    """
    made = scaled(text, DIGITS, "price")
    if not 0 < made <= MAX_PRICE:
        raise BadInput("price", "more than zero and at most 10^12 USD", text)
    return Price(made)


def ppm(text: object) -> int:
    """A rate in parts per million from decimal text: "0.05" is 50,000."""
    return scaled(text, 6, "rate")


def show_scaled(number: int, digits: int = DIGITS) -> str:
    """The exact decimal text of a scaled integer, without exponent and without trailing zeros."""
    whole, part = divmod(abs(number), 10**digits)
    tail = str(part).zfill(digits).rstrip("0") if digits else ""
    return ("-" if number < 0 else "") + str(whole) + (f".{tail}" if tail else "")


def part_of(amount: int, rate: int) -> tuple[int, int]:
    """A rate in ppm applied to an amount, as an exact fraction still to be rounded."""
    return amount * rate, PPM
