"""Integers with a scale."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.errors import BadInput, ValuationOverflow
from verifier.margin.fixed import (
    MAX_USD,
    SCALE,
    charge,
    charge_root,
    credit,
    ppm,
    price,
    scaled,
    show_scaled,
    usd,
    value,
)
from verifier.primitives import MAX_UINT256


@given(st.integers(-(10**40), 10**40), st.integers(1, 10**20))
def test_a_credit_is_never_more_and_a_charge_never_less_than_the_fraction(numerator: int, denominator: int) -> None:
    """Credits round down and charges up, signs included, by less than one unit."""
    exact = Fraction(numerator, denominator)
    assert exact - 1 < credit(numerator, denominator) <= exact <= charge(numerator, denominator) < exact + 1


@given(st.integers(0, 10**40), st.integers(1, 10**10))
def test_a_charged_root_is_the_smallest_that_covers(numerator: int, denominator: int) -> None:
    """Its square reaches the fraction, and the next smaller one's does not."""
    root = charge_root(numerator, denominator)
    assert root * root * denominator >= numerator
    assert root == 0 or (root - 1) ** 2 * denominator < numerator


@pytest.mark.parametrize(("text", "expected"), [("1", SCALE), ("0.000000000000000001", 1), ("-2.5", -25 * SCALE // 10)])
def test_decimal_text_becomes_an_integer_exactly(text: str, expected: int) -> None:
    """No rounding happens on the way in."""
    assert usd(text) == expected


@pytest.mark.parametrize(
    "bad", ["1e3", "NaN", "inf", " 1", "1_000", "0x10", "", "1.", ".5", "٣", 1, 1.5, None, "0." + "0" * 18 + "1"]
)
def test_anything_else_is_refused(bad: object) -> None:
    """Exponents, floats, blanks, other digits and more places than the scale has are no money."""
    with pytest.raises(BadInput):
        usd(bad)


@pytest.mark.parametrize("bad", ["0", "-1", "1000000000001"])
def test_a_price_that_is_no_price_is_refused(bad: str) -> None:
    """Zero and negative quotes are missing ones, and none is beyond a trillion dollars."""
    with pytest.raises(BadInput):
        price(bad)


@given(st.integers(-(10**40), 10**40), st.integers(0, 30))
def test_scaled_text_reads_back(number: int, digits: int) -> None:
    """What is shown is exact."""
    assert scaled(show_scaled(number, digits), digits, "x") == number


def test_rates_are_parts_per_million() -> None:
    """0.05 is 50,000 ppm."""
    assert ppm("0.05") == 50_000
    with pytest.raises(BadInput):
        ppm("0.0000001")


def test_the_greatest_value_counts_and_one_unit_more_does_not() -> None:
    """A quadrillion dollars is the bound."""
    assert credit(*value(MAX_USD, 1, 0)) == MAX_USD
    with pytest.raises(ValuationOverflow):
        value(MAX_USD + 1, 1, 0)


def test_no_amount_is_wider_than_a_word() -> None:
    """2^256-1 base units of dust are an amount; one more is not."""
    assert value(MAX_UINT256, 1, 60)[0] == MAX_UINT256
    with pytest.raises(ValuationOverflow):
        value(MAX_UINT256 + 1, 1, 60)
