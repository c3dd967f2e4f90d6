"""What is counted in integers or in columns at once is what exact fractions and plain loops say, to the last bit."""

from __future__ import annotations

from fractions import Fraction
from math import ceil, exp, floor, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.margin.fixed import MAX_PRICE, SCALE, Price, Usd
from verifier.margin.models.impact import Linear
from verifier.margin.models.money import gain_of, loss_of
from verifier.margin.models.offsets import Windows, correlations, rolling_correlation
from verifier.margin.models.repricing import moved_price
from verifier.margin.models.selling import mark_after
from verifier.margin.scenario import OffsetRules

SLACK = Fraction(1, 10**12)
money = st.floats(-1e14, 1e14, allow_nan=False)


@given(money)
def test_money_of_a_model_is_the_exact_fraction_rounded_against_the_account(usd: float) -> None:
    exact = Fraction(usd)
    assert loss_of(usd) == ceil((exact + abs(exact) * SLACK) * SCALE)
    assert gain_of(usd) == floor((exact - abs(exact) * SLACK) * SCALE)


@given(st.integers(1, MAX_PRICE), st.integers(-(10**10), 10**10))
def test_a_moved_price_is_the_nearest_unit(price: int, log_return: int) -> None:
    exact = round(price * Fraction(exp(log_return * 1e-9)))
    assert moved_price(Price(price), log_return) == min(max(exact, 1), MAX_PRICE)


@pytest.mark.parametrize(("price", "moved"), [(1, 1), (3, 2), (5, 2), (7, 4)])
def test_of_two_prices_equally_near_the_even_one_is_taken(
    monkeypatch: pytest.MonkeyPatch, price: int, moved: int
) -> None:
    """Halves: 0.5 (never below one), 1.5, 2.5 and 3.5."""
    monkeypatch.setattr("verifier.margin.models.repricing.exp", lambda _: 0.5)
    assert moved_price(Price(price), 0) == moved


@given(st.integers(1, MAX_PRICE), st.integers(-(10**24), 10**24), st.floats(0, 1e-3))
def test_a_mark_moves_against_whoever_had_to_trade(price: int, sold: int, steepness: float) -> None:
    impact = Linear(steepness)
    move = Fraction(impact.move(abs(sold) / SCALE, 1.0))
    down, up = max(floor(price * (1 - move)), 1), min(ceil(price * (1 + move)), MAX_PRICE)
    assert mark_after(impact, Price(price), Usd(sold)) == (down if sold >= 0 else up)


def plain_correlation(one: np.ndarray, two: np.ndarray) -> float:
    a, b = one - one.mean(), two - two.mean()
    scale = sqrt(float((a * a).sum()) * float((b * b).sum()))
    return float((a * b).sum()) / scale if scale > 0 else 0.0


@pytest.mark.parametrize("seed", range(12))
def test_rolling_correlations_are_those_of_one_window_after_the_other(seed: int) -> None:
    """The same bits; a series that never moves correlates with nothing."""
    drawn = np.random.default_rng(seed)
    window, count = int(drawn.integers(5, 70)), int(drawn.integers(140, 300))
    one, two = drawn.normal(0, 0.03, count), drawn.normal(0, 0.03, count) * (seed % 4 != 0)
    first, second = Windows.of(one, window), Windows.of(two, window)
    assert first is not None and second is not None
    made = rolling_correlation(first, second, 0.1)
    rolled = [plain_correlation(one[i : i + window], two[i : i + window]) for i in range(count - window + 1)]
    low, high = np.quantile(np.array(rolled), [0.1, 0.9])
    assert (made.low, made.base, made.high) == (low, plain_correlation(one, two), high)


def test_fewer_than_two_windows_give_no_correlation() -> None:
    assert Windows.of(np.ones(119), 60) is None
    assert Windows.of(np.ones(120), 60) is not None


def test_correlations_are_taken_only_where_a_figure_hangs_on_them() -> None:
    from decimal import Decimal

    past = {name: np.random.default_rng(n).normal(0, 0.03, 120) for n, name in enumerate(("A", "B", "C"))}
    assert correlations(past, OffsetRules()) == {}
    assert correlations(past, OffsetRules(credit=Decimal("0.5"), from_correlation=False)) == {}
    assert len(correlations(past, OffsetRules(credit=Decimal("0.5")))) == 3
    assert len(correlations(past, OffsetRules(group_credits={"majors": Decimal("0.5")}))) == 3
