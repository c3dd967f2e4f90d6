"""Properties of the portfolio requirement that must always hold."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.simulators.minting import AS_OF
from tests.verifier.margin.books import (
    MONTH,
    POLICY,
    QUOTES,
    RULES,
    account,
    needed,
    perp,
    pool,
    positions,
    with_scenarios,
)
from tests.verifier.margin.build import line
from verifier.margin.as_json import to_json
from verifier.margin.by_mode import compare_modes
from verifier.margin.digest import canonical_bytes
from verifier.margin.fixed import price
from verifier.margin.instruments import Future, InversePerp, Option
from verifier.margin.market import ExpiryQuote
from verifier.margin.modes import Mode
from verifier.margin.report import HypotheticalReport
from verifier.margin.scenario import (
    OffsetMethod,
    OffsetRules,
    Scenario,
)
from verifier.margin.snapshot import Position
from verifier.margin.status import Status
from verifier.primitives import Timestamp


@given(positions())
@settings(max_examples=40, deadline=None)
def test_maintenance_initial_cross_and_isolated_stand_in_order(held: tuple[Position, ...]) -> None:
    """MM ≤ IM in every mode; portfolio ≤ cross ≤ the isolated sum. (Property 3.)"""
    taken = account(*held)
    portfolio, cross = pool(taken), pool(taken, Mode.CROSS)
    for made in (portfolio, cross):
        for risk in (made.known_low, made.known_high):
            assert risk.maintenance <= risk.initial
    assert portfolio.known_low.initial <= cross.known_low.initial
    assert portfolio.known_low.maintenance <= cross.known_low.maintenance
    assert cross.known_low.initial <= sum(v.low.initial for v in cross.positions)


@given(positions(), st.integers(0, 100), st.integers(0, 100), st.sampled_from(["standalone", "per-scenario"]))
@settings(max_examples=40, deadline=None)
def test_more_netting_never_needs_more(held: tuple[Position, ...], one: int, two: int, method: str) -> None:
    """Full netting ≤ partial ≤ none, whatever is netted and however losses of underlyings become one. (Property 8.)"""
    taken = account(*(replace(p, counts_gain=True) for p in held))
    found = []
    for credit in (0, *sorted((one, two)), 100):
        offsets = OffsetRules(OffsetMethod(method), credit=Decimal(credit) / 100, from_correlation=False)
        found.append(needed(taken, with_scenarios(offsets=offsets)))
    for less, more in zip(found[1:], found, strict=False):
        assert less <= more + max(10**6, more // 10**9)


@given(positions())
@settings(max_examples=25, deadline=None)
def test_no_figure_depends_on_the_order_of_positions(held: tuple[Position, ...]) -> None:
    """Every order of three positions: the same bytes, the list of positions apart. (Property 2.)"""

    def figures(order: tuple[Position, ...]) -> bytes:
        made = pool(account(*order))
        shown = to_json(HypotheticalReport(account(*order), POLICY, RULES, Mode.PORTFOLIO))
        for pocket in shown["pockets"]:  # type: ignore[attr-defined]
            pocket["positions"].sort(key=lambda p: p["id"])
            pocket["reasons"].sort(key=lambda r: (r["subject"], r["text"]))
        shown["reasons"].sort(key=lambda r: (r["subject"], r["text"]))  # type: ignore[attr-defined]
        del shown["snapshot_digest"]
        assert made.portfolio is not None
        return canonical_bytes(shown)

    assert len({figures(order) for order in list(permutations(held))[:6]}) == 1


@given(positions(), st.integers(1, 99))
@settings(max_examples=25, deadline=None)
def test_splitting_a_position_changes_nothing_but_rounding(held: tuple[Position, ...], part: int) -> None:
    """Never in the account's favour by more than a rounding unit of the models. (Property 2.)"""
    first = held[0]
    share = first.size * part // 100
    halves = (replace(first, id="x", size=share), replace(first, id="y", size=first.size - share))
    split = tuple(p for p in (*halves, *held[1:]) if p.size)
    one, two = pool(account(*held)).portfolio, pool(account(*split)).portfolio
    assert one is not None
    assert two is not None
    assert abs(one.initial - two.initial) <= max(10**10, one.initial // 10**9)


@given(positions())
@settings(max_examples=25, deadline=None)
def test_an_unshocked_scenario_has_no_profit_before_discounts(held: tuple[Position, ...]) -> None:
    """Nothing moved, nothing gained: and no loss is below zero. (Property 3.)"""
    still = with_scenarios(
        scenarios=(Scenario(Decimal(0)),),
        long_discount=replace(RULES.scenarios.long_discount, base=Decimal(1), rate_factor=Decimal(0), added=Decimal(0)),
        short_discount=replace(
            RULES.scenarios.short_discount, base=Decimal(1), rate_factor=Decimal(0), added=Decimal(0)
        ),
    )
    made = pool(account(*held), rules=still).portfolio
    assert made is not None
    assert all(abs(s.loss) <= 10**9 for s in made.scenarios)


@given(positions(), st.sampled_from(["2", "10", "0.5"]))
@settings(max_examples=20, deadline=None)
def test_scaling_all_prices_scales_money_and_leaves_ratios(held: tuple[Position, ...], factor: str) -> None:
    """Prices, strikes, entries, forwards and cash times a constant. (Property 10.)"""
    times = Decimal(factor)

    def grown(text: int) -> int:
        return int(Decimal(text) * times)

    def position_of(p: Position) -> Position:
        terms = p.terms
        if isinstance(terms, Option):
            terms = replace(terms, strike=grown(terms.strike))
        if isinstance(terms, InversePerp):
            terms = replace(terms, multiplier=grown(terms.multiplier))
        return replace(p, entry=grown(p.entry), terms=terms)

    taken = account(*held)
    larger = replace(
        taken,
        lines=tuple(replace(li, amount=grown(li.amount or 0)) for li in taken.lines),
        positions=tuple(map(position_of, held)),
        quotes={g: q if g == "USDC" else replace(q, price=grown(q.price)) for g, q in taken.quotes.items()},
        expiries=tuple(replace(q, forward=grown(q.forward)) for q in taken.expiries),
    )
    one, two = pool(taken).known_low, pool(larger).known_low
    for name in ("equity", "initial", "maintenance"):
        before, after = Decimal(getattr(one, name)) * times, Decimal(getattr(two, name))
        assert abs(before - after) <= max(Decimal(10**11), abs(before) / 10**9)


@given(positions())
@settings(max_examples=15, deadline=None)
def test_each_positions_modes_agree_with_the_account(held: tuple[Position, ...]) -> None:
    """Isolated requirements add up to the isolated sum; a single position is alone what it is in the portfolio."""
    taken = account(*held)
    figures = HypotheticalReport(taken, POLICY, RULES, Mode.CROSS).figures
    found = compare_modes(figures, POLICY, RULES)
    isolated = sum(row.isolated.initial for row in found.positions if row.isolated is not None)
    assert isolated == sum(v.low.initial for v in figures.positions)
    if len(held) == 1:
        (row,) = found.positions
        assert row.portfolio == row.alone


@given(positions(), st.sampled_from(["ETH", "BTC", "USDC"]), st.integers(1, 50))
@settings(max_examples=30, deadline=None)
def test_more_collateral_never_lowers_an_excess(held: tuple[Position, ...], group: str, amount: int) -> None:
    """E, E − IM and E − MM in portfolio mode, whether the collateral hedges or not. (Property 1.)"""
    more = line("more", group, str(amount))
    one, two = pool(account(*held)), pool(account(*held, more))
    for before, after in ((one.known_low, two.known_low), (one.known_high, two.known_high)):
        assert after.equity >= before.equity
        assert after.equity - after.initial >= before.equity - before.initial - 10**11
        assert after.buffer >= before.buffer - 10**11


@given(positions(), st.integers(0, 20_000))
@settings(max_examples=20, deadline=None)
def test_the_low_figure_is_never_above_the_high_one(held: tuple[Position, ...], age: int) -> None:
    """With quotes of any age: equity and both excesses, low at most high. (Property 9.)"""
    old = tuple(replace(q, at=Timestamp(AS_OF - age)) for q in QUOTES)
    taken = account(*held, expiries=old)
    aged = replace(taken, quotes={g: replace(q, at=Timestamp(AS_OF - age // 4)) for g, q in taken.quotes.items()})
    made = pool(aged)
    assert made.known_low.equity <= made.known_high.equity
    low, high = made.known_low, made.known_high
    assert low.equity - low.initial <= high.equity - high.initial + 10**11
    assert low.buffer <= high.buffer + 10**11


@pytest.mark.covers("MRG-04")
@given(
    size=st.integers(-(2**255), 2**255), strike=st.integers(1, 10**30), forward=st.integers(1, 10**30),
    vol=st.integers(0, 10**8), rate=st.none() | st.integers(0, 10**7), kind=st.sampled_from(["call", "put", "future", "inverse"]),
)  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_no_size_strike_or_volatility_breaks_a_report(
    size: int, strike: int, forward: int, vol: int, rate: int | None, kind: str
) -> None:
    """Figures, or an indeterminate account that says why: never an exception, never a figure that is none."""
    terms: Any = {
        "call": Option(price("1"), MONTH, call=True),
        "put": Option(price("1"), MONTH, call=False),
        "future": Future(MONTH),
        "inverse": InversePerp(price("1")),
    }[kind]
    terms = replace(terms, strike=strike) if isinstance(terms, Option) else terms
    held = replace(perp("x", "ETH", "1"), size=size, terms=terms)
    quoted = ExpiryQuote(group="ETH", expiry=MONTH, at=AS_OF, forward=forward, rate=rate, volatility=vol)  # type: ignore[arg-type]
    for mode in (Mode.CROSS, Mode.PORTFOLIO):
        made = pool(account(held, expiries=(quoted,)), mode)
        assert made.status is not Status.INDETERMINATE or made.reasons
        assert made.known_low.maintenance <= made.known_low.initial


@pytest.mark.covers("MRG-04")
def test_a_sum_beyond_any_figure_is_a_doubt_and_no_exception() -> None:
    """Thirty positions of nine hundred trillion each: alone they can be weighed, together not."""
    for size, status in (("300000000000", Status.INDETERMINATE), ("1", Status.HEALTHY)):
        made = pool(account(*(perp(f"p{i}", "ETH", size) for i in range(30))))
        assert made.status is status
        assert (made.portfolio is None) == (status is Status.INDETERMINATE)
        taken = account(*(perp(f"p{i}", "ETH", size) for i in range(30)))
        figures = HypotheticalReport(taken, POLICY, RULES, Mode.PORTFOLIO).figures
        rows = compare_modes(figures, POLICY, RULES).positions
        assert all((row.portfolio is None) == (made.portfolio is None) for row in rows)
