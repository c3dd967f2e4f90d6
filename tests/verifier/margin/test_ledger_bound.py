"""Where nothing is left unpaid is said beforehand, and only where every course ends so."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.verifier.margin.accounts import account
from tests.verifier.margin.build import line, position, snapshot
from tests.verifier.margin.test_properties import POLICY, RULES
from verifier.margin.fixed import SCALE, Price, Usd
from verifier.margin.ledger_book import Book, book_of
from verifier.margin.ledger_bound import leaves_nothing_unpaid
from verifier.margin.liquidation_course import End, course
from verifier.margin.liquidation_goal import Goal
from verifier.margin.liquidation_steps import Charge, Trading
from verifier.margin.market import Depth
from verifier.margin.models.impact import Linear, NoImpact, SquareRoot
from verifier.margin.models.selling import farthest_marks, impacts_of, mark_after
from verifier.margin.trial import Scales, Setting, Trial

STRICT = Goal(ratio=4_000_000)


@pytest.mark.parametrize("seed", range(25))
def test_what_is_said_to_pay_for_itself_never_ends_below_zero(seed: int) -> None:
    """A goal so far off that nearly all is closed, at falling marks: whenever nothing was to be left unpaid, nothing is."""
    made = account(seed)
    if made.by_scenarios:
        return
    scales = Scales(made.setting)
    for share in (100, 90, 70, 40):
        prices = {
            g: Price(max(q.price * share // 100, 1)) for g, q in made.trial.snapshot.quotes.items() if g != "USDC"
        }
        trial = made.trial.at(prices)
        for name, pool in scales.lows(trial).items():
            book = book_of(scales, trial, name, made.trading)
            if book is None or not pool.known or STRICT.lacks(pool.low) <= 0:
                continue
            if leaves_nothing_unpaid(book, trial, name):
                found = course(scales, trial, name, made.trading, STRICT, book)
                assert found.low[0] > 0 and found.shortfall == 0


SETTING = Setting(POLICY, RULES)
MARKET = Trading(impacts=impacts_of({"ETH": Depth(Usd(10**7 * SCALE), 40_000)}), other=Charge(fee=1_000, bonus=30_000))


def owing(loan: str) -> tuple[Book, Trial]:
    """Forty ether at 2,000 dollars and a position of as many, against a loan."""
    held = line("h", "ETH", "40"), line("d", "USDC", loan), position("p", "ETH", "40", "2000")
    trial = Trial(snapshot(*held, ETH="2000", USDC="1"))
    book = book_of(Scales(SETTING), trial, "", MARKET)
    assert book is not None
    return book, trial


def test_equity_beyond_every_cost_covers_it_and_equity_below_does_not() -> None:
    """Selling 80,000 dollars costs 2,400 in bonus, and closing moves the mark; a loan a little larger is not covered."""
    assert leaves_nothing_unpaid(*owing("-70000"), "")
    book, trial = owing("-79000")
    assert not leaves_nothing_unpaid(book, trial, "")
    assert course(Scales(SETTING), trial, "", MARKET, Goal(), book).end is End.DEFICIT


def test_money_that_steps_cost_counts() -> None:
    """Nothing is promised of a pool whose cash is owed."""
    book, trial = owing("-70000")
    assert leaves_nothing_unpaid(book, trial.paid("", 0), "")
    assert not leaves_nothing_unpaid(book, trial.paid("", -10_000 * SCALE), "")


def test_a_mark_that_could_more_than_double_has_no_bound() -> None:
    """Buying back a short drives its mark up: equity may not cover it, however much there is."""
    held = line("c", "USDC", "100000000"), position("p", "ETH", "-40", "2000")
    trial = Trial(snapshot(*held, ETH="2000", USDC="1"))
    for slope, promised in ((1e-8, True), (1e-5, False)):
        trading = Trading(impacts={"ETH": Linear(slope)})
        book = book_of(Scales(SETTING), trial, "", trading)
        assert book is not None
        assert leaves_nothing_unpaid(book, trial, "") is promised
        assert leaves_nothing_unpaid(replace(book, trading=replace(trading, moves_marks=False)), trial, "")


@given(
    st.integers(1, 10**24),
    st.lists(st.tuples(st.integers(0, 10**24), st.booleans()), max_size=8),
    st.sampled_from([NoImpact(), SquareRoot(0.04, 1e6), Linear(1e-8)]),
)
def test_no_trades_leave_a_mark_farther_off(price: int, trades: list, impact: SquareRoot) -> None:
    """Sales and purchases in any order, each of at most the largest."""
    largest = max((worth for worth, _ in trades), default=0)
    low, high = farthest_marks(impact, price, largest, len(trades))
    mark = price
    for worth, sale in trades:
        mark = mark_after(impact, Price(mark), worth if sale else -worth)
        assert low <= mark
        assert mark <= high or high > 2 * price
