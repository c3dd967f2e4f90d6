"""Options on a forward: identities that any right formula has, forty digits beside floats, and the way back."""

from __future__ import annotations

from decimal import Decimal, getcontext, localcontext

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.errors import BadInput
from verifier.margin.models.black76 import greeks, implied_volatility, value

forwards, strikes = st.floats(1, 1e5), st.floats(1, 1e5)
vols, years, rates = st.floats(0.01, 3), st.floats(0.001, 3), st.floats(0, 0.3)


@given(forwards, strikes, vols, years, rates)
def test_put_and_call_differ_by_the_discounted_forward(f: float, k: float, v: float, t: float, r: float) -> None:
    """call − put = D·(F − K), whatever the volatility."""
    call, put = (float(value(f, k, v, t, side, r)) for side in (True, False))
    assert call - put == pytest.approx(np.exp(-r * t) * (f - k), abs=1e-9 * max(f, k))


@given(forwards, strikes, vols, years)
def test_a_value_lies_between_intrinsic_and_the_forward_and_grows_with_volatility(
    f: float, k: float, v: float, t: float
) -> None:
    """Never below what exercise gives, never above what it is on; more time or volatility is never worth less."""
    call = float(value(f, k, v, t, call=True))
    assert max(0.0, f - k) - 1e-9 * f <= call <= f * (1 + 1e-12)
    assert float(value(f, k, v * 1.1, t, call=True)) >= call - 1e-9 * f


def test_without_time_or_volatility_it_is_intrinsic() -> None:
    """An expired option, one without volatility, and a forward of zero."""
    assert float(value(110, 100, 0.5, 0, call=True)) == 10
    assert float(value(90, 100, 0.0, 1, call=False)) == 10
    assert float(value(0, 100, 0.5, 1, call=False)) == 100
    assert float(value(110, 100, 0.5, -1, call=True)) == 10


def normal(x: Decimal) -> Decimal:
    """N(x) to forty digits, by its series."""
    with localcontext() as context:
        context.prec = 60
        term, total, n = x, x, 0
        while abs(term) > Decimal(10) ** -58:
            n += 1
            term = term * -x * x / (2 * n)
            total += term / (2 * n + 1)
        pi = Decimal("3.14159265358979323846264338327950288419716939937510582097494")
        return Decimal("0.5") + total / (2 * pi).sqrt()


@pytest.mark.parametrize(
    ("f", "k", "v", "t"), [(100, 90, 0.5, 0.25), (3000, 3200, 0.65, 0.1), (60000, 20000, 1.1, 1.5)]
)
def test_floats_are_within_a_few_units_of_forty_digits(f: float, k: float, v: float, t: float) -> None:
    """The error is a few 1e-16 of the forward: far within the slack of the border to money."""
    getcontext().prec = 60
    with localcontext() as context:
        context.prec = 60
        df, dk, deviation = Decimal(f), Decimal(k), Decimal(v) * Decimal(t).sqrt()
        d1 = (df / dk).ln() / deviation + deviation / 2
        exact = df * normal(d1) - dk * normal(d1 - deviation)
    assert abs(Decimal(float(value(f, k, v, t, call=True))) - exact) < Decimal(f) * Decimal("1e-14")


@given(forwards, st.floats(0.5, 2), st.floats(0.05, 2), st.floats(0.02, 2), st.booleans())
def test_the_implied_volatility_gives_the_price_back(f: float, ratio: float, v: float, t: float, call: bool) -> None:
    """There and back: the price is met, even where the volatility is hardly seen in it."""
    price = float(value(f, f * ratio, v, t, call))
    found = implied_volatility(price, f, f * ratio, t, call=call)
    assert float(value(f, f * ratio, found, t, call)) == pytest.approx(price, abs=1e-9 * f)


@given(forwards, st.floats(-7, 7), st.floats(0.01, 3), st.floats(0.001, 3), st.floats(0, 0.3), st.booleans())
def test_a_value_that_hardly_holds_any_volatility_has_one_all_the_same(
    f: float, moneyness: float, v: float, t: float, r: float, call: bool
) -> None:
    """Deep in the money the value may round to below intrinsic; far out it is nearly nothing: met to 1e-15 of a whole."""
    strike = f * float(np.exp(moneyness))
    price = float(value(f, strike, v, t, call, r))
    found = implied_volatility(price, f, strike, t, call=call, rate=r)
    assert abs(float(value(f, strike, found, t, call, r)) - price) <= 4e-15 * max(f, strike)


def test_a_price_below_intrinsic_by_a_rounding_has_no_volatility_and_one_below_that_is_refused() -> None:
    """A call on 1000 at 400 whose time value is gone: a unit in the last place less is the value's own rounding."""
    least = float(value(1000, 400, 0.0, 0.01, call=True))
    under = float(np.nextafter(least, 0))
    assert float(value(1000, 400, implied_volatility(under, 1000, 400, 0.01, call=True), 0.01, call=True)) == least
    with pytest.raises(BadInput, match="option price"):
        implied_volatility(least - 1e-11, 1000, 400, 0.01, call=True)


@pytest.mark.parametrize("price", [9.99, 110.01, float("nan")], ids=["below-intrinsic", "above-forward", "nan"])
def test_a_price_that_no_volatility_gives_is_refused(price: float) -> None:
    """A call on 110 at 100 costs at least 10 and at most 110."""
    assert implied_volatility(20, 110, 100, 1, call=True) > 0
    with pytest.raises(BadInput):
        implied_volatility(price, 110, 100, 1, call=True)


@given(st.floats(50, 200), st.floats(50, 200), st.floats(0.1, 1.5), st.floats(0.05, 2), st.booleans())
def test_the_greeks_are_slopes_of_the_value(f: float, k: float, v: float, t: float, call: bool) -> None:
    """Delta and vega beside differences of the value itself."""
    found = greeks(f, k, v, t, call=call, rate=0.03)
    by = 1e-4
    slope = (float(value(f + by, k, v, t, call, 0.03)) - float(value(f - by, k, v, t, call, 0.03))) / (2 * by)
    bump = (float(value(f, k, v + 1e-5, t, call, 0.03)) - float(value(f, k, v - 1e-5, t, call, 0.03))) / 2e-5
    assert found.delta == pytest.approx(slope, abs=1e-5)
    assert found.vega == pytest.approx(bump, abs=1e-3)
