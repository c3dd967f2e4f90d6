"""Past prices onto one clock: what counts as a move, and what does not."""

from __future__ import annotations

from math import log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.errors import BadInput
from verifier.margin.fixed import SCALE, Price
from verifier.margin.models.past import LEAST, UNIT, Dated, aligned
from verifier.primitives import Timestamp

DAY = 86_400
START = 1_700_000_000


def daily(days: list[int], *, base: int = 3_000, off: int = 0) -> tuple[Dated, ...]:
    """A price for each day, which tells the day: base and as many dollars more; `off` seconds late on odd days."""
    return tuple((Timestamp(START + d * DAY + off * (d % 2)), Price((base + d) * SCALE)) for d in days)


def move(base: int, day: int) -> int:
    return round(log((base + day + 1) / (base + day)) * UNIT)


def test_daily_prices_of_two_assets_by_hand() -> None:
    """Forty days, one asset a few minutes late each second day: thirty-nine joint moves, oldest first."""
    found = aligned({"ETH": daily(list(range(40))), "BTC": daily(list(range(40)), base=60_000, off=300)}, DAY)
    assert found.moves == 39 and found.enough and not found.scarce
    assert found.returns["ETH"] == tuple(move(3_000, day) for day in range(39))
    assert found.returns["BTC"][0] == move(60_000, 0)


def test_a_gap_makes_no_move_and_fills_none() -> None:
    """A day without a price takes both moves that touch it: no move of zero and none of two days."""
    whole, holed = daily(list(range(41))), daily([d for d in range(41) if d != 20], base=60_000)
    found = aligned({"ETH": whole, "BTC": holed}, DAY)
    assert found.moves == 38
    assert found.returns["ETH"] == tuple(move(3_000, day) for day in range(40) if day not in (19, 20))


def test_too_few_say_nothing() -> None:
    """Thirty moves are enough and twenty-nine are not; an asset with few prices does not take the others with it."""
    assert aligned({"ETH": daily(list(range(LEAST + 1)))}, DAY).enough
    few = aligned({"ETH": daily(list(range(LEAST)))}, DAY)
    assert (few.enough, few.moves, few.scarce) == (False, 0, ("ETH",))
    apart = aligned({"ETH": daily(list(range(0, 80, 2)))}, DAY)
    assert (apart.enough, apart.moves) == (False, 0)
    beside = aligned({"ETH": daily(list(range(40))), "NEW": daily([38, 39])}, DAY)
    assert beside.enough and beside.scarce == ("NEW",) and set(beside.returns) == {"ETH"}


def test_of_two_prices_for_one_tick_the_nearer_stands() -> None:
    """A price eleven hours off gives way to the one at the hour; alone it would stand."""
    days = daily(list(range(40)))
    stray = (Timestamp(START + 20 * DAY - 11 * 3_600), Price(9_999 * SCALE))
    assert aligned({"ETH": (*days, stray)}, DAY) == aligned({"ETH": days}, DAY)
    without = tuple(p for p in days if p[0] != START + 20 * DAY)
    assert max(aligned({"ETH": (*without, stray)}, DAY).returns["ETH"]) > UNIT


def test_no_step_and_no_price_is_refused() -> None:
    """Zero is no step and no price."""
    with pytest.raises(BadInput, match="step"):
        aligned({}, 0)
    with pytest.raises(BadInput, match="past prices"):
        aligned({"ETH": ((Timestamp(1), Price(0)),)}, DAY)
    assert not aligned({}, DAY).enough


@given(st.lists(st.integers(0, 80), min_size=35, unique=True), st.integers(2, 1_000), st.randoms(use_true_random=False))
def test_neither_order_nor_unit_matters(days: list[int], by: int, random: object) -> None:
    """Shuffled prices, and prices in another unit, give the same moves."""
    prices = list(daily(days))
    before = aligned({"ETH": prices}, DAY)
    random.shuffle(prices)  # type: ignore[attr-defined]
    assert aligned({"ETH": prices}, DAY) == before
    scaled = aligned({"ETH": [(at, Price(price * by)) for at, price in prices]}, DAY)
    assert all(
        abs(a - b) <= 1 for a, b in zip(scaled.returns.get("ETH", ()), before.returns.get("ETH", ()), strict=True)
    )
